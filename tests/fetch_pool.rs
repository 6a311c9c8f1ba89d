//! How many upstream calls run, how many wait, and for how long.

use std::{rc::Rc, time::Duration};

use futures_util::future::join_all;
use parameters_secrets_extension::{
    cache::Urgency,
    fetch::{demand::LONGEST_FETCH, pool::MAX_QUEUED, upstream::Upstreams},
};
use tokio::time::{Instant, pause};

use crate::support::{
    cache::{Config, TestCache, parameter, secret, settle},
    upstream::{FakeUpstream, Outcome},
};

const LATENCY: Duration = Duration::from_millis(100);

#[actix_rt::test]
async fn no_more_calls_run_at_once_than_there_are_permits_and_none_is_lost() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    let started = Instant::now();
    let callers = (0..20).map(|n| test.caller(&secret(&n.to_string())));

    let answers = join_all(callers.collect::<Vec<_>>()).await;

    assert!(answers.into_iter().all(|answer| answer.unwrap().is_ok()));
    assert_eq!((upstream.calls(), upstream.peak()), (20, 3));
    // 20 calls, 3 at a time, are 7 rounds.
    assert_eq!(started.elapsed().as_millis() / LATENCY.as_millis(), 7);
}

#[actix_rt::test]
async fn fetches_get_their_permits_in_order_of_arrival() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let config = Config { permits: 1, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    let keys: Vec<_> = (0..10).map(|n| secret(&n.to_string())).collect();
    join_all(keys.iter().map(|key| test.caller(key)).collect::<Vec<_>>()).await;

    assert_eq!(upstream.called_keys(), keys);
}

#[actix_rt::test]
async fn a_fetch_beyond_the_queue_is_refused_at_once() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY / 10);
    let config = Config { permits: 1, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    let served: Vec<_> = (0..=MAX_QUEUED).map(|n| test.caller(&secret(&n.to_string()))).collect();
    settle().await;
    let started = Instant::now();

    assert_eq!(test.get(&secret("one too many")).await, Err("Overloaded".to_owned()));
    assert!(started.elapsed() < LATENCY);
    for caller in served {
        caller.await.unwrap().unwrap();
    }
}

#[actix_rt::test]
async fn a_hit_waits_for_no_queue() {
    pause();
    let upstream = FakeUpstream::new();
    let test = TestCache::new(&upstream);
    test.get(&secret("cached")).await.unwrap();
    let upstream = upstream.taking(LATENCY);
    let _misses: Vec<_> = (0..500).map(|n| test.caller(&secret(&n.to_string()))).collect();
    settle().await;
    let started = Instant::now();

    test.get(&secret("cached")).await.unwrap();

    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(upstream.in_flight(), 3);
}

#[actix_rt::test]
async fn a_hanging_parameter_store_never_delays_secrets_manager() {
    pause();
    let upstreams = Upstreams {
        secrets_manager: Rc::new(FakeUpstream::new().taking(LATENCY)),
        parameter_store: Rc::new(FakeUpstream::new().always(Outcome::Hang)),
    };
    let test = TestCache::with(Config::default(), upstreams);
    let _hanging: Vec<_> = (0..100).map(|n| test.caller(&parameter(&n.to_string()))).collect();
    settle().await;
    let started = Instant::now();

    test.get(&secret("db")).await.unwrap();

    assert!(started.elapsed() <= LATENCY + Duration::from_millis(1));
}

#[actix_rt::test]
async fn the_time_out_counts_the_wait_for_a_permit() {
    pause();
    let config = Config { permits: 1, time_out: Some(LATENCY), ..Config::default() };
    let upstream = FakeUpstream::new().always(Outcome::Hang);
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    let started = Instant::now();
    let callers = vec![test.caller(&secret("a")), test.caller(&secret("b"))];

    for answer in join_all(callers).await {
        assert_eq!(answer.unwrap(), Err("RequestTimeout".to_owned()));
    }
    assert!(started.elapsed() <= LATENCY + Duration::from_millis(2));
    assert_eq!(upstream.in_flight(), 0);
}

#[actix_rt::test]
async fn a_call_cut_short_by_what_its_fetch_queued_tells_of_the_queue_and_not_of_a_missing_route() {
    pause();
    let upstream = FakeUpstream::new().taking(LONGEST_FETCH * 2 / 3);
    let config = Config { permits: 1, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    let first = test.caller(&secret("a"));
    settle().await;

    let failure = test.cache.look_up(secret("b"), Urgency::Patient).await.unwrap_err();

    assert_eq!(failure.code(), "RequestTimeout");
    assert!(
        failure.to_string().contains("PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS"),
        "{failure}"
    );
    assert_eq!((first.await.unwrap(), upstream.calls()), (Ok("call 1".to_owned()), 2));
}

#[actix_rt::test]
async fn a_permit_is_free_again_after_a_failure_a_panic_and_a_time_out() {
    pause();
    let config = Config { permits: 1, time_out: Some(LATENCY), ..Config::default() };
    let upstream = FakeUpstream::new();
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    for outcome in [Outcome::Error("AccessDenied"), Outcome::Panic, Outcome::Hang] {
        upstream.then(outcome);
        test.get(&secret("db")).await.unwrap_err();
    }

    assert_eq!(test.get(&secret("db")).await, Ok("call 4".to_owned()));
}

#[actix_rt::test]
async fn stopping_answers_every_waiting_caller_and_every_later_one() {
    pause();
    let upstream = FakeUpstream::new().always(Outcome::Hang);
    let test = TestCache::new(&upstream);
    let waiting: Vec<_> = (0..10).map(|n| test.caller(&secret(&n.to_string()))).collect();
    settle().await;

    test.cache.stop().await;

    for caller in waiting {
        assert_eq!(caller.await.unwrap(), Err("ServiceUnavailable".to_owned()));
    }
    assert_eq!(test.get(&secret("late")).await, Err("ServiceUnavailable".to_owned()));
    assert_eq!(upstream.in_flight(), 0);
}
