//! Random sequences of everything that can happen to the cache, against a small reference model.

use std::{collections::VecDeque, time::Duration};

use parameters_secrets_extension::{
    cache::REFRESH_WINDOW,
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

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::from_millis(1)),
        Just(REFRESH_WINDOW),
        Just(LATENCY),
        Just(TTL - LATENCY),
        Just(TTL),
        Just(LONGEST_FETCH),
    ]
}

fn step(keys: usize) -> impl Strategy<Value = Step> {
    let outcome =
        prop_oneof![Just(Outcome::Error("told")), Just(Outcome::Panic), Just(Outcome::Hang)];
    prop_oneof![
        6 => (0..keys).prop_map(Step::Get),
        2 => (0..keys).prop_map(Step::Refresh),
        4 => duration().prop_map(Step::Advance),
        1 => duration().prop_map(Step::Freeze),
        1 => duration().prop_map(Step::SetBack),
        1 => outcome.prop_map(Step::NextFetchEnds),
        1 => any::<Index>().prop_map(Step::HangUp),
    ]
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
    flight: Option<FlightModel>,
    latecomers: Vec<usize>,
    /// What each caller gets, in order of asking, once it has been settled.
    answers: Vec<Option<Expected>>,
}

#[derive(Clone, Copy)]
struct Born {
    monotonic: Duration,
    wall: i64,
}

struct FlightModel {
    call: usize,
    born: Born,
    is_refresh: bool,
    ends: Duration,
    outcome: Outcome,
    waiters: Vec<usize>,
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

    fn ask(&mut self, refresh: bool) {
        let caller = self.answers.len();
        self.answers.push(None);
        let young = |born, limit| self.age(born).is_some_and(|age| age < limit);
        if let Some((call, born)) = self.entry
            && !refresh
            && young(born, TTL)
        {
            self.answers[caller] = Some(Ok(call));
            return;
        }
        let joins = self.flight.as_ref().map(|flight| match refresh {
            false => young(flight.born, TTL),
            true => flight.is_refresh && young(flight.born, REFRESH_WINDOW),
        });
        match joins {
            None => self.start(refresh, vec![caller]),
            Some(true) => self.flight.as_mut().unwrap().waiters.push(caller),
            Some(false) => self.latecomers.push(caller),
        }
    }

    fn start(&mut self, is_refresh: bool, waiters: Vec<usize>) {
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
        let answer = match flight.outcome {
            Outcome::Value => Ok(flight.call),
            Outcome::Error(code) | Outcome::PassingError(code) => Err(code),
            Outcome::Panic => Err("InternalFailure"),
            Outcome::Hang => Err("RequestTimeout"),
        };
        if let Ok(call) = answer {
            self.entry = Some((call, flight.born));
        }
        for caller in flight.waiters {
            self.answers[caller] = Some(answer);
        }
        if !self.latecomers.is_empty() {
            let latecomers = std::mem::take(&mut self.latecomers);
            self.start(true, latecomers);
        }
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
        steps in prop::collection::vec(step(1), 1..60)
    ) {
        run(async {
            let upstream = FakeUpstream::new().taking(LATENCY);
            let config = Config { ttl: TTL, permits: 100, ..Config::default() };
            let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
            let (mut model, mut callers) = (Model::default(), Vec::new());
            // At the end twice: a latecomer's fetch may begin only when another one has hung itself out.
            let end = Step::Advance(LONGEST_FETCH);
            for step in steps.into_iter().chain([end.clone(), end]) {
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
            let config = Config { capacity, permits, ttl: TTL, ..Config::default() };
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
            // What nobody waits for any more goes on to its end all the same.
            advance(LONGEST_FETCH * 4).await;
            settle().await;
            prop_assert!(!upstream.ever_twice_in_flight());
            prop_assert!(upstream.peak() <= permits);
            prop_assert_eq!(upstream.in_flight(), 0);
            Ok(())
        })?;
    }
}
