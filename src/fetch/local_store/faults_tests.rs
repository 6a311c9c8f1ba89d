use std::{fs, path::PathBuf, time::Duration};

use tokio::time::{advance, pause};

use crate::{
    clock::{Clock, SystemClock},
    fetch::{
        error::{FetchError, UpstreamErrorKind},
        local_store::{
            LocalStore,
            tests::{parameter, secret},
        },
        upstream::Upstreams,
    },
    key::CacheKey,
};

/// A store in a folder of its own.
struct Test {
    store: LocalStore,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Test {
    fn new(content: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.json");
        fs::write(&path, content).expect("a writable file");
        let store = LocalStore::open(&path, "eu-west-1").expect("a right file");
        Self { store, path, _folder: folder }
    }

    async fn ask(&self, key: CacheKey) -> Result<(), FetchError> {
        Upstreams::of_one(self.store.clone()).fetch(key).await.map(|_value| ())
    }

    /// The error codes of so many calls for a secret, one after another; empty where it was
    /// answered.
    async fn codes(&self, secret_id: &str, calls: usize) -> Vec<String> {
        let mut codes = Vec::new();
        for _ in 0..calls {
            let outcome = self.ask(secret(secret_id)).await;
            codes.push(outcome.err().map_or_else(String::new, |error| error.code().to_owned()));
        }
        codes
    }
}

const OK: &str = "";

#[tokio::test]
async fn a_delay_is_how_long_a_call_takes_and_an_entrys_own_comes_first() {
    let test = Test::new(
        r#"{"delay_ms": 200,
            "secrets": {"a": "b", "slow": {"string": "b", "delay_ms": 3000}},
            "parameters": {"/slow": {"value": "b", "delay_ms": 1000}}}"#,
    );
    pause();
    for (key, millis) in [
        (secret("a"), 200),
        (secret("none"), 200),
        (secret("slow"), 3_000),
        (parameter("/slow"), 1_000),
        (parameter("/slow:1"), 1_000),
        (parameter("/aws/reference/secretsmanager/slow"), 3_000),
    ] {
        let begun = SystemClock.now().monotonic;
        let _ = test.ask(key.clone()).await;
        let took = begun.elapsed();
        let expected = Duration::from_millis(millis);
        assert!(took >= expected && took < expected + Duration::from_millis(20), "{key} {took:?}");
    }
}

#[tokio::test]
async fn a_failure_is_for_ever_or_for_so_many_calls() {
    let test = Test::new(
        r#"{"secrets": {
            "down": {"string": "b", "fail": "ServiceUnavailable"},
            "flaky": {"string": "b", "fail": {"code": "InternalServiceError", "times": 2}},
            "steady": {"string": "b", "fail": {"code": "AccessDeniedException"}}}}"#,
    );
    assert_eq!(test.codes("down", 3).await, ["ServiceUnavailable"; 3]);
    let twice = "InternalServiceError";
    assert_eq!(test.codes("flaky", 4).await, [twice, twice, OK, OK]);
    assert_eq!(test.codes("steady", 3).await, ["AccessDeniedException"; 3]);
}

#[tokio::test]
async fn what_a_failure_means_for_a_kept_value_is_told_by_its_code() {
    for (code, kind) in [
        ("AccessDeniedException", UpstreamErrorKind::Refusal),
        ("ThrottlingException", UpstreamErrorKind::Throttling { retry_after: None }),
        ("InternalServiceError", UpstreamErrorKind::Passing),
    ] {
        let test = Test::new(&format!(r#"{{"fail": "{code}", "secrets": {{"a": "b"}}}}"#));
        match test.ask(secret("a")).await {
            Err(FetchError::Upstream { kind: found, .. }) => assert_eq!(found, kind, "{code}"),
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_throttle_answers_so_many_calls_in_a_second() {
    let test = Test::new(r#"{"secrets": {"a": {"string": "b", "throttle": 2}, "free": "b"}}"#);
    pause();
    let throttled = "ThrottlingException";
    assert_eq!(test.codes("a", 4).await, [OK, OK, throttled, throttled]);
    assert_eq!(test.codes("free", 3).await, [OK; 3]);
    advance(Duration::from_millis(1_001)).await;
    assert_eq!(test.codes("a", 3).await, [OK, OK, throttled]);
}

#[tokio::test]
async fn a_throttle_of_the_file_counts_all_its_entries() {
    let test = Test::new(r#"{"throttle": 1, "secrets": {"a": "b", "c": "d"}}"#);
    pause();
    assert_eq!(test.codes("a", 1).await, [OK]);
    assert_eq!(test.codes("c", 1).await, ["ThrottlingException"]);
}

#[tokio::test]
async fn an_edit_begins_the_count_anew() {
    let content = r#"{"fail": {"code": "InternalFailure", "times": 1}, "secrets": {"a": "b"}}"#;
    let test = Test::new(content);
    assert_eq!(test.codes("a", 2).await, ["InternalFailure", OK]);
    fs::write(&test.path, format!("{content}\n")).expect("a writable file");
    assert_eq!(test.codes("a", 2).await, ["InternalFailure", OK]);
}
