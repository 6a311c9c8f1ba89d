//! A service that throttles, and work that no caller waits for: neither delays a waiting caller.

use std::time::Duration;

use futures_util::future::join_all;
use parameters_secrets_extension::{
    cache::Urgency,
    fetch::{demand::LONGEST_FETCH, upstream::Upstreams},
    key::CacheKey,
    settings::LogLevel,
};
use tokio::time::{Instant, advance, pause};

use crate::support::{
    cache::{Config, TTL, TestCache, parameter, pass, secret, settle},
    log::CapturedLog,
    upstream::{FakeUpstream, Outcome},
};

const LATENCY: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);

/// Its values for these keys have expired, and may be given in an outage.
async fn with_expired_values(upstream: &FakeUpstream, keys: &[CacheKey]) -> TestCache {
    let config = Config { stale_if_error: TTL, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    for caller in join_all(keys.iter().map(|key| test.caller(key)).collect::<Vec<_>>()).await {
        caller.unwrap().unwrap();
    }
    advance(TTL).await;
    test
}

#[actix_rt::test]
async fn a_cold_read_passes_sixty_refreshes_that_no_caller_waits_for() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let config = Config { refresh_ahead: true, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    let keys: Vec<_> = (0..60).map(|n| secret(&n.to_string())).collect();
    join_all(keys.iter().map(|key| test.caller(key)).collect::<Vec<_>>()).await;
    advance(TTL - 10 * SECOND).await;
    for key in &keys {
        test.get(key).await.unwrap();
    }
    settle().await;

    let asked = Instant::now();
    test.get(&secret("cold")).await.unwrap();

    assert!(asked.elapsed() <= LATENCY * 3 / 2, "{:?}", asked.elapsed());
}

#[actix_rt::test]
async fn a_throttled_read_waits_for_its_turn_instead_of_failing() {
    pause();
    let upstream = FakeUpstream::new();
    (0..6).for_each(|_| upstream.then(Outcome::Throttled));
    let test = TestCache::new(&upstream);

    assert_eq!(test.get(&secret("db")).await, Ok("call 7".to_owned()));
    assert_eq!(test.stats.snapshot().throttled, 6);
}

#[actix_rt::test]
async fn a_service_that_throttles_for_ever_ends_a_fetch_at_its_time_out_and_says_what_to_do() {
    pause();
    let upstream = FakeUpstream::new().always(Outcome::Throttled);
    let test = TestCache::new(&upstream);

    let asked = Instant::now();
    let failure = test.cache.look_up(parameter("/app/db"), Urgency::Patient).await.unwrap_err();

    assert_eq!((failure.code(), asked.elapsed().as_secs()), ("ThrottlingException", 30));
    assert!(failure.to_string().contains("PARAMETERS_SECRETS_EXTENSION_BATCH_PARAMETERS"));
    assert!((8..20).contains(&upstream.calls()), "{} calls", upstream.calls());
}

#[actix_rt::test]
async fn a_throttled_fetch_whose_last_call_is_open_when_its_time_is_over_tells_of_the_throttling() {
    pause();
    let upstream = FakeUpstream::new().taking(LONGEST_FETCH - SECOND).always(Outcome::Throttled);
    let test = TestCache::new(&upstream);

    assert_eq!(test.get(&secret("db")).await, Err("ThrottlingException".to_owned()));
    assert_eq!(upstream.calls(), 2);
}

#[actix_rt::test]
async fn a_caller_that_can_have_an_old_value_gets_it_at_the_first_throttled_call() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = with_expired_values(&upstream, &[secret("db")]).await;
    upstream.hereafter(Outcome::Throttled);

    let asked = Instant::now();
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    assert!(asked.elapsed() < LATENCY * 2, "{:?}", asked.elapsed());
}

