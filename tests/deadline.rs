//! With a deadline no caller waits longer than that, whatever the upstream does.

use std::time::Duration;

use futures_util::future::join_all;
use parameters_secrets_extension::fetch::{demand::LONGEST_FETCH, upstream::Upstreams};
use tokio::time::{Instant, advance, pause};

use crate::support::{
    cache::{Config, TTL, TestCache, secret, settle},
    upstream::{FakeUpstream, Outcome},
};

const DEADLINE: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(2);
const SECOND: Duration = Duration::from_secs(1);

fn with_deadline(upstream: &FakeUpstream) -> TestCache {
    let stale_if_error = Duration::from_secs(3_600);
    let config = Config { deadline: Some(DEADLINE), stale_if_error, ..Config::default() };
    TestCache::with(config, Upstreams::of_one(upstream.clone()))
}

/// How long it took, which is to be the deadline and hardly more.
fn assert_is_the_deadline(took: Duration) {
    assert!((DEADLINE..DEADLINE + TICK).contains(&took), "{took:?}");
}

#[actix_rt::test]
async fn a_hung_upstream_costs_each_of_a_thousand_callers_no_more_than_the_deadline() {
    pause();
    let upstream = FakeUpstream::new().always(Outcome::Hang);
    let test = with_deadline(&upstream);

    let asked = Instant::now();
    let answers = join_all((0..1_000).map(|_| test.caller(&secret("db")))).await;

    assert_is_the_deadline(asked.elapsed());
    let expected = Err("RequestTimeout".to_owned());
    assert!(answers.into_iter().all(|answer| answer.unwrap() == expected));
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn an_old_value_is_given_at_the_deadline_instead_of_an_error() {
    pause();
    let upstream = FakeUpstream::new();
    let test = with_deadline(&upstream);
    test.get(&secret("db")).await.unwrap();
    advance(TTL + SECOND).await;
    upstream.hereafter(Outcome::Hang);

    let asked = Instant::now();
    let answer = test.get_with_age(&secret("db")).await;

    assert_is_the_deadline(asked.elapsed());
    let (value, age) = answer.unwrap();
    assert_eq!(value, "call 1");
    assert_eq!(age, Some(TTL + SECOND + asked.elapsed()));
    assert_eq!(test.stats.snapshot().stale, 1);
}

#[actix_rt::test]
async fn once_a_call_has_outlasted_a_deadline_no_caller_waits_for_it_that_can_have_an_old_value() {
    pause();
    let upstream = FakeUpstream::new();
    let test = with_deadline(&upstream);
    test.get(&secret("db")).await.unwrap();
    advance(TTL).await;
    upstream.hereafter(Outcome::Hang);
    test.get(&secret("db")).await.unwrap();

    for _ in 0..64 {
        let asked = Instant::now();
        assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
        assert_eq!(asked.elapsed(), Duration::ZERO);
    }
    assert_eq!(upstream.calls(), 2);
}

#[actix_rt::test]
async fn a_refresh_gets_an_error_at_the_deadline_and_never_the_value_it_does_not_want() {
    pause();
    let upstream = FakeUpstream::new();
    let test = with_deadline(&upstream);
    test.get(&secret("db")).await.unwrap();
    upstream.hereafter(Outcome::Hang);

    let asked = Instant::now();
    assert_eq!(test.refresh(&secret("db")).await, Err("RequestTimeout".to_owned()));
    assert_is_the_deadline(asked.elapsed());
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()), "it is fresh still");
}

#[actix_rt::test]
async fn the_fetch_goes_on_behind_the_deadline_and_answers_the_next_caller() {
    pause();
    let upstream = FakeUpstream::new().taking(SECOND);
    let test = with_deadline(&upstream);
    assert_eq!(test.get(&secret("db")).await, Err("RequestTimeout".to_owned()));

    advance(SECOND - DEADLINE).await;
    settle().await;
    let asked = Instant::now();
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn a_caller_that_must_wait_for_two_fetches_waits_no_longer_for_both_together() {
    pause();
    let upstream = FakeUpstream::new().taking(DEADLINE * 3 / 4);
    let test = with_deadline(&upstream);
    let reader = test.caller(&secret("db"));
    settle().await;

    let asked = Instant::now();
    assert_eq!(test.refresh(&secret("db")).await, Err("RequestTimeout".to_owned()));
    assert_is_the_deadline(asked.elapsed());
    assert_eq!(reader.await.unwrap(), Ok("call 1".to_owned()));
}

#[actix_rt::test]
async fn an_answer_in_time_is_given_when_it_comes() {
    pause();
    let test = with_deadline(&FakeUpstream::new().taking(DEADLINE / 2));

    let asked = Instant::now();
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    assert!(asked.elapsed() < DEADLINE / 2 + TICK, "{:?}", asked.elapsed());
}

#[actix_rt::test]
async fn a_failure_in_time_is_told_when_it_comes() {
    pause();
    let upstream = FakeUpstream::new().taking(DEADLINE / 2).always(Outcome::Error("AccessDenied"));
    let test = with_deadline(&upstream);

    assert_eq!(test.get(&secret("db")).await, Err("AccessDenied".to_owned()));
}

#[actix_rt::test]
async fn without_a_deadline_callers_wait_as_long_as_the_fetch_takes() {
    pause();
    let test = TestCache::new(&FakeUpstream::new().always(Outcome::Hang));

    let asked = Instant::now();
    assert_eq!(test.get(&secret("db")).await, Err("RequestTimeout".to_owned()));
    assert!(asked.elapsed() >= LONGEST_FETCH);
}

#[actix_rt::test]
async fn without_a_deadline_two_fetches_together_take_no_longer_than_one_may() {
    pause();
    let test = TestCache::new(&FakeUpstream::new().always(Outcome::Hang));
    let reader = test.caller(&secret("db"));
    settle().await;
    advance(SECOND).await;

    let asked = Instant::now();
    assert_eq!(test.refresh(&secret("db")).await, Err("RequestTimeout".to_owned()));
    assert!(asked.elapsed() < LONGEST_FETCH + SECOND, "{:?}", asked.elapsed());
    assert_eq!(reader.await.unwrap(), Err("RequestTimeout".to_owned()));
}

#[actix_rt::test]
async fn a_freeze_does_not_count_as_waiting_when_the_monotonic_clock_stood_still() {
    pause();
    let test = with_deadline(&FakeUpstream::new().taking(DEADLINE / 2));
    let caller = test.caller(&secret("db"));
    settle().await;

    test.clock.freeze(10 * DEADLINE);
    assert_eq!(caller.await.unwrap(), Ok("call 1".to_owned()));
}
