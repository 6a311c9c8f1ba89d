//! A key whose fetches fail: what its last failure was, and when to try again.

use std::{sync::Arc, time::Duration};

use crate::{clock::Moment, fetch::error::SharedFetchError};

/// The first pause between background attempts; each further one is twice as long.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: how long after an outage's end a key may still answer stale.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Lasts from a failed fetch to the next one that does not fail.
#[derive(Debug)]
pub(super) struct Outage {
    failure: SharedFetchError,
    failed_at: Moment,
    failures: u32,
    warned: bool,
}

impl Outage {
    /// The outage that goes on, or begins, with this failure.
    pub(super) fn after(previous: Option<Self>, failure: SharedFetchError, now: Moment) -> Self {
        let (failures, warned) =
            previous.map_or((0, false), |outage| (outage.failures, outage.warned));
        Self { failure, failed_at: now, failures: failures.saturating_add(1), warned }
    }

    /// Whether the pause after the last failure is over. A clock that went back ends it too.
    pub(super) fn may_try_again(&self, now: Moment) -> bool {
        now.age_since(self.failed_at).is_none_or(|age| age >= self.pause())
    }

    /// The last failure, if it is younger than `error_ttl`.
    pub(super) fn remembered(&self, now: Moment, error_ttl: Duration) -> Option<SharedFetchError> {
        let age = now.age_since(self.failed_at)?;
        (age < error_ttl).then(|| Arc::clone(&self.failure))
    }

    /// The failure, the first time anybody asks: an outage is worth one warning.
    pub(super) fn take_warning(&mut self) -> Option<SharedFetchError> {
        let told = std::mem::replace(&mut self.warned, true);
        (!told).then(|| Arc::clone(&self.failure))
    }

    /// Whether the failure is one that passes, so that an old value is better than none.
    pub(super) fn is_passing(&self) -> bool {
        !self.failure.is_refusal()
    }

    fn pause(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
    }
}
