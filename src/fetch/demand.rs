//! What a key wants of the pool, and how its fetch ends. Pure: no actor, no upstream.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{clock::Moment, fetch::error::FetchError, secret::SecretValue};

/// How long a fetch may take when the user set no time-out: no upstream ever holds a function
/// longer.
///
/// Above what the SDK's three attempts need against a struggling service, below what a person
/// waits.
pub const LONGEST_FETCH: Duration = Duration::from_secs(30);

/// What depends on a fetch's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// No caller waits: the entry ends soon, or an outage may be over.
    Background,
    /// Callers wait, and each of them can have an old value if the call fails.
    OldValueWillDo,
    /// A caller waits that accepts nothing else: throttled calls are made again until the fetch's
    /// time is over.
    NewValueOnly,
}

impl Demand {
    /// Whether a caller waits.
    pub fn waits(self) -> bool {
        self > Self::Background
    }
}

/// When a fetch's call left: the birth of its value. Shared by the key and the pool.
#[derive(Clone, Debug, Default)]
pub struct Departure(Arc<Mutex<Option<Moment>>>);

impl Departure {
    /// None while the fetch queues, also again after a throttled call.
    pub fn left_at(&self) -> Option<Moment> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call leaves, or the fetch ends without one: no refresh may join it any more.
    pub fn leaves(&self, at: Moment) {
        self.set(Some(at));
    }

    pub(super) fn put_back(&self) {
        self.set(None);
    }

    fn set(&self, left_at: Option<Moment>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = left_at;
    }
}

/// How a fetch ended.
pub type FetchReply = Result<Fetched, FetchError>;

/// An upstream's answer and what it took.
#[derive(Debug)]
pub struct Fetched {
    /// The finished response body.
    pub value: SecretValue,
    /// How long the fetch waited for its call.
    pub queued: Duration,
    /// How long the upstream took, retries included.
    pub took: Duration,
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use tokio::time::Instant;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any moment will do")]
    fn a_call_that_is_put_back_has_not_left() {
        let departure = Departure::default();
        assert_eq!(departure.left_at(), None);
        let at = Moment { monotonic: Instant::now(), wall: SystemTime::UNIX_EPOCH };
        departure.leaves(at);
        assert_eq!(departure.clone().left_at(), Some(at), "clones share it");
        departure.put_back();
        assert_eq!(departure.left_at(), None);
    }

    #[test]
    fn a_caller_waits_for_all_but_work_in_the_background() {
        assert!(!Demand::Background.waits());
        assert!(Demand::OldValueWillDo.waits() && Demand::NewValueOnly.waits());
    }
}
