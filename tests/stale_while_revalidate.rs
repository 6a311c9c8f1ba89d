//! An expired value is answered at once while the next one is fetched, if the user has asked for
//! that.

use std::time::Duration;

use parameters_secrets_extension::fetch::upstream::Upstreams;
use tokio::time::{Instant, advance, pause};

use crate::support::{
    cache::{Config, TTL, TestCache, secret, settle},
    log::CapturedLog,
    upstream::{FakeUpstream, Outcome},
};

const SECOND: Duration = Duration::from_secs(1);
const LATENCY: Duration = Duration::from_secs(2);
const WINDOW: Duration = Duration::from_secs(600);

fn revalidating(upstream: &FakeUpstream) -> TestCache {
    let config = Config { stale_while_revalidate: WINDOW, ..Config::default() };
    TestCache::with(config, Upstreams::of_one(upstream.clone()))
}

#[actix_rt::test]
async fn within_the_window_callers_get_the_expired_value_with_its_age_and_one_call_is_made_behind()
{
    pause();
    let upstream = FakeUpstream::new();
    let test = revalidating(&upstream);
    test.get(&secret("db")).await.unwrap();
    let upstream = upstream.taking(LATENCY);
    test.clock.freeze(TTL + WINDOW - SECOND);

    let asked = Instant::now();
    for _ in 0..64 {
        let age = Some(TTL + WINDOW - SECOND);
        assert_eq!(test.get_with_age(&secret("db")).await, Ok(("call 1".to_owned(), age)));
    }
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(upstream.calls(), 2);
    advance(LATENCY).await;
    settle().await;
    assert_eq!(test.get_with_age(&secret("db")).await, Ok(("call 2".to_owned(), None)));
}

#[actix_rt::test]
async fn past_the_window_callers_wait() {
    pause();
    let upstream = FakeUpstream::new();
    let test = revalidating(&upstream);
    test.get(&secret("db")).await.unwrap();
    test.clock.freeze(TTL + WINDOW);

    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn by_default_there_is_no_window() {
    pause();
    let test = TestCache::new(&FakeUpstream::new());
    test.get(&secret("db")).await.unwrap();
    test.clock.freeze(TTL);

    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_refusal_ends_the_value() {
    pause();
    let upstream = FakeUpstream::new();
    let test = revalidating(&upstream);
    test.get(&secret("db")).await.unwrap();
    advance(TTL).await;
    upstream.hereafter(Outcome::Error("AccessDeniedException"));

    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    settle().await;
    assert_eq!(test.get(&secret("db")).await, Err("AccessDeniedException".to_owned()));
}

#[actix_rt::test]
async fn a_failure_that_passes_is_told_once_and_tried_again_after_a_pause() {
    pause();
    let log = CapturedLog::start();
    let upstream = FakeUpstream::new();
    let test = revalidating(&upstream);
    test.get(&secret("db")).await.unwrap();
    advance(TTL).await;
    upstream.hereafter(Outcome::PassingError("ThrottlingException"));
    for _ in 0..10 {
        assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
        settle().await;
    }
    assert_eq!(upstream.calls(), 2);
    assert_eq!(log.lines("WARN").len(), 1);

    upstream.hereafter(Outcome::Value);
    advance(SECOND).await;
    test.get(&secret("db")).await.unwrap();
    settle().await;
    assert_eq!(test.get_with_age(&secret("db")).await, Ok(("call 3".to_owned(), None)));
}

#[actix_rt::test]
async fn a_refresh_waits_all_the_same() {
    pause();
    let test = revalidating(&FakeUpstream::new());
    test.get(&secret("db")).await.unwrap();
    advance(TTL).await;

    assert_eq!(test.refresh(&secret("db")).await, Ok("call 2".to_owned()));
}
