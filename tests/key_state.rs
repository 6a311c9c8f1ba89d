//! The state of one key, told what happens and when: what it wants of the pool, and which clock it
//! goes by.

use std::time::{Duration, SystemTime};

use parameters_secrets_extension::{
    cache::{
        CachePolicy, Caller, CallerId, Event, FIRST_PAUSE, Holding, KNOWN_FOR, KeyState,
        MAX_WAITERS, Output, Urgency,
    },
    clock::Moment,
    fetch::{
        demand::{Demand, Departure, FetchReply, Fetched, LONGEST_FETCH},
        error::FetchError,
    },
    key::UpstreamKind,
    secret::SecretValue,
};
use tokio::time::Instant;

use crate::support::{
    config::{Config, TTL},
    outcome::{Outcome, error_of},
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
struct Patience;

impl Caller for Patience {
    fn still_waits(&self) -> bool {
        true
    }
}

struct Key {
    state: KeyState<Patience>,
    policy: CachePolicy,
    now: Moment,
    last: CallerId,
    /// Of the fetch in flight.
    departure: Departure,
}

/// What came out, but for log events and values.
#[derive(Debug, PartialEq, Eq)]
enum Out {
    Answer { callers: usize, is_value: bool },
    Fetch(Demand),
    Promote(Demand),
}

impl Key {
    fn new() -> Self {
        let config = Config { refresh_ahead: true, stale_if_error: HOUR, ..Config::default() };
        Self {
            state: KeyState::default(),
            policy: config.policy().secrets_manager,
            now: Moment { monotonic: Instant::now(), wall: SystemTime::UNIX_EPOCH + HOUR },
            last: CallerId::default(),
            departure: Departure::default(),
        }
    }

    /// With a value that is this old.
    fn with_value(age: Duration) -> Self {
        let mut key = Self::new();
        key.ask(Urgency::Patient);
        key.leave();
        key.settle(value());
        key.pass(age);
        key
    }

    fn pass(&mut self, duration: Duration) {
        self.now.monotonic += duration;
        self.now.wall += duration;
    }

    fn ask(&mut self, urgency: Urgency) -> Vec<Out> {
        self.last = self.last.next();
        let outputs = self.state.ask((Patience, self.last, urgency), &self.policy, self.now);
        self.seen(outputs)
    }

    fn deadline_of(&mut self, caller: CallerId) -> Vec<Out> {
        let failure = FetchError::deadline_passed(UpstreamKind::SecretsManager, SECOND);
        let asked = (Patience, caller, failure.into());
        let outputs = self.state.out_of_time(asked, &self.policy, self.now);
        self.seen(outputs)
    }

    fn leave(&self) {
        self.departure.leaves(self.now);
    }

    fn settle(&mut self, reply: FetchReply) -> Vec<Out> {
        let outputs = self.state.settle(reply, 0.0, &self.policy, self.now);
        self.seen(outputs)
    }

    fn seen(&mut self, outputs: Vec<Output<Patience>>) -> Vec<Out> {
        let seen = outputs.into_iter().filter_map(|output| match output {
            Output::Answer(callers, answer) => {
                Some(Out::Answer { callers: callers.len(), is_value: answer.is_ok() })
            }
            Output::Fetch(demand, departure) => {
                self.departure = departure;
                Some(Out::Fetch(demand))
            }
            Output::Promote(demand) => Some(Out::Promote(demand)),
            Output::Note(_) => None,
        });
        seen.collect()
    }
}

fn value() -> FetchReply {
    let value = SecretValue::new("value");
    Ok(Fetched { value, queued: Duration::ZERO, took: Duration::ZERO })
}

fn throttled() -> FetchReply {
    Err(error_of(&Outcome::PassingError("ThrottlingException")).unwrap())
}

const ANSWERED: Out = Out::Answer { callers: 1, is_value: true };

#[test]
fn a_fetch_for_a_caller_without_a_kept_value_is_for_a_new_value_only() {
    assert_eq!(Key::new().ask(Urgency::Patient), [Out::Fetch(Demand::NewValueOnly)]);
}

#[test]
fn a_fetch_for_callers_that_can_have_an_old_value_says_so_and_a_refresh_raises_it() {
    let mut key = Key::with_value(TTL);

    assert_eq!(key.ask(Urgency::Patient), [Out::Fetch(Demand::OldValueWillDo)]);
    assert_eq!(key.ask(Urgency::Patient), []);
    assert_eq!(key.ask(Urgency::Refresh), [Out::Promote(Demand::NewValueOnly)]);
    assert_eq!(key.ask(Urgency::Refresh), []);
}

#[test]
fn a_fetch_ahead_has_no_caller_until_a_refresh_joins_it() {
    let mut key = Key::with_value(TTL - SECOND);

    assert_eq!(key.ask(Urgency::Patient), [Out::Fetch(Demand::Background), ANSWERED]);
    assert_eq!(key.ask(Urgency::Refresh), [Out::Promote(Demand::NewValueOnly)]);
    key.leave();
    assert_eq!(key.settle(value()), [ANSWERED]);
}

#[test]
fn a_fetch_ahead_without_an_old_value_is_promoted_by_the_first_caller_that_waits() {
    let mut key = Key::with_value(TTL - SECOND);
    key.ask(Urgency::Patient);
    key.pass(2 * SECOND);

    assert_eq!(key.ask(Urgency::Patient), [Out::Promote(Demand::OldValueWillDo)]);
    key.pass(HOUR);
    assert_eq!(key.ask(Urgency::Patient), [Out::Promote(Demand::NewValueOnly)]);
}

#[test]
fn a_refresh_may_join_again_when_a_throttled_call_has_been_put_back() {
    let mut key = Key::new();
    key.ask(Urgency::Refresh);
    key.leave();
    assert_eq!(key.ask(Urgency::Refresh), [], "too late for the call that has left");

    let latecomers_fetch = Out::Fetch(Demand::NewValueOnly);
    assert_eq!(key.settle(value()), [ANSWERED, latecomers_fetch]);
    assert_eq!(key.ask(Urgency::Refresh), [], "the next call has not left");
    key.leave();
    assert_eq!(key.settle(value()), [Out::Answer { callers: 2, is_value: true }]);
}

#[test]
fn a_value_is_as_old_as_its_call_and_not_as_its_fetch() {
    let mut key = Key::new();
    key.ask(Urgency::Patient);
    key.pass(TTL);
    key.leave();
    key.settle(value());
    key.pass(TTL / 2);

    assert_eq!(key.ask(Urgency::Patient), [ANSWERED]);
}

#[test]
fn no_caller_that_can_have_an_old_value_waits_for_a_call_that_outlasted_a_deadline() {
    let mut key = Key::with_value(TTL);
    key.ask(Urgency::Patient);
    key.leave();
    let caller = key.last;
    key.pass(SECOND);

    assert_eq!(key.deadline_of(caller), [ANSWERED]);
    assert_eq!(key.ask(Urgency::Patient), [ANSWERED]);
}

#[test]
fn a_caller_that_was_handed_on_to_the_next_fetch_says_nothing_about_that() {
    let mut key = Key::with_value(TTL);
    key.ask(Urgency::Patient);
    key.leave();
    // Frozen for longer than the TTL: the call is too old for a caller that asks now.
    key.pass(TTL);
    key.ask(Urgency::Patient);
    let handed_on = key.last;
    let old_value = ANSWERED;
    assert_eq!(key.settle(throttled()), [old_value, Out::Fetch(Demand::OldValueWillDo)]);
    key.leave();
    key.pass(KNOWN_NO_MORE);

    assert_eq!(key.deadline_of(handed_on), [ANSWERED]);
    assert_eq!(key.ask(Urgency::Patient), [], "it waits for the call that has just left");
}

/// Longer than the failure before is known.
const KNOWN_NO_MORE: Duration = Duration::from_secs(31);

#[test]
fn what_a_key_holds_is_counted_in_bytes() {
    let failure = "ThrottlingException".len() + "as told".len();
    assert_eq!(Key::new().state.held_bytes(), None);

    let mut key = Key::with_value(TTL);
    assert_eq!(key.state.held_bytes(), Some("value".len()));
    key.ask(Urgency::Patient);
    key.settle(throttled());
    assert_eq!(key.state.held_bytes(), Some("value".len() + failure), "and why it is not newer");

    let mut key = Key::new();
    key.policy.error_ttl = SECOND;
    key.ask(Urgency::Patient);
    key.settle(throttled());
    assert_eq!(key.state.held_bytes(), Some(failure));
}

#[test]
fn a_failure_is_held_only_where_failures_are_remembered() {
    for (error_ttl, holding) in [(Duration::ZERO, Holding::Nothing), (SECOND, Holding::Failure)] {
        let mut key = Key::new();
        key.policy.error_ttl = error_ttl;
        key.ask(Urgency::Patient);
        key.settle(throttled());
        assert_eq!(key.state.holding(), holding);
    }
}

#[test]
fn while_an_attempt_is_open_its_callers_get_the_old_value_as_long_as_the_attempt_is_new() {
    let mut key = Key::with_value(TTL);
    key.ask(Urgency::Patient);
    key.settle(throttled());
    key.pass(KNOWN_FOR - SECOND);
    assert_eq!(key.ask(Urgency::Patient), [Out::Fetch(Demand::Background), ANSWERED]);

    key.pass(KNOWN_FOR);
    assert_eq!(key.ask(Urgency::Patient), [ANSWERED]);
    key.pass(SECOND);
    let waits = key.ask(Urgency::Patient);
    assert_eq!(waits, [Out::Promote(Demand::OldValueWillDo)], "nothing is known any more");
}

#[test]
fn where_nothing_is_kept_a_call_answers_each_caller_that_asks_while_it_is_open() {
    let mut key = Key::new();
    key.policy.ttl = Duration::ZERO;
    key.ask(Urgency::Patient);
    key.leave();
    key.pass(LONGEST_FETCH - SECOND);

    assert_eq!(key.ask(Urgency::Patient), []);
    assert_eq!(key.settle(value()), [Out::Answer { callers: 2, is_value: true }]);
}

#[test]
fn a_call_that_is_as_old_as_the_ttl_answers_no_caller_that_asks_then() {
    let mut key = Key::new();
    key.ask(Urgency::Patient);
    key.leave();
    key.pass(TTL);

    key.ask(Urgency::Patient);
    assert_eq!(key.settle(value()), [ANSWERED, Out::Fetch(Demand::OldValueWillDo)]);
}

#[test]
fn a_background_fetch_that_fails_for_a_reason_of_our_own_is_made_again_after_a_pause() {
    let mut key = Key::with_value(TTL - 10 * SECOND);
    let fetches_ahead = [Out::Fetch(Demand::Background), ANSWERED];
    assert_eq!(key.ask(Urgency::Patient), fetches_ahead);
    key.settle(Err(FetchError::Overloaded("as told")));

    assert_eq!(key.ask(Urgency::Patient), [ANSWERED]);
    key.pass(FIRST_PAUSE);
    assert_eq!(key.ask(Urgency::Patient), fetches_ahead);
}

#[test]
fn a_failure_is_told_of_unless_it_is_our_own_and_no_caller_waited() {
    let own = || Err(FetchError::Overloaded("as told"));
    for (reply, waits, is_told) in [
        (own(), false, false),
        (own(), true, true),
        (throttled(), false, true),
        (throttled(), true, true),
    ] {
        let mut key = Key::with_value(TTL - SECOND);
        key.ask(if waits { Urgency::Refresh } else { Urgency::Patient });
        let outputs = key.state.settle(reply, 0.0, &key.policy, key.now);
        let told = |event: &Event| matches!(event, Event::Failed { .. });
        let is_seen = outputs.iter().any(|it| matches!(it, Output::Note(event) if told(event)));
        assert_eq!(is_seen, is_told);
    }
}

#[test]
fn the_caller_after_the_last_one_there_is_room_for_does_not_wait() {
    for (mut key, instead) in [(Key::new(), false), (Key::with_value(TTL), true)] {
        for _ in 0..MAX_WAITERS {
            let seen = key.ask(Urgency::Patient);
            assert!(!seen.contains(&ANSWERED));
        }
        let answered = |is_value| [Out::Answer { callers: 1, is_value }];
        assert_eq!(key.ask(Urgency::Patient), answered(instead));
        assert_eq!(key.ask(Urgency::Refresh), answered(false));
    }
}
