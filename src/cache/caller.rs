//! A caller: which value it accepts, and where its answer is sent.

use tokio::sync::oneshot;

use crate::{cache::entry::Answer, fetch::error::SharedFetchError};

/// What every caller gets: one answer, or the reason why there is none.
pub type LookupResult = Result<Answer, SharedFetchError>;

/// Where a caller's answer is sent. It is closed once the caller has hung up.
pub type Reply = oneshot::Sender<LookupResult>;

/// Which value a caller accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A kept value too, if there is one that may be given.
    Patient,
    /// Only a value that is read after the question: the caller knows that the kept one is out of
    /// date.
    Refresh,
}

/// The number of a caller, in the order in which callers ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallerId(u64);

impl CallerId {
    /// The caller after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A caller that may have to wait.
pub trait Caller {
    /// Whether it has not hung up.
    fn still_waits(&self) -> bool;
}

impl Caller for Reply {
    fn still_waits(&self) -> bool {
        !self.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_waits_until_it_hangs_up() {
        let (reply, answer): (Reply, _) = oneshot::channel();
        assert!(reply.still_waits());
        drop(answer);
        assert!(!reply.still_waits());
    }
}
