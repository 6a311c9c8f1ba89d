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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use tokio::time::Instant;

    use super::*;

    const TTL: Duration = Duration::from_secs(100);
    const MILLISECOND: Duration = Duration::from_millis(1);

    /// What an entry of this age is, and what is given in place of a newer one.
    #[expect(clippy::disallowed_methods, reason = "any moment will do")]
    fn at(age: Duration) -> (Freshness, Option<Answer>) {
        let policy = CachePolicy {
            ttl: TTL,
            ttl_spread: 0.0,
            refresh_ahead: true,
            stale_while_revalidate: TTL,
            stale_if_error: TTL * 2,
            error_ttl: Duration::ZERO,
        };
        let born = Moment { monotonic: Instant::now(), wall: SystemTime::UNIX_EPOCH };
        let now = Moment { monotonic: born.monotonic + age, wall: born.wall + age };
        let entry = Entry::new(SecretValue::new("value"), born, TTL);
        assert_eq!(entry.body_len(), "value".len());
        (entry.freshness(now, &policy), entry.answer_instead(now, &policy))
    }

    #[test]
    fn each_time_in_a_values_life_ends_where_the_next_one_begins() {
        for (begins, before, after) in [
            (TTL * 4 / 5, Freshness::Fresh, Freshness::LastFifth),
            (TTL, Freshness::LastFifth, Freshness::Revalidating),
            (TTL * 2, Freshness::Revalidating, Freshness::Stale),
            (TTL * 3, Freshness::Stale, Freshness::TooOld),
        ] {
            assert_eq!(at(begins - MILLISECOND).0, before);
            assert_eq!(at(begins).0, after);
        }
    }

    #[test]
    fn what_is_given_in_place_of_a_newer_value_says_its_age_once_it_has_expired() {
        let stale_age = |age| at(age).1.map(|answer| answer.stale_age);
        for age in [Duration::ZERO, TTL - MILLISECOND] {
            assert_eq!(stale_age(age), Some(None), "{age:?}");
        }
        for age in [TTL, TTL * 2, TTL * 3 - MILLISECOND] {
            assert_eq!(stale_age(age), Some(Some(age)));
        }
        assert_eq!(stale_age(TTL * 3), None);
    }
}
