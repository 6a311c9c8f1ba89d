//! The cache: one actor a key, a registry that knows them all, and the door to both.

mod actor;
mod aliases;
mod door;
mod entry;
mod flight;
mod outage;
mod policy;
mod registry;

pub use actor::{CacheActor, Get};
pub use door::{Cache, CacheActors};
pub use entry::{Answer, Entry, Freshness};
pub use outage::{FIRST_PAUSE, LONGEST_PAUSE};
pub use policy::{CachePolicy, MAX_WAITERS, REFRESH_WINDOW};
pub use registry::{CacheRegistry, Found, Lease, Lookup, Settled};

use crate::fetch::error::SharedFetchError;

/// What every caller gets: one answer, or the reason why there is none.
pub type LookupResult = Result<Answer, SharedFetchError>;
