//! A freeze of the environment: either clock shows it, an INVOKE alone does not, and no caller pays
//! for it.

use std::time::Duration;

use parameters_secrets_extension::fetch::{demand::LONGEST_FETCH, upstream::Upstreams};
use tokio::time::{Instant, advance, pause, sleep};

use crate::support::{
    cache::{Config, TTL, TestCache, parameter, secret, settle},
    log::CapturedLog,
    upstream::{FakeUpstream, Outcome},
};

const MINUTES: Duration = Duration::from_secs(600);

#[actix_rt::test]
async fn a_call_left_open_by_a_freeze_is_asked_again_and_its_callers_are_answered() {
    pause();
    let upstream = FakeUpstream::new();
    upstream.then(Outcome::Hang);
    let test = TestCache::new(&upstream);
    let caller = test.caller(&secret("db"));
    settle().await;

    test.clock.freeze(MINUTES);
    test.cache.invoked();

    assert_eq!(caller.await.unwrap(), Ok("call 2".to_owned()));
    assert_eq!(upstream.in_flight(), 0);
}

#[actix_rt::test]
async fn a_call_that_began_just_before_an_invocation_goes_on() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_millis(100));
    let test = TestCache::new(&upstream);
    let caller = test.caller(&secret("db"));
    settle().await;

    advance(Duration::from_millis(50)).await;
    test.cache.invoked();

    assert_eq!(caller.await.unwrap(), Ok("call 1".to_owned()));
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn a_call_asked_again_still_ends_at_its_time_out() {
    pause();
    let upstream = FakeUpstream::new().always(Outcome::Hang);
    let test = TestCache::new(&upstream);
    let caller = test.caller(&secret("db"));
    settle().await;

    test.clock.freeze(MINUTES);
    test.cache.invoked();

    assert_eq!(caller.await.unwrap(), Err("RequestTimeout".to_owned()));
    assert_eq!((upstream.calls(), upstream.in_flight()), (2, 0));
}

const SECOND: Duration = Duration::from_secs(1);
const DEADLINE: Duration = Duration::from_secs(1);

fn with_deadline(upstream: &FakeUpstream) -> TestCache {
    let config = Config { deadline: Some(DEADLINE), ..Config::default() };
    TestCache::with(config, Upstreams::of_one(upstream.clone()))
}

/// An INVOKE every 100 ms, as from a function that is invoked back to back.
fn invocations_back_to_back(test: &TestCache) {
    let cache = test.cache.clone();
    tokio::task::spawn_local(async move {
        loop {
            cache.invoked();
            sleep(Duration::from_millis(100)).await;
        }
    });
}