#[actix_rt::test]
async fn callers_that_can_have_old_values_do_not_wait_behind_what_is_throttled() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let keys: Vec<_> = (0..20).map(|n| secret(&n.to_string())).collect();
    let test = with_expired_values(&upstream, &keys).await;
    upstream.hereafter(Outcome::Throttled);
    let cold = test.caller(&secret("cold"));
    settle().await;

    let asked = Instant::now();
    let together: Vec<_> = keys[1..].iter().map(|key| test.caller(key)).collect();
    for answer in join_all(together).await {
        assert!(answer.unwrap().is_ok());
    }
    assert!(asked.elapsed() < LATENCY * 2, "{:?}", asked.elapsed());

    let asked = Instant::now();
    assert!(test.get(&keys[0]).await.is_ok(), "in the pause");
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(cold.await.unwrap(), Err("ThrottlingException".to_owned()));
}

#[actix_rt::test]
async fn a_refresh_does_not_join_a_fetch_that_has_just_failed_for_an_old_value() {
    pause();
    let upstream = FakeUpstream::new();
    let test = with_expired_values(&upstream, &[secret("db")]).await;
    upstream.then(Outcome::Throttled);

    let together = [test.caller(&secret("db")), test.refresher(&secret("db"))];
    let answers = join_all(together).await.into_iter().map(Result::unwrap);

    assert!(answers.into_iter().all(|answer| answer.is_ok()));
}

#[actix_rt::test]
async fn fetches_that_wait_behind_a_throttled_one_fail_as_throttled_too() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY).always(Outcome::Throttled);
    let test = TestCache::new(&upstream);

    let all = (0..10).map(|n| test.cache.look_up(secret(&n.to_string()), Urgency::Patient));
    for answer in join_all(all).await {
        let failure = answer.unwrap_err();
        assert_eq!(failure.code(), "ThrottlingException");
        assert!(failure.to_string().contains("SECRETS_MANAGER_TTL"), "{failure}");
    }
}

#[actix_rt::test]
async fn what_queues_long_after_a_throttled_call_fails_as_queued() {
    pause();
    let upstream = FakeUpstream::new();
    upstream.then(Outcome::Throttled);
    let config = Config { permits: 1, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    test.get(&secret("db")).await.unwrap();
    pass(LONGEST_FETCH * 2).await;

    upstream.hereafter(Outcome::Hang);
    let _hangs = test.caller(&secret("hangs"));
    settle().await;
    assert_eq!(test.get(&secret("queues")).await, Err("RequestTimeout".to_owned()));
}

#[actix_rt::test]
async fn one_service_that_throttles_does_not_slow_the_other() {
    pause();
    let (short, plenty) = (FakeUpstream::new().always(Outcome::Throttled), FakeUpstream::new());
    let upstreams = Upstreams {
        secrets_manager: std::rc::Rc::new(plenty.clone()),
        parameter_store: std::rc::Rc::new(short),
    };
    let test = TestCache::with(Config::default(), upstreams);
    let throttled = test.caller(&parameter("/app/db"));
    settle().await;

    let asked = Instant::now();
    for number in 0..10 {
        test.get(&secret(&number.to_string())).await.unwrap();
    }
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert!(throttled.await.unwrap().is_err());
}

#[actix_rt::test]
async fn an_episode_of_throttling_is_one_info_line() {
    pause();
    let log = CapturedLog::at(LogLevel::Info);
    let upstream = FakeUpstream::new();
    (0..6).for_each(|_| upstream.then(Outcome::Throttled));
    let test = TestCache::new(&upstream);
    test.get(&secret("db")).await.unwrap();

    let lines = log.take_lines();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].starts_with("INFO the service throttles"), "{lines:#?}");
}

#[actix_rt::test]
async fn background_work_that_waits_too_long_is_no_outage() {
    pause();
    let upstream = FakeUpstream::new();
    let config = Config { refresh_ahead: true, permits: 1, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    test.get(&secret("db")).await.unwrap();
    advance(TTL - 40 * SECOND).await;
    upstream.hereafter(Outcome::Hang);
    let hangs = test.caller(&secret("hangs"));
    settle().await;
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()), "and queues a refresh");
    assert_eq!(hangs.await.unwrap(), Err("RequestTimeout".to_owned()));
    assert!(LONGEST_FETCH < 40 * SECOND, "still fresh");
    settle().await;

    upstream.hereafter(Outcome::Value);
    advance(SECOND).await;
    assert_eq!(test.get_with_age(&secret("db")).await.unwrap().1, None);
    settle().await;
    assert!(upstream.calls() >= 3, "it is refreshed, a second later");
}
