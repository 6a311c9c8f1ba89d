//! Random sequences of everything that can happen to the cache, against a small reference model.

use std::{collections::VecDeque, time::Duration};

use parameters_secrets_extension::{
    cache::{FIRST_PAUSE, LONGEST_PAUSE, REFRESH_WINDOW},
    fetch::{pool::LONGEST_FETCH, upstream::Upstreams},
};
use proptest::{prelude::*, sample::Index};
use tokio::{
    runtime::Builder,
    time::{Instant, advance},
};

use crate::support::{
    cache::{Caller, Config, TestCache, secret, settle},
    upstream::{FakeUpstream, Outcome},
};

const LATENCY: Duration = Duration::from_millis(250);
const TTL: Duration = Duration::from_secs(2);
/// When a hit begins to fetch ahead.
const LAST_FIFTH: Duration = Duration::from_millis(1_600);
const STALE_IF_ERROR: Duration = Duration::from_secs(40);

#[derive(Clone, Debug)]
enum Step {
    Get(usize),
    Refresh(usize),
    /// Both clocks go on.
    Advance(Duration),
    /// Only the wall clock goes on.
    Freeze(Duration),
    /// Somebody sets the wall clock back.
    SetBack(Duration),
    NextFetchEnds(Outcome),
    /// One of the callers so far hangs up.
    HangUp(Index),
}

/// Too short for a freeze, whose calls are made again.
fn short_duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::from_millis(1)),
        Just(REFRESH_WINDOW),
        Just(LATENCY),
        Just(FIRST_PAUSE),
    ]
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::from_millis(1)),
        Just(REFRESH_WINDOW),
        Just(LATENCY),
        Just(FIRST_PAUSE),
        Just(LAST_FIFTH),
        Just(TTL - LATENCY),
        Just(TTL),
        Just(LONGEST_PAUSE),
        Just(STALE_IF_ERROR),
        Just(LONGEST_FETCH),
    ]
}

fn step(keys: usize) -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        Just(Outcome::Error("told")),
        Just(Outcome::PassingError("passing")),
        Just(Outcome::Panic),
        Just(Outcome::Hang),
    ];
    prop_oneof![
        6 => (0..keys).prop_map(Step::Get),
        2 => (0..keys).prop_map(Step::Refresh),
        4 => duration().prop_map(Step::Advance),
        1 => duration().prop_map(Step::Freeze),
        1 => duration().prop_map(Step::SetBack),
        2 => outcome.prop_map(Step::NextFetchEnds),
        1 => any::<Index>().prop_map(Step::HangUp),
    ]
}

fn step_without_freezes() -> impl Strategy<Value = Step> {
    (step(1), short_duration()).prop_map(|(step, duration)| match step {
        Step::Advance(_) | Step::Freeze(_) => Step::Advance(duration),
        step => step,
    })
}

/// What a caller is to get: the how manieth call's value, or an error's code.
type Expected = Result<usize, &'static str>;

/// One key of the cache, without actors and tasks.
#[derive(Default)]
struct Model {
    monotonic: Duration,
    wall: i64,
    outcomes: VecDeque<Outcome>,
    calls: usize,
    entry: Option<(usize, Born)>,
    outage: Option<OutageModel>,
    flight: Option<FlightModel>,
    latecomers: Vec<WaiterModel>,
    /// What each caller gets, in order of asking, once it has been settled.
    answers: Vec<Option<Expected>>,
}

#[derive(Clone, Copy)]
struct Born {
    monotonic: Duration,
    wall: i64,
}

struct OutageModel {
    is_passing: bool,
    failed_at: Born,
    pause: Duration,
}

struct FlightModel {
    call: usize,
    born: Born,
    is_refresh: bool,
    ends: Duration,
    outcome: Outcome,
    waiters: Vec<WaiterModel>,
}

struct WaiterModel {
    caller: usize,
    refresh: bool,
}

impl Model {
    fn now(&self) -> Born {
        Born { monotonic: self.monotonic, wall: self.wall }
    }

