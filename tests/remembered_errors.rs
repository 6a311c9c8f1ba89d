//! A failure is answered again for a short while without a fetch, if the user has asked for that.

use std::time::Duration;

use futures_util::future::join_all;
use parameters_secrets_extension::{
    cache::{Index, Urgency},
    fetch::{pool::MAX_QUEUED, upstream::Upstreams},
};
use tokio::time::{Instant, advance, pause};

use crate::support::{
    cache::{Config, TTL, TestCache, pass, secret, settle},
    upstream::{FakeUpstream, Outcome},
    world::{Rules, World},
};

const ERROR_TTL: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);
const MISSING: Outcome = Outcome::Error("ResourceNotFoundException");

fn remembering(upstream: &FakeUpstream) -> TestCache {
    let config = Config { error_ttl: ERROR_TTL, ..Config::default() };
    TestCache::with(config, Upstreams::of_one(upstream.clone()))
}

fn missing() -> Result<String, String> {
    Err("ResourceNotFoundException".to_owned())
}

#[actix_rt::test]
async fn a_missing_secret_that_is_read_in_a_loop_costs_one_call_per_that_time() {
    pause();
    let upstream = FakeUpstream::new().always(MISSING);
    let test = remembering(&upstream);
    let started = Instant::now();
    while started.elapsed() < 6 * ERROR_TTL {
        assert_eq!(test.get(&secret("db")).await, missing());
        advance(SECOND / 10).await;
    }

    assert_eq!(upstream.calls(), 6);
}

#[actix_rt::test]
async fn by_default_every_question_is_a_call() {
    pause();
    let upstream = FakeUpstream::new().always(MISSING);
    let test = TestCache::new(&upstream);
    for _ in 0..5 {
        assert_eq!(test.get(&secret("db")).await, missing());
    }

    assert_eq!(upstream.calls(), 5);
}

#[actix_rt::test]
async fn the_time_counts_from_the_failure_and_not_from_the_start_of_its_fetch() {
    pause();
    let upstream = FakeUpstream::new().taking(3 * SECOND).always(MISSING);
    let test = remembering(&upstream);
    test.get(&secret("db")).await.unwrap_err();

    advance(ERROR_TTL - SECOND).await;
    test.get(&secret("db")).await.unwrap_err();
    assert_eq!(upstream.calls(), 1);
    advance(SECOND).await;
    test.get(&secret("db")).await.unwrap_err();
    assert_eq!(upstream.calls(), 2);
}