#[actix_rt::test]
async fn invocations_back_to_back_do_not_make_a_slow_call_start_over() {
    pause();
    let upstream = FakeUpstream::new().taking(DEADLINE * 3 / 2);
    let test = with_deadline(&upstream);
    invocations_back_to_back(&test);

    assert_eq!(test.get(&secret("db")).await, Err("RequestTimeout".to_owned()));
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn invocations_back_to_back_do_not_make_a_throttled_lane_forget_its_pause() {
    pause();
    let mut calls = Vec::new();
    for invoked in [false, true] {
        let upstream = FakeUpstream::new().always(Outcome::Throttled);
        let test = TestCache::new(&upstream);
        if invoked {
            invocations_back_to_back(&test);
        }
        assert_eq!(test.get(&secret("db")).await, Err("ThrottlingException".to_owned()));
        calls.push(upstream.calls());
    }
    assert!(calls[1] <= calls[0] + 5, "the jitter of the pauses differs, and no more: {calls:?}");
}

#[actix_rt::test]
async fn a_freeze_longer_than_every_time_out_costs_no_caller_its_answer_whichever_clock_shows_it() {
    pause();
    for both_clocks in [false, true] {
        let log = CapturedLog::at_debug();
        let upstream = FakeUpstream::new();
        upstream.then(Outcome::Hang);
        let test = with_deadline(&upstream);
        let caller = test.caller(&secret("db"));
        settle().await;

        if both_clocks {
            advance(LONGEST_FETCH + SECOND).await;
        } else {
            test.clock.freeze(LONGEST_FETCH + SECOND);
        }
        test.cache.invoked();

        assert_eq!(caller.await.unwrap(), Ok("call 2".to_owned()), "both clocks: {both_clocks}");
        let lines = log.take_lines();
        let is_a_failure = |line: &String| line.starts_with("ERROR") || line.starts_with("WARN");
        assert!(!lines.iter().any(is_a_failure), "{lines:#?}");
    }
}

#[actix_rt::test]
async fn an_answer_that_is_there_after_a_freeze_is_taken_and_not_asked_for_again() {
    pause();
    let upstream = FakeUpstream::new().taking(SECOND / 2);
    let test = with_deadline(&upstream);
    let caller = test.caller(&secret("db"));
    settle().await;

    advance(LONGEST_FETCH * 2).await;

    assert_eq!(caller.await.unwrap(), Ok("call 1".to_owned()));
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn a_call_that_a_freeze_cut_is_made_again_before_the_freeze_was_noticed() {
    pause();
    let upstream = FakeUpstream::new().taking(SECOND / 10);
    upstream.then(Outcome::Dispatch);
    let test = TestCache::new(&upstream);
    let caller = test.caller(&secret("db"));
    settle().await;

    test.clock.freeze(MINUTES);
    advance(SECOND / 10).await;

    assert_eq!(caller.await.unwrap(), Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn keys_that_were_prefetching_when_the_freeze_came_are_all_there_afterwards() {
    pause();
    let upstream = FakeUpstream::new().taking(SECOND);
    let test = TestCache::new(&upstream);
    let keys: Vec<_> = (0..9).map(|n| parameter(&format!("/app/{n}"))).collect();
    let prefetching: Vec<_> = keys.iter().map(|key| test.caller(key)).collect();
    settle().await;

    advance(LONGEST_FETCH * 2).await;
    for caller in prefetching {
        caller.await.unwrap().unwrap();
    }

    let asked = Instant::now();
    for key in &keys {
        test.get(key).await.unwrap();
    }
    assert_eq!(asked.elapsed(), Duration::ZERO, "all are kept");
}

/// One clock alone is wrong, or was right and is wrong no more.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    WallForward,
    WallBack,
    /// It never goes back.
    MonotonicForward,
}

impl Step {
    const ALL: [Self; 3] = [Self::WallForward, Self::WallBack, Self::MonotonicForward];

    async fn happens(self, test: &TestCache, by: Duration) {
        match self {
            Self::WallForward => test.clock.freeze(by),
            Self::WallBack => test.clock.step_back(by),
            Self::MonotonicForward => {
                // The wall clock follows, and ends where it was.
                test.clock.step_back(by);
                advance(by).await;
            }
        }
    }
}

fn with_old_values(upstream: &FakeUpstream) -> TestCache {
    let config = Config { stale_if_error: MINUTES * 6, ..Config::default() };
    TestCache::with(config, Upstreams::of_one(upstream.clone()))
}

#[actix_rt::test]
async fn a_step_of_one_clock_costs_no_waiting_caller_its_answer() {
    pause();
    for step in Step::ALL {
        let log = CapturedLog::at_debug();
        let upstream = FakeUpstream::new().taking(SECOND / 10);
        let test = with_deadline(&upstream);
        let caller = test.caller(&secret("db"));
        settle().await;

        step.happens(&test, MINUTES).await;

        let answer = caller.await.unwrap();
        assert!(answer.is_ok(), "{step:?}: {answer:?}");
        let lines = log.take_lines();
        let is_a_failure = |line: &String| line.starts_with("ERROR") || line.starts_with("WARN");
        assert!(!lines.iter().any(is_a_failure), "{step:?}: {lines:#?}");
    }
}

#[actix_rt::test]
async fn a_call_that_hangs_is_asked_again_after_a_step_forward_and_ends_in_time_after_one_back() {
    pause();
    for step in Step::ALL {
        let upstream = FakeUpstream::new();
        upstream.then(Outcome::Hang);
        let test = with_deadline(&upstream);
        let asked = Instant::now();
        let caller = test.caller(&secret("db"));
        settle().await;

        step.happens(&test, MINUTES).await;

        let answer = caller.await.unwrap();
        if step == Step::WallBack {
            assert_eq!(answer, Err("RequestTimeout".to_owned()));
            assert!(asked.elapsed() < DEADLINE + SECOND / 100, "{:?}", asked.elapsed());
        } else {
            assert_eq!(answer, Ok("call 2".to_owned()), "{step:?}");
        }
    }
}

#[actix_rt::test]
async fn a_step_of_one_clock_past_the_ttl_is_a_fetch_and_no_old_value() {
    pause();
    for step in Step::ALL {
        let upstream = FakeUpstream::new();
        let test = with_old_values(&upstream);
        test.get(&secret("db")).await.unwrap();

        step.happens(&test, MINUTES).await;

        let answer = test.get_with_age(&secret("db")).await;
        assert_eq!(answer, Ok(("call 2".to_owned(), None)), "{step:?}");
    }
}

#[actix_rt::test]
async fn a_step_of_one_clock_neither_hides_an_outage_nor_makes_one_last() {
    pause();
    for step in Step::ALL {
        let upstream = FakeUpstream::new();
        let test = with_old_values(&upstream);
        test.get(&secret("db")).await.unwrap();
        advance(TTL).await;
        upstream.then(Outcome::Dispatch);
        assert!(test.get_with_age(&secret("db")).await.unwrap().1.is_some(), "it fails");

        step.happens(&test, MINUTES).await;

        let answer = test.get_with_age(&secret("db")).await;
        assert_eq!(answer, Ok(("call 3".to_owned(), None)), "{step:?}");
    }
}

#[actix_rt::test]
async fn a_step_of_one_clock_does_not_keep_a_throttled_lane_from_asking_again() {
    pause();
    for step in Step::ALL {
        let upstream = FakeUpstream::new();
        upstream.then(Outcome::Throttled);
        let test = TestCache::new(&upstream);
        let caller = test.caller(&secret("db"));
        settle().await;

        step.happens(&test, MINUTES).await;

        let resumed = Instant::now();
        assert_eq!(caller.await.unwrap(), Ok("call 2".to_owned()), "{step:?}");
        assert!(resumed.elapsed() <= SECOND, "{step:?}: {:?}", resumed.elapsed());
    }
}
