//! A caller: which value it takes, and where its answer goes.

use tokio::sync::oneshot;

use crate::{cache::entry::Answer, fetch::error::SharedFetchError};

/// What every caller gets: one answer, or the reason why there is none.
pub type LookupResult = Result<Answer, SharedFetchError>;

/// Where a caller gets its answer. A caller who hung up has closed it.
pub type Reply = oneshot::Sender<LookupResult>;

/// Which value a caller takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A kept value, if there is one that may be given.
    Patient,
    /// None that was read before the question: the caller knows that the kept one is out of date.
    Refresh,
}

/// Callers are numbered in the order in which they ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallerId(u64);

impl CallerId {
    /// The caller after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A caller who may have to wait.
pub trait Caller {
    /// Whether it has not hung up.
    fn still_waits(&self) -> bool;
}

impl Caller for Reply {
    fn still_waits(&self) -> bool {
        !self.is_closed()
    }
}
