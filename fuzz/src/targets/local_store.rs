//! The local store's file: it is refused with a place, or answers what it holds.

use std::{fs, path::PathBuf};

use parameters_secrets_extension::{
    fetch::{local_store::LocalStore, upstream::Upstreams},
    key::{CacheKey, ParameterKey, SecretKey, Selector},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Of each kind, so many names of the file are asked for.
const NAMES: usize = 4;

thread_local!(static RIG: Rig = Rig::new());

struct Rig {
    // Time is paused: what a file delays is answered at once.
    runtime: Runtime,
    file: PathBuf,
    _folder: TempDir,
}

impl Rig {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        Self {
            runtime: Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap(),
            file: folder.path().join("store.json"),
            _folder: folder,
        }
    }
}

pub fn run(bytes: &[u8]) {
    RIG.with(|rig| {
        fs::write(&rig.file, bytes).unwrap();
        match LocalStore::open(&rig.file, "eu-central-1") {
            Ok(store) => rig.runtime.block_on(ask(store, bytes)),
            Err(error) => {
                let text = error.to_string();
                assert!(!text.contains(char::is_control), "an error is one line: {text:?}");
            }
        }
    });
}

async fn ask(store: LocalStore, file: &[u8]) {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let file: Value = serde_json::from_slice(file).expect("what is taken is JSON");
    let names = |of: &str| {
        let entries = file[of].as_object().into_iter().flatten();
        entries.map(|(name, _)| name.clone()).take(NAMES).collect::<Vec<_>>()
    };
    let upstreams = Upstreams::of_one(store);
    for secret_id in names("secrets") {
        for version_stage in [None, Some("AWSPREVIOUS".to_owned())] {
            let secret_id = secret_id.clone();
            let key = SecretKey { secret_id, version_id: None, version_stage };
            check(&upstreams, CacheKey::Secret(key)).await;
        }
    }
    for name in names("parameters") {
        for selector in [None, Some(Selector::Version(1)), Some(Selector::Label("Dev".to_owned()))]
        {
            let with_decryption = selector.is_some();
            let key = ParameterKey { name: name.clone(), selector, with_decryption };
            check(&upstreams, CacheKey::Parameter(key)).await;
        }
    }
}

async fn check(upstreams: &Upstreams, key: CacheKey) {
    match upstreams.fetch(key).await {
        Ok(body) => {
            let body = body.reveal();
            let body: Value = serde_json::from_slice(&body).expect("a body is JSON");
            assert!(body["ResultMetadata"].is_object());
        }
        Err(error) => assert!(!error.code().is_empty()),
    }
}
