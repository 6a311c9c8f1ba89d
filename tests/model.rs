//! Random sequences of everything that can happen to the cache, against what its callers are
//! promised.
//!
//! Drives the index alone, thousands of steps a second, and holds every answer against the history
//! of calls: what was kept, what had failed, what had expired. `model_of_the_whole_cache.rs` does
//! the same steps to the whole cache.

use std::{cmp::Reverse, time::Duration};

use parameters_secrets_extension::{
    cache::{EACH_KEY, FIRST_PAUSE, Index, KNOWN_FOR, LONGEST_PAUSE, Urgency},
    clock::Moment,
    fetch::demand::LONGEST_FETCH,
    key::CacheKey,
};
use proptest::{
    prelude::*,
    sample::{Index as Pick, select},
};

use crate::support::{
    config::{Config, secret},
    outcome::Outcome,
    world::{Answered, Ended, Failed, Past, Question, Rules, World},
};

pub const LATENCY: Duration = Duration::from_millis(250);
const TTL: Duration = Duration::from_secs(2);
const STALE_WHILE_REVALIDATE: Duration = Duration::from_secs(5);
const STALE_IF_ERROR: Duration = Duration::from_secs(70);
const ERROR_TTL: Duration = Duration::from_secs(10);
const DEADLINE: Duration = Duration::from_secs(1);
pub const KEYS: usize = 4;

/// What a key costs at most: its name is one letter, and values and failures are a few words.
const KEY_BYTES: usize = EACH_KEY + 30;

#[derive(Clone, Debug)]
pub enum Step {
    Get(usize),
    Refresh(usize),
    /// Both clocks go on.
    Advance(Duration),
    /// Only the wall clock goes on.
    Freeze(Duration),
    /// The wall clock is set back.
    SetBack(Duration),
    /// The pool makes its open calls again, as after a freeze.
    Thaw,
    NextCallEnds(Outcome),
    /// One of the callers so far hangs up.
    HangUp(Pick),
}

fn duration() -> impl Strategy<Value = Duration> {
    select(vec![
        Duration::from_millis(1),
        LATENCY,
        FIRST_PAUSE,
        TTL * 4 / 5,
        TTL - LATENCY,
        TTL,
        TTL + STALE_WHILE_REVALIDATE,
        ERROR_TTL,
        LONGEST_PAUSE,
        KNOWN_FOR,
        STALE_IF_ERROR,
        LONGEST_FETCH,
    ])
}

pub fn step(keys: usize) -> impl Strategy<Value = Step> {
    let outcome = select(vec![
        Outcome::Error("refused"),
        Outcome::PassingError("passing"),
        Outcome::Dispatch,
        Outcome::Panic,
        Outcome::Hang,
    ]);
    prop_oneof![
        6 => (0..keys).prop_map(Step::Get),
        2 => (0..keys).prop_map(Step::Refresh),
        4 => duration().prop_map(Step::Advance),
        1 => duration().prop_map(Step::Freeze),
        1 => duration().prop_map(Step::SetBack),
        1 => Just(Step::Thaw),
        2 => outcome.prop_map(Step::NextCallEnds),
        1 => any::<Pick>().prop_map(Step::HangUp),
    ]
}

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    capacity: usize,
    bytes: usize,
    pub permits: usize,
    refresh_ahead: bool,
    stale_while_revalidate: Duration,
    error_ttl: Duration,
    deadline: Option<Duration>,
}

pub fn settings() -> impl Strategy<Value = Settings> {
    let stale_while_revalidate = select(vec![Duration::ZERO, STALE_WHILE_REVALIDATE]);
    let error_ttl = select(vec![Duration::ZERO, ERROR_TTL]);
    let deadline = select(vec![None, Some(DEADLINE)]);
    let bytes = (1..=KEYS).prop_map(|keys| keys * KEY_BYTES);
    (1..=KEYS, bytes, 1..=KEYS, any::<bool>(), stale_while_revalidate, error_ttl, deadline)
        .prop_map(
            |(
                capacity,
                bytes,
                permits,
                refresh_ahead,
                stale_while_revalidate,
                error_ttl,
                deadline,
            )| {
                Settings {
                    capacity,
                    bytes,
                    permits,
                    refresh_ahead,
                    stale_while_revalidate,
                    error_ttl,
                    deadline,
                }
            },
        )
}

impl Settings {
    pub fn config(&self) -> Config {
        Config {
            ttl: TTL,
            capacity: self.capacity,
            bytes: self.bytes,
            permits: self.permits,
            refresh_ahead: self.refresh_ahead,
            stale_while_revalidate: self.stale_while_revalidate,
            stale_if_error: STALE_IF_ERROR,
            error_ttl: self.error_ttl,
            deadline: self.deadline,
            ..Config::default()
        }
    }

