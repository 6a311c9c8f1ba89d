//! A fetch in flight, and the callers that wait for it or for the one after it.

use crate::{
    cache::{
        caller::{Caller, CallerId, Urgency},
        failures::is_known,
        policy::{CachePolicy, MAX_WAITERS},
    },
    clock::Moment,
    fetch::demand::{Demand, Departure, LONGEST_FETCH},
};

/// Up to this number of waiters, those that have hung up are not looked for.
const FEW_WAITERS: usize = 16;

/// A fetch in flight.
#[derive(Debug)]
pub(super) struct Flight<C> {
    /// Tells when the call that will answer it left: the birth of its value.
    pub(super) departure: Departure,
    /// What the pool has been told about the waiting callers.
    pub(super) demand: Demand,
    pub(super) waiters: Waiters<C>,
    /// Callers that asked after its call had left; they wait for the next fetch.
    pub(super) latecomers: Waiters<C>,
    /// The first caller that asked after the start of this fetch, or caused it.
    first_caller: CallerId,
    /// The last caller that waits for it or for the next one.
    pub(super) last_caller: CallerId,
    /// When it started, if the key was known to fail then: an attempt that no caller waits for.
    attempt_at: Option<Moment>,
    /// Whether it has outlasted the deadline of a caller that asked since it started.
    is_overdue: bool,
    /// The number of waiters at which those that have hung up are looked for next.
    crowded_at: usize,
}

/// Callers that wait, in order of arrival.
#[derive(Debug)]
pub(super) struct Waiters<C> {
    /// Callers that get a kept value if the fetch fails.
    pub(super) patient: Vec<C>,
    /// Callers that accept only the value of this fetch.
    pub(super) refreshing: Vec<C>,
}

impl<C: Caller> Flight<C> {
    pub(super) fn new(demand: Demand, waiters: Waiters<C>, first_caller: CallerId) -> Self {
        Self {
            departure: Departure::default(),
            demand,
            waiters,
            latecomers: Waiters::none(),
            first_caller,
            last_caller: first_caller,
            attempt_at: None,
            is_overdue: false,
            crowded_at: FEW_WAITERS,
        }
    }

    /// Started at `now`, for a key that is known to fail.
    pub(super) fn into_attempt(self, now: Moment) -> Self {
        Self { attempt_at: Some(now), ..self }
    }

    /// Whether it is known that waiting for it is useless.
    pub(super) fn is_known_to_fail(&self, now: Moment) -> bool {
        self.is_overdue || self.attempt_at.is_some_and(|at| is_known(at, now))
    }

    /// Whether a caller that asks at `now` may have this fetch's value. A refresh must not get what
    /// was read before its question. For every other caller it must not be older than an entry may
    /// be, or, where nothing is kept, than a fetch may take: it can be that old when the
    /// environment was frozen meanwhile.
    pub(super) fn may_answer(&self, urgency: Urgency, now: Moment, policy: &CachePolicy) -> bool {
        match (self.departure.left_at(), urgency) {
            (None, _) => true,
            (Some(_), Urgency::Refresh) => false,
            (Some(left_at), Urgency::Patient) => {
                let oldest = if policy.keeps_values() { policy.ttl } else { LONGEST_FETCH };
                now.age_since(left_at).is_some_and(|age| age < oldest)
            }
        }
    }

    /// The deadline of this caller has passed.
    pub(super) fn outlasts(&mut self, caller: CallerId) {
        self.is_overdue |= caller >= self.first_caller;
    }

    /// All callers that wait for this key.
    pub(super) fn waiting(&self) -> usize {
        self.waiters.len() + self.latecomers.len()
    }

    /// Forgets callers that have hung up, each time the number of waiters has doubled: all together
    /// take at most twice the memory of those that still wait, and looking costs each caller next
    /// to nothing.
    pub(super) fn make_room(&mut self) {
        if self.waiting() >= self.crowded_at {
            self.waiters.forget_hung_up();
            self.latecomers.forget_hung_up();
            self.crowded_at = (2 * self.waiting()).clamp(FEW_WAITERS, MAX_WAITERS);
        }
    }
}

impl<C: Caller> Waiters<C> {
    pub(super) fn none() -> Self {
        Self { patient: Vec::new(), refreshing: Vec::new() }
    }

    pub(super) fn push(&mut self, caller: C, urgency: Urgency) {
        match urgency {
            Urgency::Patient => self.patient.push(caller),
            Urgency::Refresh => self.refreshing.push(caller),
        }
    }

    pub(super) fn append(&mut self, mut others: Self) {
        self.patient.append(&mut others.patient);
        self.refreshing.append(&mut others.refreshing);
    }

    pub(super) fn len(&self) -> usize {
        self.patient.len() + self.refreshing.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn forget_hung_up(&mut self) {
        self.patient.retain(Caller::still_waits);
        self.refreshing.retain(Caller::still_waits);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use tokio::time::Instant;

    use super::*;

    /// A caller that waits, or has hung up.
    #[derive(Debug)]
    struct Waiting(bool);

    impl Caller for Waiting {
        fn still_waits(&self) -> bool {
            self.0
        }
    }

    fn flight() -> Flight<Waiting> {
        Flight::new(Demand::NewValueOnly, Waiters::none(), CallerId::default())
    }

    fn add(flight: &mut Flight<Waiting>, count: usize, waits: bool) {
        for number in 0..count {
            let urgency = if number % 2 == 0 { Urgency::Patient } else { Urgency::Refresh };
            flight.make_room();
            flight.waiters.push(Waiting(waits), urgency);
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any moment will do")]
    fn where_nothing_is_kept_no_caller_joins_a_call_from_before_a_long_freeze() {
        let policy = CachePolicy {
            ttl: Duration::ZERO,
            ttl_spread: 0.0,
            refresh_ahead: false,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            error_ttl: Duration::ZERO,
        };
        let flight = flight();
        let left = Moment { monotonic: Instant::now(), wall: SystemTime::UNIX_EPOCH };
        flight.departure.leaves(left);
        let joins_after = |seconds| {
            let wall = left.wall + Duration::from_secs(seconds);
            flight.may_answer(Urgency::Patient, Moment { wall, ..left }, &policy)
        };
        assert!(joins_after(1) && !joins_after(60));
    }

    #[test]
    fn callers_that_hung_up_are_forgotten_each_time_the_waiters_have_doubled() {
        let mut flight = flight();
        add(&mut flight, 12, true);
        add(&mut flight, 4, false);
        assert_eq!(flight.waiting(), 16);
        add(&mut flight, 1, true);
        assert_eq!(flight.waiting(), 13, "the first look, at few waiters");

        add(&mut flight, 11, false);
        assert_eq!(flight.waiting(), 24, "no look before they have doubled");
        add(&mut flight, 1, true);
        assert_eq!(flight.waiting(), 14);
    }

    #[test]
    fn latecomers_count_as_waiters_and_are_forgotten_too() {
        let mut flight = flight();
        add(&mut flight, 8, true);
        for _ in 0..8 {
            flight.latecomers.push(Waiting(false), Urgency::Patient);
        }
        flight.make_room();
        assert_eq!(flight.waiting(), 8);
    }
}
