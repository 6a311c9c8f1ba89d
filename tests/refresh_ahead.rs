//! A key that is read steadily never makes a caller wait: its next value comes before the last one
//! ends.

use std::time::Duration;

use parameters_secrets_extension::{cache::CachePolicy, fetch::upstream::Upstreams};
use proptest::prelude::*;
use tokio::time::{Instant, advance, pause};

use crate::support::{
    cache::{Config, TTL, TestCache, pass, secret, settle},
    upstream::{FakeUpstream, Outcome},
};

const SECOND: Duration = Duration::from_secs(1);
const LATENCY: Duration = Duration::from_secs(2);

/// When the last fifth of the TTL begins.
const LAST_FIFTH: Duration = Duration::from_secs(240);

fn refreshing_ahead(upstream: &FakeUpstream) -> TestCache {
    let config = Config { refresh_ahead: true, ..Config::default() };
    TestCache::with(config, Upstreams::of_one(upstream.clone()))
}

#[actix_rt::test]
async fn the_first_hit_in_the_last_fifth_starts_a_fetch_and_none_before_does() {
    pause();
    let upstream = FakeUpstream::new();
    let test = refreshing_ahead(&upstream);
    test.get(&secret("db")).await.unwrap();

    advance(LAST_FIFTH - SECOND).await;
    test.get(&secret("db")).await.unwrap();
    settle().await;
    assert_eq!(upstream.calls(), 1);

    advance(SECOND).await;
    test.get(&secret("db")).await.unwrap();
    settle().await;
    assert_eq!(upstream.calls(), 2);
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn however_many_hit_they_get_the_fresh_value_at_once_and_cost_one_fetch() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = refreshing_ahead(&upstream);
    test.get(&secret("db")).await.unwrap();
    advance(LAST_FIFTH).await;

    let asked = Instant::now();
    for _ in 0..64 {
        let answer = test.get_with_age(&secret("db")).await;
        assert_eq!(answer, Ok(("call 1".to_owned(), None)));
    }
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(upstream.calls(), 2);
}

#[actix_rt::test]
async fn a_key_that_is_read_steadily_never_makes_a_caller_wait_at_expiry() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = refreshing_ahead(&upstream);
    test.get(&secret("db")).await.unwrap();

    let started = Instant::now();
    while started.elapsed() < 10 * TTL {
        pass(SECOND).await;
        let asked = Instant::now();
        let (_, age) = test.get_with_age(&secret("db")).await.unwrap();
        assert_eq!((asked.elapsed(), age), (Duration::ZERO, None));
    }
    assert!((11..=13).contains(&upstream.calls()), "{}", upstream.calls());
}

#[actix_rt::test]
async fn a_key_that_is_not_read_is_not_fetched() {
    pause();
    let upstream = FakeUpstream::new();
    let test = refreshing_ahead(&upstream);
    test.get(&secret("db")).await.unwrap();

    pass(2 * TTL).await;
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn a_fetch_ahead_that_fails_fails_no_caller_and_is_tried_again() {
    pause();
    let upstream = FakeUpstream::new();
    let test = refreshing_ahead(&upstream);
    test.get(&secret("db")).await.unwrap();
    upstream.then(Outcome::PassingError("ThrottlingException"));
    advance(LAST_FIFTH).await;

    for _ in 0..5 {
        assert!(test.get(&secret("db")).await.is_ok());
        pass(SECOND).await;
    }
    assert_eq!(test.get(&secret("db")).await, Ok("call 3".to_owned()));
    assert_eq!(upstream.calls(), 3);
}

#[actix_rt::test]
async fn an_outage_that_began_before_the_end_makes_no_caller_wait_at_the_end() {
    pause();
    let upstream = FakeUpstream::new();
    let stale_if_error = Duration::from_secs(3_600);
    let config = Config { refresh_ahead: true, stale_if_error, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    test.get(&secret("db")).await.unwrap();
    upstream.hereafter(Outcome::Hang);

    let started = Instant::now();
    while started.elapsed() < 10 * TTL {
        pass(SECOND).await;
        let asked = Instant::now();
        assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
        assert_eq!(asked.elapsed(), Duration::ZERO);
    }
}

#[actix_rt::test]
async fn switched_off_it_fetches_nothing_before_the_end() {
    pause();
    let upstream = FakeUpstream::new();
    let test = TestCache::new(&upstream);
    test.get(&secret("db")).await.unwrap();

    advance(TTL - SECOND).await;
    test.get(&secret("db")).await.unwrap();
    settle().await;
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn a_fetch_ahead_from_before_a_freeze_does_not_answer_a_caller_that_asks_after_it() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = refreshing_ahead(&upstream);
    test.get(&secret("db")).await.unwrap();
    advance(LAST_FIFTH).await;
    test.get(&secret("db")).await.unwrap();
    settle().await;
    assert_eq!(upstream.in_flight(), 1);

    test.clock.freeze(TTL);
    assert_eq!(test.get(&secret("db")).await, Ok("call 4".to_owned()));
}

#[actix_rt::test]
async fn a_thousand_keys_that_started_together_do_not_end_together() {
    pause();
    let upstream = FakeUpstream::new();
    let config = Config { ttl_spread: 0.1, permits: 1_000, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    let keys: Vec<_> = (0..1_000).map(|number| secret(&number.to_string())).collect();
    let mut ended_by = Vec::new();
    let mut passed = Duration::ZERO;
    for share in [0.0, 0.899, 0.95, 1.0] {
        advance(TTL.mul_f64(share) - passed).await;
        passed = TTL.mul_f64(share);
        let before = upstream.calls();
        for key in &keys {
            test.get(key).await.unwrap();
        }
        ended_by.push(upstream.calls() - before);
    }

    // Each draws its share of a tenth anew: half of them, give or take six standard deviations.
    assert_eq!(ended_by[..2], [1_000, 0]);
    assert!((400..600).contains(&ended_by[2]), "{ended_by:?}");
    assert_eq!(ended_by[2] + ended_by[3], 1_000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_values_ttl_is_shortened_by_no_more_than_the_spread_and_never_lengthened(
        seconds in 0_u64..=86_400,
        percent in 0_u32..=50,
        draw in 0.0..=1.0,
    ) {
        let ttl = Duration::from_secs(seconds);
        let ttl_spread = f64::from(percent) / 100.0;
        let policy = CachePolicy {
            ttl,
            ttl_spread,
            refresh_ahead: true,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            error_ttl: Duration::ZERO,
        };
        let of_one_value = policy.ttl_of_one_value(draw);

        prop_assert!(of_one_value <= ttl);
        prop_assert!(of_one_value >= ttl.mul_f64(1.0 - ttl_spread));
    }
}