    fn world(&self) -> World {
        let index = Index::new(self.config().capacity(), self.config().policy());
        World::new(
            index,
            Rules { latency: LATENCY, permits: self.permits, deadline: self.deadline },
        )
    }
}

fn act(step: &Step, world: &mut World) {
    match step {
        Step::Get(key) => drop(world.ask(&secret(&key.to_string()), Urgency::Patient)),
        Step::Refresh(key) => drop(world.ask(&secret(&key.to_string()), Urgency::Refresh)),
        Step::Advance(duration) => world.advance(*duration),
        Step::Freeze(duration) => world.freeze(*duration),
        Step::SetBack(duration) => world.set_back(*duration),
        Step::Thaw => world.calls_are_made_again(),
        Step::NextCallEnds(outcome) => world.script.push_back(outcome.clone()),
        Step::HangUp(pick) if !world.callers.is_empty() => {
            world.hang_up(pick.index(world.callers.len()));
        }
        Step::HangUp(_) => {}
    }
}

/// What may be expected, from the calls that have ended alone.
struct History<'a> {
    world: &'a World,
    settings: Settings,
}

/// How a call of one key ended, with its number.
struct EndOfCall<'a> {
    number: usize,
    left_at: Moment,
    at: Moment,
    order: usize,
    failed: Option<&'a Failed>,
}

/// A kept value: its call's number and age.
struct Kept {
    number: usize,
    age: Option<Duration>,
}

