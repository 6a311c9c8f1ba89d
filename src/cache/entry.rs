//! One kept answer, and whether it may still be given.

use std::time::Duration;

use crate::{cache::CachePolicy, clock::Moment, secret::SecretValue};

/// A finished response body and when its fetch began.
#[derive(Clone, Debug)]
pub struct Entry {
    body: SecretValue,
    /// The start of the fetch, not its end: the upstream may have changed the value while it answered.
    born: Moment,
}

/// What a caller gets.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The finished response body.
    pub body: SecretValue,
}

impl Entry {
    /// An answer whose fetch began at `born`.
    pub fn new(body: SecretValue, born: Moment) -> Self {
        Self { body, born }
    }

    /// Whether the answer may be given without asking upstream. Either clock can end it, and a wall
    /// clock that went back past its birth ends it too: then its age cannot be known.
    pub fn is_fresh(&self, now: Moment, policy: &CachePolicy) -> bool {
        self.age(now).is_some_and(|age| age < policy.ttl)
    }

    /// The age by the clock that says older; `None` when it cannot be known.
    pub fn age(&self, now: Moment) -> Option<Duration> {
        now.age_since(self.born)
    }

    /// The answer to give.
    pub fn answer(&self) -> Answer {
        Answer { body: self.body.clone() }
    }
}
