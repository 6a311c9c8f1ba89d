//! What is let go when the cache is full, and what never is.

use std::time::Duration;

use parameters_secrets_extension::fetch::upstream::Upstreams;
use tokio::time::{advance, pause};

use crate::support::{
    cache::{Config, TTL, TestCache, parameter, secret, settle},
    upstream::{FakeUpstream, Outcome},
};

fn cache_of(capacity: usize, upstream: &FakeUpstream) -> TestCache {
    let config = Config { capacity, permits: 100, ..Config::default() };
    TestCache::with(config, Upstreams::of_one(upstream.clone()))
}

#[actix_rt::test]
async fn the_least_recently_used_key_goes_first() {
    pause();
    let upstream = FakeUpstream::new();
    let test = cache_of(2, &upstream);
    test.get(&secret("a")).await.unwrap();
    test.get(&secret("b")).await.unwrap();
    test.get(&secret("a")).await.unwrap();
    test.get(&secret("c")).await.unwrap();

    assert_eq!(test.get(&secret("a")).await, Ok("call 1".to_owned()));
    assert_eq!(test.get(&secret("b")).await, Ok("call 4".to_owned()));
}

#[actix_rt::test]
async fn a_secret_and_a_parameter_of_one_name_are_two_keys() {
    pause();
    let test = cache_of(2, &FakeUpstream::new());

    assert_eq!(test.get(&secret("a")).await, Ok("call 1".to_owned()));
    assert_eq!(test.get(&parameter("a")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_key_with_a_fetch_in_flight_is_never_evicted_and_loses_no_waiter() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_millis(100));
    let test = cache_of(1, &upstream);
    let waiting = test.caller(&secret("a"));
    settle().await;
    let others: Vec<_> = (0..20).map(|n| test.caller(&secret(&format!("other {n}")))).collect();
    settle().await;
    let joining = test.caller(&secret("a"));

    assert_eq!(waiting.await.unwrap(), Ok("call 1".to_owned()));
    assert_eq!(joining.await.unwrap(), Ok("call 1".to_owned()));
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert!(!upstream.ever_twice_in_flight());
}

#[actix_rt::test]
async fn once_a_burst_is_over_no_more_than_the_capacity_is_kept() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_millis(100));
    let test = cache_of(5, &upstream);
    let burst: Vec<_> = (0..50).map(|n| test.caller(&secret(&n.to_string()))).collect();
    for caller in burst {
        caller.await.unwrap().unwrap();
    }

    // The last first: asking for one that is gone would push one out that is not.
    for n in (0..50).rev() {
        test.get(&secret(&n.to_string())).await.unwrap();
    }
    assert_eq!(upstream.calls() - 50, 45);
}

#[actix_rt::test]
async fn questions_that_fail_push_no_answer_out() {
    pause();
    let upstream = FakeUpstream::new();
    let test = cache_of(2, &upstream);
    test.get(&secret("a")).await.unwrap();
    for n in 0..10 {
        upstream.then(Outcome::Error("ResourceNotFoundException"));
        test.get(&secret(&format!("missing {n}"))).await.unwrap_err();
        settle().await;
    }

    assert_eq!(test.get(&secret("a")).await, Ok("call 1".to_owned()));
}

#[actix_rt::test]
async fn a_burst_of_bad_questions_pushes_no_answer_out_of_a_full_cache() {
    pause();
    let upstream = FakeUpstream::new();
    let test = cache_of(2, &upstream);
    test.get(&secret("a")).await.unwrap();
    test.get(&secret("b")).await.unwrap();
    for _ in 0..50 {
        upstream.then(Outcome::Error("ResourceNotFoundException"));
    }
    let burst: Vec<_> = (0..50).map(|n| test.caller(&secret(&n.to_string()))).collect();
    for caller in burst {
        caller.await.unwrap().unwrap_err();
    }

    assert_eq!(test.get(&secret("a")).await, Ok("call 1".to_owned()));
    assert_eq!(test.get(&secret("b")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_cache_of_size_zero_keeps_nothing_and_still_coalesces() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_millis(100));
    let config = Config { capacity: 0, ttl: Duration::ZERO, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    let callers: Vec<_> = (0..10).map(|_| test.caller(&secret("a"))).collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Ok("call 1".to_owned()));
    }

    assert_eq!(test.get(&secret("a")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_key_whose_next_value_is_being_fetched_ahead_is_not_evicted_before_it_has_come() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_secs(1));
    let config = Config { capacity: 1, refresh_ahead: true, permits: 10, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    test.get(&secret("a")).await.unwrap();
    advance(TTL * 9 / 10).await;
    test.get(&secret("a")).await.unwrap();
    let other = test.caller(&secret("b"));
    settle().await;
    upstream.clone().taking(Duration::ZERO);
    test.get(&secret("c")).await.unwrap();
    settle().await;

    assert_eq!(upstream.calls(), 4, "one of them ahead");
    assert_eq!(test.get(&secret("a")).await, Ok("call 1".to_owned()));
    settle().await;
    assert_eq!(upstream.calls(), 4);
    assert!(!upstream.ever_twice_in_flight());
    other.await.unwrap().unwrap();
}