impl History<'_> {
    /// The ends of this key's calls among the first `ends`, newest first.
    fn ends_of(&self, key: &CacheKey, ends: usize) -> Vec<EndOfCall<'_>> {
        let calls = (1..).zip(&self.world.calls).filter(|(_, call)| call.key == *key);
        let ended = calls.filter_map(|(number, call)| {
            let (left_at, Ended { at, order, failed }) = (call.left_at, call.ended.as_ref()?);
            Some(EndOfCall { number, left_at, at: *at, order: *order, failed: failed.as_ref() })
        });
        let mut ended: Vec<_> = ended.filter(|end| end.order <= ends).collect();
        ended.sort_by_key(|end| Reverse(end.order));
        ended
    }

    fn was_evicted(&self, key: &CacheKey, since: usize, past: Past) -> bool {
        let mut evicted = self.world.evicted[..past.evictions].iter();
        evicted.any(|(gone, at)| gone == key && *at >= since)
    }

    /// Past its TTL, how long a value may be given at all.
    fn longest_stale(&self) -> Duration {
        STALE_IF_ERROR.max(self.settings.stale_while_revalidate)
    }

    fn may_be_given(&self, age: Option<Duration>) -> bool {
        age.is_some_and(|age| age < TTL + self.longest_stale())
    }

    /// The value that is kept for the key after so many ends. It ends by a refusal, by eviction,
    /// and by a failure that comes when it is too old to be given.
    fn kept(&self, key: &CacheKey, past: Past, at: Moment) -> Option<Kept> {
        let newest_first = self.ends_of(key, past.ends);
        let place = newest_first.iter().position(|end| end.failed.is_none())?;
        let value = &newest_first[place];
        let has_ended = newest_first[..place].iter().any(|end| {
            let failed = end.failed.expect("the value is the newest one");
            let is_too_old = !self.may_be_given(end.at.age_since(value.left_at));
            failed.is_refusal || (is_too_old && !failed.is_our_own)
        });
        let is_kept = !has_ended && !self.was_evicted(key, value.order, past);
        is_kept.then(|| Kept { number: value.number, age: at.age_since(value.left_at) })
    }

    /// The key's last failure that says something about it, if no value has come since.
    fn last_failure(&self, key: &CacheKey, ends: usize) -> Option<(usize, Moment, &Failed)> {
        self.ends_of(key, ends)
            .into_iter()
            .map_while(|end| Some((end.order, end.at, end.failed?)))
            .find(|(.., failed)| !failed.is_our_own)
    }

    fn check(&self, question: &Question) {
        let Some(answered) = &question.answer else { return };
        let is_at_once = answered.at == question.asked_at && answered.before == question.before;
        match &answered.result {
            Ok(_) => self.check_value(question, answered, is_at_once),
            Err(_) => self.check_error(question, answered, is_at_once),
        }
        if question.urgency == Urgency::Patient {
            self.check_waiting(question, answered, is_at_once);
        } else {
            assert!(!is_at_once, "a refresh waits for a call");
        }
    }

    fn check_value(&self, question: &Question, answered: &Answered, is_at_once: bool) {
        let answer = answered.result.as_ref().unwrap();
        let text = String::from_utf8(answer.body.reveal().to_vec()).unwrap();
        let number: usize = text.strip_prefix("call ").unwrap().parse().unwrap();
        let call = &self.world.calls[number - 1];
        let ended = call.ended.as_ref().unwrap();
        assert_eq!(call.key, question.key, "no key gets the value of another one");
        assert_eq!(ended.failed, None);
        if question.urgency == Urgency::Refresh {
            assert!(number > question.calls_before, "a refresh gets nothing from before it");
        }
        let is_by_this_call = ended.order == answered.before.ends && ended.at == answered.at;
        if is_by_this_call && !is_at_once {
            let left_before = number <= question.calls_before;
            let age = question.asked_at.age_since(call.left_at);
            assert!(!left_before || age.is_some_and(|age| age < TTL), "joined in time: {age:?}");
            return assert_eq!(answer.stale_age, None);
        }
        let kept = self.kept(&question.key, answered.before, answered.at);
        let kept = kept.expect("what is given is kept");
        assert_eq!(kept.number, number, "no value is given that a newer one has replaced");
        let age = kept.age.expect("a value of unknown age is not given");
        assert_eq!(answer.stale_age, (age >= TTL).then_some(age));
        assert!(self.may_be_given(kept.age));
    }

    fn check_error(&self, question: &Question, answered: &Answered, is_at_once: bool) {
        let code = answered.result.as_ref().unwrap_err().code();
        let (key, past, at) = (&question.key, answered.before, answered.at);
        if question.urgency == Urgency::Patient {
            let kept = self.kept(key, past, at);
            let instead = kept.filter(|kept| self.may_be_given(kept.age));
            assert!(instead.is_none(), "an old value goes before {code}");
        }
        let waited = at.monotonic - question.asked_at.monotonic;
        let is_deadline = self.settings.deadline.is_some_and(|deadline| waited >= deadline);
        if is_at_once {
            let (_, failed_at, failed) =
                self.last_failure(key, past.ends).expect("it is remembered");
            assert!(at.age_since(failed_at).is_some_and(|age| age < self.settings.error_ttl));
            assert_eq!(code, failed.code);
        } else if !(is_deadline && code == "RequestTimeout" || code == "Overloaded") {
            let end = &self.ends_of(key, past.ends)[0];
            assert_eq!((end.order, end.at), (past.ends, at), "the fetch that has just ended");
            assert_eq!(code, end.failed.unwrap().code);
        }
    }

    /// Whether the caller had to wait.
    fn check_waiting(&self, question: &Question, answered: &Answered, is_at_once: bool) {
        let (key, past, now) = (&question.key, question.before, question.asked_at);
        let failure = self.last_failure(key, past.ends);
        let Some(kept) = self.kept(key, past, now).filter(|kept| self.may_be_given(kept.age))
        else {
            let is_remembered = failure.is_some_and(|(order, at, _)| {
                let is_over = now.age_since(at).is_none_or(|age| age >= self.settings.error_ttl);
                !is_over && !self.was_evicted(key, order, past)
            });
            assert!(is_remembered || !is_at_once, "{failure:?}");
            // A wall clock that is set back may have ended the memory meanwhile, for good.
            let may_have_ended = self.world.was_set_back;
            return assert!(is_at_once || !is_remembered || may_have_ended, "{failure:?}");
        };
        let age = kept.age.unwrap();
        let failed_ago = failure.and_then(|(_, at, _)| now.age_since(at));
        let has_failed_within =
            |limit: Duration| failed_ago.is_some_and(|failed_ago| failed_ago <= limit);
        if age < TTL + self.settings.stale_while_revalidate || has_failed_within(KNOWN_FOR) {
            assert!(is_at_once, "{age:?}, {failed_ago:?}");
            assert!(answered.result.is_ok());
        } else if is_at_once {
            // An attempt that began in time is under way, or a call that has outlasted a deadline.
            assert!(has_failed_within(2 * KNOWN_FOR) || self.settings.deadline.is_some());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_caller_gets_what_is_promised_and_the_bounds_hold(
        settings in settings(),
        steps in prop::collection::vec(step(KEYS), 1..80)
    ) {
        let mut world = settings.world();
        for step in &steps {
            act(step, &mut world);
            prop_assert!(world.index.len() <= settings.capacity + world.fetches_in_flight());
            prop_assert!(world.open_calls() <= settings.permits);
            let in_flight = world.fetches_in_flight() * KEY_BYTES;
            prop_assert!(world.index.bytes() <= settings.bytes + in_flight);
            prop_assert!(world.index.bytes() <= world.index.len() * KEY_BYTES);
        }
        // Whatever hangs ends at its time-out, and so does what waits behind it.
        world.advance(LONGEST_FETCH * 4);
        prop_assert_eq!(world.fetches_in_flight(), 0);
        prop_assert!(world.index.bytes() >= world.index.len() * EACH_KEY);
        let history = History { world: &world, settings };
        for (number, question) in world.callers.iter().enumerate() {
            prop_assert!(question.answer.is_some() || world.has_hung_up(number));
            history.check(question);
        }
    }
}
