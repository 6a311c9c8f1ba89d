//! How long an answer is used, by either clock.

use std::time::Duration;

use futures_util::FutureExt;
use parameters_secrets_extension::fetch::upstream::Upstreams;
use tokio::time::{advance, pause};

use crate::support::{
    cache::{Config, TTL, TestCache, secret},
    upstream::FakeUpstream,
};

const SECOND: Duration = Duration::from_secs(1);

#[actix_rt::test]
async fn an_answer_is_used_until_its_ttl_has_passed() {
    pause();
    let test = TestCache::new(&FakeUpstream::new());
    test.get(&secret("db")).await.unwrap();

    advance(TTL - SECOND).await;
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    advance(SECOND).await;
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_fresh_answer_is_given_without_waiting_for_any_actor() {
    pause();
    let test = TestCache::new(&FakeUpstream::new());
    let key = secret("db");
    assert_eq!(test.get(&key).now_or_never(), None);
    test.get(&key).await.unwrap();

    assert_eq!(test.get(&key).now_or_never(), Some(Ok("call 1".to_owned())));
    assert_eq!(test.refresh(&key).now_or_never(), None);
    assert_eq!(test.stats.snapshot().hits, 1);
}

#[actix_rt::test]
async fn the_ttl_counts_from_the_start_of_the_fetch() {
    pause();
    let test = TestCache::new(&FakeUpstream::new().taking(10 * SECOND));
    test.get(&secret("db")).await.unwrap();

    advance(TTL - 10 * SECOND).await;
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn an_answer_expires_during_a_freeze_that_the_monotonic_clock_did_not_see() {
    pause();
    let test = TestCache::new(&FakeUpstream::new());
    test.get(&secret("db")).await.unwrap();

    test.clock.freeze(TTL);
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn an_answer_whose_age_is_unknown_because_the_wall_clock_went_back_is_not_used() {
    pause();
    let test = TestCache::new(&FakeUpstream::new());
    test.get(&secret("db")).await.unwrap();

    test.clock.step_back(SECOND);
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn with_a_ttl_of_zero_nothing_is_kept() {
    pause();
    let config = Config { ttl: Duration::ZERO, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(FakeUpstream::new()));

    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}
