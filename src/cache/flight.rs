//! The fetch in flight and who waits for it.

use std::time::Duration;

use crate::{
    cache::{CachePolicy, Get, Lease, LookupResult, REFRESH_WINDOW, Reply, Urgency},
    clock::Moment,
};

/// A fetch in flight.
pub(super) struct Flight {
    /// When it began: the birth of its value.
    pub(super) begun: Moment,
    is_refresh: bool,
    /// Whether it has outlasted the deadline of somebody who waited for it.
    pub(super) is_overdue: bool,
    /// In order of arrival; empty while it runs only in the background.
    pub(super) waiters: Vec<Waiter>,
    /// Keeps the key's actor from being evicted, although nobody may wait: the next caller would start a
    /// second fetch beside this one.
    _lease: Lease,
}

/// A caller who waits.
pub(super) struct Waiter {
    /// Whether an old value would be no answer.
    pub(super) refresh: bool,
    /// Keeps the key's actor from being evicted.
    pub(super) lease: Lease,
    reply: Reply,
}

impl Flight {
    pub(super) fn new(begun: Moment, is_refresh: bool, lease: Lease) -> Self {
        Self { begun, is_refresh, is_overdue: false, waiters: Vec::new(), _lease: lease }
    }

    /// Whether a caller who asks at `now` may have this fetch's value: it must not be older than an
    /// entry may be. A fetch can be that old when the environment was frozen meanwhile.
    pub(super) fn may_answer(&self, refresh: bool, now: Moment, policy: &CachePolicy) -> bool {
        let younger_than =
            |limit: Duration| now.age_since(self.begun).is_some_and(|age| age < limit);
        if refresh {
            return self.is_refresh && younger_than(REFRESH_WINDOW);
        }
        !policy.keeps_answers() || younger_than(policy.ttl)
    }

    /// Whether it has taken this long already. A freeze in which the monotonic clock stood still does not
    /// count: the upstream had no chance to answer.
    pub(super) fn has_run_for(&self, time: Duration, now: Moment) -> bool {
        now.monotonic.saturating_duration_since(self.begun.monotonic) >= time
    }
}

impl Waiter {
    pub(super) fn new(get: Get) -> Self {
        let refresh = matches!(get.urgency, Urgency::Refresh);
        Self { refresh, lease: get.lease, reply: get.reply }
    }

    pub(super) fn still_waits(&self) -> bool {
        !self.reply.is_closed()
    }

    pub(super) fn answer(self, answer: LookupResult) {
        // Fails only for a caller who hung up meanwhile.
        let _ = self.reply.send(answer);
    }
}