    /// By the clock that says older; `None` if the wall clock went back.
    fn age(&self, born: Born) -> Option<Duration> {
        let by_wall = Duration::from_millis(u64::try_from(self.wall - born.wall).ok()?);
        Some(by_wall.max(self.monotonic - born.monotonic))
    }

    fn is_younger(&self, born: Born, limit: Duration) -> bool {
        self.age(born).is_some_and(|age| age < limit)
    }

    fn ask(&mut self, refresh: bool) {
        let waiter = WaiterModel { caller: self.answers.len(), refresh };
        let at_once = if refresh { None } else { self.at_once() };
        self.answers.push(at_once.map(Ok));
        if at_once.is_some() {
            return;
        }
        let joins = self.flight.as_ref().map(|flight| match refresh {
            false => self.is_younger(flight.born, TTL),
            true => flight.is_refresh && self.is_younger(flight.born, REFRESH_WINDOW),
        });
        match joins {
            None => self.start(refresh, vec![waiter]),
            Some(true) => self.flight.as_mut().unwrap().waiters.push(waiter),
            Some(false) => self.latecomers.push(waiter),
        }
    }

    /// What a caller gets without waiting: the how manieth call's value.
    fn at_once(&mut self) -> Option<usize> {
        let (call, born) = self.entry?;
        if !self.is_younger(born, TTL) {
            let is_passing = self.outage.as_ref().is_some_and(|outage| outage.is_passing);
            self.despite_failure().filter(|_| is_passing)?;
        }
        let may_try = self
            .outage
            .as_ref()
            .is_none_or(|outage| !self.is_younger(outage.failed_at, outage.pause));
        if !self.is_younger(born, LAST_FIFTH) && self.flight.is_none() && may_try {
            self.start(false, Vec::new());
        }
        Some(call)
    }

    /// The value that goes before a failure.
    fn despite_failure(&self) -> Option<usize> {
        let (call, born) = self.entry?;
        self.is_younger(born, TTL + STALE_IF_ERROR).then_some(call)
    }

    fn start(&mut self, is_refresh: bool, waiters: Vec<WaiterModel>) {
        self.calls += 1;
        let outcome = self.outcomes.pop_front().unwrap_or(Outcome::Value);
        let takes = if matches!(outcome, Outcome::Hang) { LONGEST_FETCH } else { LATENCY };
        let (call, born, ends) = (self.calls, self.now(), self.monotonic + takes);
        self.flight = Some(FlightModel { call, born, is_refresh, ends, outcome, waiters });
    }

    fn advance(&mut self, duration: Duration) {
        self.monotonic += duration;
        self.wall += millis(duration);
        let Some(flight) = self.flight.take_if(|flight| flight.ends <= self.monotonic) else {
            return;
        };
        let is_passing = !matches!(flight.outcome, Outcome::Error(_));
        let answer = match flight.outcome {
            Outcome::Value => Ok(flight.call),
            Outcome::Error(code) | Outcome::PassingError(code) => Err(code),
            Outcome::Dispatch => Err("DispatchFailure"),
            Outcome::Panic => Err("InternalFailure"),
            Outcome::Hang => Err("RequestTimeout"),
        };
        match answer {
            Ok(call) => {
                self.entry = Some((call, flight.born));
                self.outage = None;
            }
            Err(_) => self.fail(is_passing),
        }
        for waiter in flight.waiters {
            let instead = self.despite_failure().filter(|_| !waiter.refresh && answer.is_err());
            self.answers[waiter.caller] = Some(instead.map_or(answer, Ok));
        }
        if !self.latecomers.is_empty() {
            let latecomers = std::mem::take(&mut self.latecomers);
            self.start(true, latecomers);
        }
    }

    fn fail(&mut self, is_passing: bool) {
        if !is_passing {
            self.entry = None;
        }
        let longer = |outage: &OutageModel| (outage.pause * 2).min(LONGEST_PAUSE);
        let pause = self.outage.as_ref().map_or(FIRST_PAUSE, longer);
        self.outage = Some(OutageModel { is_passing, failed_at: self.now(), pause });
    }

