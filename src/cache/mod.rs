//! The cache: one actor a key, a registry that knows them all, and the door to both.

mod actor;
mod door;
mod entry;
mod policy;
mod registry;

pub use actor::{CacheActor, Get};
pub use door::{Cache, CacheActors};
pub use entry::{Answer, Entry};
pub use policy::{CachePolicy, MAX_WAITERS, REFRESH_WINDOW};
pub use registry::{CacheRegistry, Lease, Lookup, Settled};

use crate::fetch::error::SharedFetchError;

/// What every caller gets: one answer, or the reason why there is none.
pub type LookupResult = Result<Answer, SharedFetchError>;
