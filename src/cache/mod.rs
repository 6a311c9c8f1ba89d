//! The cache: one actor a key, a registry that knows them all, and the door to both.

mod actor;
mod catalogue;
mod door;
mod entry;
mod flight;
mod outage;
mod policy;
mod registry;
mod shelf;

pub use actor::{CacheActor, Get};
pub use catalogue::Catalogue;
pub use door::Cache;
pub use entry::{Answer, Entry, Freshness};
pub use outage::{FIRST_PAUSE, LONGEST_PAUSE};
pub use policy::{CachePolicy, MAX_WAITERS, REFRESH_WINDOW};
pub use registry::{CacheRegistry, Lease, Lookup, OpenRegistry, Settled};

use std::time::Duration;

use tokio::sync::oneshot;

use crate::fetch::error::SharedFetchError;

/// What every caller gets: one answer, or the reason why there is none.
pub type LookupResult = Result<Answer, SharedFetchError>;

/// Where a caller gets its answer. A caller who hung up has closed it.
pub type Reply = oneshot::Sender<LookupResult>;

/// How a caller asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Waits for a fetch if it must.
    Patient,
    /// Must not get a value older than its question: it knows that the entry is out of date.
    Refresh,
    /// Has waited for this long already and takes what there is.
    OutOfTime(Duration),
}
