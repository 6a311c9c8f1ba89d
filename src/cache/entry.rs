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
    /// How old the body is, if it is older than its TTL: then its fetches fail.
    pub stale_age: Option<Duration>,
}

/// What may be done with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Give it.
    Fresh,
    /// Give it, and fetch the next one.
    EndsSoon,
    /// Give it only while fetches fail.
    Stale,
    /// Never give it again.
    TooOld,
}

impl Entry {
    /// An answer whose fetch began at `born`.
    pub fn new(body: SecretValue, born: Moment) -> Self {
        Self { body, born }
    }

    /// What may be done with it now. Either clock can age it, and a wall clock that went back past its
    /// birth ends it: then its age cannot be known.
    pub fn freshness(&self, now: Moment, policy: &CachePolicy) -> Freshness {
        match self.age(now) {
            Some(age) if age < policy.ttl * 4 / 5 => Freshness::Fresh,
            Some(age) if age < policy.ttl => Freshness::EndsSoon,
            Some(age) if age < policy.ttl + policy.stale_if_error => Freshness::Stale,
            _ => Freshness::TooOld,
        }
    }

    /// The age by the clock that says older; `None` when it cannot be known.
    pub fn age(&self, now: Moment) -> Option<Duration> {
        now.age_since(self.born)
    }

    /// The answer to give while the entry is fresh.
    pub fn answer(&self) -> Answer {
        Answer { body: self.body.clone(), stale_age: None }
    }

    /// The answer to give instead of a failure, if the entry is young enough for that.
    pub fn answer_despite_failure(&self, now: Moment, policy: &CachePolicy) -> Option<Answer> {
        match self.freshness(now, policy) {
            Freshness::Fresh | Freshness::EndsSoon => Some(self.answer()),
            Freshness::Stale => Some(Answer { stale_age: self.age(now), ..self.answer() }),
            Freshness::TooOld => None,
        }
    }
}
