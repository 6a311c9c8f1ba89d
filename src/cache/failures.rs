//! A key whose fetches fail: what its last failure was, and when to try again.

use std::time::Duration;

use crate::{clock::Moment, fetch::error::SharedFetchError};

/// The first pause between attempts in the background; each further one is twice as long.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause. Shorter than [`KNOWN_FOR`], so that a key that is read every ten seconds
/// makes each attempt while the failure before it is still known, and no caller waits for any of
/// them.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// How long a failure counts as known; an attempt that started in this time counts as known to
/// fail, too. Later nothing is known: the upstream may have recovered long ago.
pub const KNOWN_FOR: Duration = Duration::from_secs(30);

/// One failed fetch that says something about the key or its upstream.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) error: SharedFetchError,
    pub(super) at: Moment,
}

impl Failure {
    /// Whether it is answered again without a fetch.
    pub(super) fn is_remembered(&self, now: Moment, error_ttl: Duration) -> bool {
        now.age_since(self.at).is_some_and(|age| age < error_ttl)
    }
}

/// What has failed since a key's last value arrived.
#[derive(Debug)]
pub(super) struct Setbacks {
    failed: u32,
    last: Moment,
    outage: Option<Outage>,
}

/// The failures among these that are the upstream's: while they are known, an old value is given.
#[derive(Debug)]
struct Outage {
    failure: Failure,
    is_told: bool,
}

impl Setbacks {
    /// `previous` and one more failed fetch, for a reason of this program's own.
    pub(super) fn one_more(previous: Option<Box<Self>>, now: Moment) -> Box<Self> {
        let mut setbacks =
            previous.unwrap_or_else(|| Box::new(Self { failed: 0, last: now, outage: None }));
        setbacks.failed = setbacks.failed.saturating_add(1);
        setbacks.last = now;
        setbacks
    }

    /// The same, for a reason of the upstream's.
    pub(super) fn with_failure(previous: Option<Box<Self>>, failure: Failure) -> Box<Self> {
        let mut setbacks = Self::one_more(previous, failure.at);
        let is_told = setbacks.outage.as_ref().is_some_and(|outage| outage.is_told);
        setbacks.outage = Some(Outage { failure, is_told });
        setbacks
    }

    /// Whether the pause after the last setback is over. A clock that went back ends it too.
    pub(super) fn may_try_again(&self, now: Moment) -> bool {
        now.age_since(self.last).is_none_or(|age| age >= self.pause())
    }

    /// Whether it is known that waiting for the upstream is useless.
    pub(super) fn is_known_to_fail(&self, now: Moment) -> bool {
        self.failure().is_some_and(|failure| is_known(failure.at, now))
    }

    /// The upstream's last failure.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.outage.as_ref().map(|outage| &outage.failure)
    }

    /// The upstream's last failure, the first time this is called: an outage is worth one warning.
    pub(super) fn take_warning(&mut self) -> Option<SharedFetchError> {
        let outage = self.outage.as_mut().filter(|outage| !outage.is_told)?;
        outage.is_told = true;
        Some(outage.failure.error.clone())
    }

    fn pause(&self) -> Duration {
        let doublings = self.failed.saturating_sub(1).min(16);
        (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
    }
}

/// Whether what was seen at this time still counts as known.
pub(super) fn is_known(seen_at: Moment, now: Moment) -> bool {
    now.age_since(seen_at).is_some_and(|age| age <= KNOWN_FOR)
}

#[cfg(test)]
#[path = "failures_tests.rs"]
mod tests;
