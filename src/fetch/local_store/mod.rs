//! Answers from a JSON file as AWS would: for a laptop, an emulator or a test.
//!
//! Short forms first; every long form can do what its short form can:
//!
//! ```json
//! {
//!   "secrets": {
//!     "plain": "correct horse",
//!     "object": { "json": { "user": "app", "password": "battery" } },
//!     "bytes": { "binary": "AAEC/w==" },
//!     "rotated": { "versions": [{ "string": "old" }, { "string": "new" }] }
//!   },
//!   "parameters": {
//!     "/text": "a String",
//!     "/list": ["a", "String", "List"],
//!     "/secure": { "type": "SecureString", "value": "staple" },
//!     "/versions": { "versions": [{ "value": "one" }, { "value": "two", "labels": ["Dev"] }] }
//!   }
//! }
//! ```
//!
//! - Versions stand from the oldest to the newest. Unless one of a secret's versions has `stages`
//!   of its own, the newest is `AWSCURRENT` and the one before it `AWSPREVIOUS`.
//! - `json` is stored as compact text with its keys sorted; where the exact text matters, give it
//!   as `string`.
//! - A secret, or each of its versions, may have an `id` (its version id) and `created`; a
//!   parameter, or each of its versions, `labels` and `modified`. Either may have an `arn`. What is
//!   left out is made up: an ARN from the name; a date is the file's modification time, and a
//!   version id changes with it. While the program runs, an edit makes a new version of what it
//!   changes, and of nothing else; a parameter that is one value then counts one up.
//! - `delay_ms`, `fail` and `throttle`, for the whole file or an entry, make calls slow, fail or
//!   too many.
//!
//! The file is checked at every fetch, and read again when its modification time or its size has
//! changed, so an edit is seen once the cached entry has expired. The file holds its secrets in the
//! clear: it is for values that are not secret.

mod document;
mod faults;
mod lookup;
mod made_up;
mod notation;
mod parameter;
mod secret;

use std::{
    cell::RefCell,
    fmt, fs, io,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
    time::SystemTime,
};

use futures_util::future::LocalBoxFuture;
use zeroize::Zeroizing;

pub use self::document::Problem;
use self::{document::Document, faults::Fate, lookup::Store};
use crate::{
    clock::{Clock, SystemClock},
    fetch::{
        body::{ParameterRecord, SecretRecord},
        error::{FetchError, UpstreamErrorKind},
        upstream::{Upstream, UpstreamAnswer},
    },
    key::{ParameterKey, SecretKey},
};

/// Why the file cannot be used. The text names the file and the place in it, never a value.
#[derive(Debug, thiserror::Error)]
pub enum LocalStoreError {
    /// There is no such file, or it may not be read.
    #[error("cannot read the local store {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: io::Error,
    },
    /// The file is there and wrong.
    #[error("the local store {} is invalid: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: Problem,
    },
}

/// Secrets and parameters from one file. Answers the keys of both services.
#[derive(Clone)]
pub struct LocalStore(Rc<Shared>);

struct Shared {
    path: PathBuf,
    region: String,
    loaded: RefCell<Loaded>,
}

/// The file as it was last read; an error stays until the file changes.
struct Loaded {
    stamp: Option<Stamp>,
    store: Result<Arc<Store>, String>,
}

/// Tells one state of the file from another without reading it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    size: u64,
}

impl LocalStore {
    /// Opens and checks the file. ARNs say `region` where the file does not give one.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not as it must be.
    pub fn open(
        path: impl Into<PathBuf>,
        region: impl Into<String>,
    ) -> Result<Self, LocalStoreError> {
        let (path, region) = (path.into(), region.into());
        let unreadable = |reason| LocalStoreError::Unreadable { path: path.clone(), reason };
        let stamp = Stamp::of(&path).map_err(unreadable)?;
        let store = read(&path, &region, stamp, None)?;
        let loaded = Loaded { stamp: Some(stamp), store: Ok(Arc::new(store)) };
        Ok(Self(Rc::new(Shared { path, region, loaded: RefCell::new(loaded) })))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

impl Upstream<SecretKey> for LocalStore {
    fn fetch(&self, key: SecretKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        let shared = Rc::clone(&self.0);
        Box::pin(async move {
            let store = shared.current().await?;
            meet(store.fate_of_secret(&key, SystemClock.now())).await?;
            store.secret(&key).map(SecretRecord::into_body)
        })
    }
}

impl Upstream<ParameterKey> for LocalStore {
    fn fetch(&self, key: ParameterKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        let shared = Rc::clone(&self.0);
        Box::pin(async move {
            let store = shared.current().await?;
            meet(store.fate_of_parameter(&key, SystemClock.now())).await?;
            store.parameter(&key).map(ParameterRecord::into_body)
        })
    }
}

/// Waits as long as the file says, and fails if it says so. The pool bounds the wait.
async fn meet(fate: Fate) -> Result<(), FetchError> {
    if !fate.delay.is_zero() {
        tokio::time::sleep(fate.delay).await;
    }
    fate.failure.map_or(Ok(()), Err)
}

impl Shared {
    /// The file as it is now. It is checked and read on a blocking thread: everything else shares
    /// one thread, and a disk may be slow.
    async fn current(&self) -> Result<Arc<Store>, FetchError> {
        let (path, region) = (self.path.clone(), self.region.clone());
        let (known, before) = {
            let loaded = self.loaded.borrow();
            (loaded.stamp, loaded.store.clone().ok())
        };
        let look =
            tokio::task::spawn_blocking(move || look(&path, &region, known, before.as_deref()));
        let changed = look.await.map_err(|ended| {
            if ended.is_panic() { FetchError::Panicked } else { FetchError::Stopping }
        })?;
        // Another fetch may have seen the same edit first: what it has counted since is kept.
        if let Some(loaded) = changed
            && (loaded.stamp.is_none() || loaded.stamp != self.loaded.borrow().stamp)
        {
            self.loaded.replace(loaded);
        }
        self.loaded.borrow().store.clone().map_err(|message| FetchError::Upstream {
            code: "LocalStoreInvalid".to_owned(),
            message,
            kind: UpstreamErrorKind::Refusal,
        })
    }
}

/// Reads the file again unless it is in the `known` state.
fn look(path: &Path, region: &str, known: Option<Stamp>, before: Option<&Store>) -> Option<Loaded> {
    let stamp = match Stamp::of(path) {
        Ok(stamp) if Some(stamp) == known => return None,
        Ok(stamp) => stamp,
        Err(reason) => {
            let error = LocalStoreError::Unreadable { path: path.to_owned(), reason };
            return Some(Loaded { stamp: None, store: Err(error.to_string()) });
        }
    };
    let store = read(path, region, stamp, before).map(Arc::new).map_err(|error| error.to_string());
    Some(Loaded { stamp: Some(stamp), store })
}

/// `stamp` is taken before reading: an edit in between is then seen by the next look.
fn read(
    path: &Path,
    region: &str,
    stamp: Stamp,
    before: Option<&Store>,
) -> Result<Store, LocalStoreError> {
    let content = fs::read(path).map(Zeroizing::new);
    let content =
        content.map_err(|reason| LocalStoreError::Unreadable { path: path.to_owned(), reason })?;
    let document = Document::read(&content)
        .map_err(|problem| LocalStoreError::Invalid { path: path.to_owned(), problem })?;
    Ok(Store::new(document, region, stamp.modified.into(), before))
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        // A pipe would be empty the second time, and a folder has a confusing error of its own.
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Ok(Self { modified: metadata.modified()?, size: metadata.len() })
    }
}

impl fmt::Debug for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalStore").field("path", &self.0.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