    fn act(&mut self, step: &Step) {
        match step {
            Step::Get(_) => self.ask(false),
            Step::Refresh(_) => self.ask(true),
            Step::Advance(duration) => self.advance(*duration),
            Step::Freeze(duration) => self.wall += millis(*duration),
            Step::SetBack(duration) => self.wall -= millis(*duration),
            Step::NextFetchEnds(outcome) => self.outcomes.push_back(outcome.clone()),
            Step::HangUp(_) => {}
        }
    }
}

fn config() -> Config {
    Config { ttl: TTL, refresh_ahead: true, stale_if_error: STALE_IF_ERROR, ..Config::default() }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap()
}

/// Does one step to the real cache.
async fn act(step: &Step, test: &TestCache, upstream: &FakeUpstream, callers: &mut Vec<Caller>) {
    match step {
        Step::Get(key) => callers.push(test.caller(&secret(&key.to_string()))),
        Step::Refresh(key) => callers.push(test.refresher(&secret(&key.to_string()))),
        Step::Advance(duration) => advance(*duration).await,
        Step::Freeze(duration) => test.clock.freeze(*duration),
        Step::SetBack(duration) => test.clock.step_back(*duration),
        Step::NextFetchEnds(outcome) => upstream.then(outcome.clone()),
        Step::HangUp(index) if !callers.is_empty() => index.get(callers).abort(),
        Step::HangUp(_) => {}
    }
    settle().await;
}

/// Runs with time paused from the very start: then timers fire on the millisecond they are set for,
/// and not on the next one.
fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = || Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    actix_rt::System::with_tokio_rt(runtime).block_on(test)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_caller_gets_exactly_what_the_model_says(
        steps in prop::collection::vec(step_without_freezes(), 1..60)
    ) {
        run(async {
            let upstream = FakeUpstream::new().taking(LATENCY);
            let config = Config { permits: 100, ..config() };
            let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
            let (mut model, mut callers) = (Model::default(), Vec::new());
            // At the end twice: a latecomer's fetch may begin only when another one has hung itself out.
            let second = Step::Advance(FIRST_PAUSE);
            let end = LONGEST_FETCH.as_secs() as usize * 2;
            for step in steps.into_iter().chain(std::iter::repeat_n(second, end)) {
                model.act(&step);
                act(&step, &test, &upstream, &mut callers).await;
                prop_assert_eq!(upstream.calls(), model.calls);
            }
            prop_assert!(!upstream.ever_twice_in_flight());
            for (number, caller) in callers.into_iter().enumerate() {
                prop_assert!(caller.is_finished());
                let Ok(answer) = caller.await else { continue };
                let expected = model.answers[number].expect("the model answers everybody");
                let expected = expected.map(|n| format!("call {n}")).map_err(str::to_owned);
                prop_assert_eq!(answer, expected, "caller {}", number);
            }
            Ok(())
        })?;
    }

    #[test]
    fn whatever_is_evicted_the_bounds_hold_and_every_caller_is_answered(
        capacity in 0_usize..3,
        permits in 1_usize..3,
        steps in prop::collection::vec(step(4), 1..60)
    ) {
        run(async {
            let upstream = FakeUpstream::new().taking(LATENCY);
            let config = Config { capacity, permits, ..config() };
            let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
            let mut callers = Vec::new();
            for step in &steps {
                act(step, &test, &upstream, &mut callers).await;
            }
            let started = Instant::now();
            for caller in callers {
                // Answered, or hung up; never left waiting: an unanswered one would hang here.
                let _ = caller.await;
            }
            prop_assert!(started.elapsed() <= LONGEST_FETCH * 4);
            // What nobody waits for any more goes on to its end all the same, and what queues behind it.
            for _ in 0..20 {
                act(&Step::Advance(LONGEST_FETCH), &test, &upstream, &mut Vec::new()).await;
            }
            prop_assert!(!upstream.ever_twice_in_flight());
            prop_assert!(upstream.peak() <= permits);
            prop_assert_eq!(upstream.in_flight(), 0);
            Ok(())
        })?;
    }
}