#[actix_rt::test]
async fn a_passing_failure_is_remembered_like_any_other() {
    pause();
    let upstream = FakeUpstream::new().always(Outcome::PassingError("ThrottlingException"));
    let test = remembering(&upstream);
    for _ in 0..5 {
        assert_eq!(test.get(&secret("db")).await, Err("ThrottlingException".to_owned()));
    }

    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn a_refresh_asks_all_the_same_and_its_value_ends_the_memory() {
    pause();
    let upstream = FakeUpstream::new().always(MISSING);
    let test = remembering(&upstream);
    test.get(&secret("db")).await.unwrap_err();
    upstream.hereafter(Outcome::Value);

    assert_eq!(test.get(&secret("db")).await, missing());
    assert_eq!(test.refresh(&secret("db")).await, Ok("call 2".to_owned()));
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_failure_is_remembered_for_its_own_key_only() {
    pause();
    let upstream = FakeUpstream::new();
    upstream.then(MISSING);
    let test = remembering(&upstream);

    assert_eq!(test.get(&secret("db")).await, missing());
    assert_eq!(test.get(&secret("queue")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_hundred_at_the_end_of_the_memory_share_one_call() {
    pause();
    let upstream = FakeUpstream::new().always(MISSING).taking(SECOND);
    let test = remembering(&upstream);
    test.get(&secret("db")).await.unwrap_err();
    advance(ERROR_TTL).await;

    join_all((0..100).map(|_| test.caller(&secret("db")))).await;
    assert_eq!(upstream.calls(), 2);
}

#[actix_rt::test]
async fn a_freeze_ends_the_memory_although_the_monotonic_clock_did_not_see_it() {
    pause();
    let upstream = FakeUpstream::new();
    upstream.then(MISSING);
    let test = remembering(&upstream);
    test.get(&secret("db")).await.unwrap_err();

    test.clock.freeze(ERROR_TTL);
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_wall_clock_that_went_back_ends_the_memory() {
    pause();
    let upstream = FakeUpstream::new();
    upstream.then(MISSING);
    let test = remembering(&upstream);
    test.get(&secret("db")).await.unwrap_err();

    test.clock.step_back(SECOND);
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn an_old_value_goes_before_a_remembered_failure_that_passes() {
    pause();
    let upstream = FakeUpstream::new();
    let stale_if_error = Duration::from_secs(3_600);
    let config = Config { error_ttl: ERROR_TTL, stale_if_error, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    test.get(&secret("db")).await.unwrap();
    advance(TTL).await;
    upstream.hereafter(Outcome::PassingError("ThrottlingException"));

    for _ in 0..5 {
        assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    }
}

#[actix_rt::test]
async fn remembered_failures_do_not_outlive_the_cache_size() {
    pause();
    let upstream = FakeUpstream::new().always(MISSING);
    let config = Config { error_ttl: ERROR_TTL, capacity: 1, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    for name in ["db", "queue", "db"] {
        test.get(&secret(name)).await.unwrap_err();
    }

    assert_eq!(upstream.calls(), 3);
}

#[actix_rt::test]
async fn a_remembered_failure_never_pushes_a_value_out() {
    pause();
    let upstream = FakeUpstream::new();
    let config = Config { error_ttl: ERROR_TTL, capacity: 2, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    test.get(&secret("db")).await.unwrap();
    test.get(&secret("queue")).await.unwrap();
    for number in 0..10 {
        upstream.then(MISSING);
        assert_eq!(test.get(&secret(&format!("missing {number}"))).await, missing());
    }

    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    assert_eq!(test.get(&secret("queue")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_value_pushes_a_remembered_failure_out_before_any_older_value() {
    pause();
    let upstream = FakeUpstream::new();
    let config = Config { error_ttl: ERROR_TTL, capacity: 2, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    test.get(&secret("db")).await.unwrap();
    upstream.then(MISSING);
    test.get(&secret("missing")).await.unwrap_err();
    test.get(&secret("queue")).await.unwrap();

    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    assert_eq!(test.get(&secret("missing")).await, Ok("call 4".to_owned()));
}

#[actix_rt::test]
async fn a_failure_of_our_own_is_never_remembered() {
    pause();
    let upstream = FakeUpstream::new();
    upstream.then(Outcome::Panic);
    let test = remembering(&upstream);

    assert_eq!(test.get(&secret("db")).await, Err("InternalFailure".to_owned()));
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn overloaded_is_not_remembered_against_its_own_retry_after() {
    pause();
    let latency = Duration::from_millis(20);
    let upstream = FakeUpstream::new().taking(latency);
    let config = Config { error_ttl: ERROR_TTL, permits: 1, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    let queue: Vec<_> = (0..=MAX_QUEUED).map(|n| test.caller(&secret(&n.to_string()))).collect();
    settle().await;
    assert_eq!(test.get(&secret("db")).await, Err("Overloaded".to_owned()));

    pass(2 * latency).await;
    assert!(test.get(&secret("db")).await.is_ok(), "there is room again");
    drop(queue);
}

#[test]
fn a_remembered_failure_is_dropped_once_its_time_is_over() {
    let config = Config { error_ttl: ERROR_TTL, ..Config::default() };
    let policy = config.policy();
    let rules = Rules { latency: SECOND, permits: 3, deadline: None };
    let mut world = World::new(Index::new(config.capacity(), policy), rules);
    world.script.extend([MISSING, MISSING]);
    for name in ["db", "queue"] {
        world.ask(&secret(name), Urgency::Patient);
    }
    world.advance(SECOND);
    assert_eq!(world.index.len(), 2);

    world.advance(ERROR_TTL);
    world.ask(&secret("other"), Urgency::Patient);
    world.advance(SECOND);
    assert_eq!(world.index.len(), 1, "only the value of the other one is left");
}
