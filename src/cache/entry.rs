//! One kept value, and whether it may still be given.

use std::time::Duration;

use crate::{
    cache::policy::{CachePolicy, LAST_FIFTH},
    clock::Moment,
    secret::SecretValue,
};

/// A finished response body, its time of birth and its TTL.
#[derive(Clone, Debug)]
pub struct Entry {
    body: SecretValue,
    /// When its call left, not when it ended: the upstream may have changed the value while it
    /// answered.
    born: Moment,
    /// The policy's TTL, shortened by a random part of the spread.
    ttl: Duration,
}

/// What a caller gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The finished response body.
    pub body: SecretValue,
    /// How old the body is, if it is older than its TTL.
    pub stale_age: Option<Duration>,
}

/// What may be done with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Give it.
    Fresh,
    /// Give it, and fetch the next one.
    LastFifth,
    /// It has expired. Give it all the same, and fetch the next one.
    Revalidating,
    /// It has expired. Give it only while fetches fail.
    Stale,
    /// Never give it again.
    TooOld,
}

impl Entry {
    /// A body whose call left at `born`.
    pub fn new(body: SecretValue, born: Moment, ttl: Duration) -> Self {
        Self { body, born, ttl }
    }

    /// How long its body is, in bytes.
    pub fn body_len(&self) -> usize {
        self.body.len()
    }

    /// What may be done with it now. Either clock can age it, and a wall clock that went back past
    /// its birth ends it: then its age cannot be known.
    pub fn freshness(&self, now: Moment, policy: &CachePolicy) -> Freshness {
        let (part, whole) = LAST_FIFTH;
        match self.age(now) {
            Some(age) if age < self.ttl * part / whole => Freshness::Fresh,
            Some(age) if age < self.ttl => Freshness::LastFifth,
            Some(age) if age < self.ttl + policy.stale_while_revalidate => Freshness::Revalidating,
            Some(age) if age < self.ttl + policy.stale_if_error => Freshness::Stale,
            _ => Freshness::TooOld,
        }
    }

    /// The age by the clock that says older; `None` when it cannot be known.
    pub fn age(&self, now: Moment) -> Option<Duration> {
        now.age_since(self.born)
    }

    /// The answer to give before the entry has expired.
    pub fn answer(&self) -> Answer {
        Answer { body: self.body.clone(), stale_age: None }
    }

    /// The answer to give in place of a newer value that cannot be had now, if the entry is young
    /// enough.
    pub fn answer_instead(&self, now: Moment, policy: &CachePolicy) -> Option<Answer> {
        match self.freshness(now, policy) {
            Freshness::Fresh | Freshness::LastFifth => Some(self.answer()),
            Freshness::Revalidating | Freshness::Stale => {
                Some(Answer { stale_age: self.age(now), ..self.answer() })
            }
            Freshness::TooOld => None,
        }
    }
}
