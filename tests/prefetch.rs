//! What a function will ask for is fetched while its runtime still starts.

use std::time::Duration;

use parameters_secrets_extension::{
    fetch::upstream::Upstreams, prefetch::prefetch, settings::PrefetchSettings,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, advance, pause},
};

use crate::support::{
    cache::{Config, TestCache, parameter, secret, settle},
    log::CapturedLog,
    upstream::{FakeUpstream, Outcome},
};

const LATENCY: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);

fn settings(items: &[&str]) -> PrefetchSettings {
    let items = items.iter().map(|item| (*item).to_owned()).collect();
    PrefetchSettings { items, max_delay: Duration::ZERO }
}

/// Prefetches as the extension does: beside everything else.
fn start(settings: PrefetchSettings, test: &TestCache) -> JoinHandle<()> {
    let cache = test.cache.clone();
    tokio::task::spawn_local(async move { prefetch(&settings, &cache).await })
}

#[actix_rt::test]
async fn a_function_that_asks_meanwhile_joins_the_fetch() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    let prefetching = start(settings(&["secret:db", "parameter:/app/url"]), &test);
    settle().await;

    let callers = [test.caller(&secret("db")), test.caller(&parameter("/app/url"))];
    for caller in callers {
        assert!(caller.await.unwrap().is_ok());
    }
    prefetching.await.unwrap();
    assert_eq!(upstream.called_keys(), [secret("db"), parameter("/app/url")]);
    assert_eq!(test.stats.snapshot().coalesced, 2);
}

#[actix_rt::test]
async fn a_function_that_asks_afterwards_does_not_wait() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    start(settings(&["secret:db", "/systemsmanager/parameters/get?name=/app/url"]), &test)
        .await
        .unwrap();

    let asked = Instant::now();
    assert!(test.get(&secret("db")).await.is_ok());
    assert!(test.get(&parameter("/app/url")).await.is_ok());
    assert_eq!((asked.elapsed(), upstream.calls()), (Duration::ZERO, 2));
}

#[actix_rt::test]
async fn each_bad_item_is_one_warning_and_the_others_are_fetched() {
    pause();
    let log = CapturedLog::start();
    let upstream = FakeUpstream::new();
    let test = TestCache::new(&upstream);
    let items = ["secret:", "app/db", "secret:db", "secret:a%2", "parameter:/app/url"];
    start(settings(&items), &test).await.unwrap();

    assert_eq!(upstream.called_keys(), [secret("db"), parameter("/app/url")]);
    let warnings = log.lines("WARN");
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings.iter().all(|line| line.contains("PARAMETERS_SECRETS_EXTENSION_PREFETCH")));
    assert!(warnings[2].contains("a%2"), "{warnings:?}");
}

#[actix_rt::test]
async fn one_that_fails_keeps_no_other_from_being_fetched_and_is_tried_again_when_asked_for() {
    pause();
    let log = CapturedLog::start();
    let upstream = FakeUpstream::new();
    upstream.then(Outcome::Error("ResourceNotFoundException"));
    let test = TestCache::new(&upstream);
    start(settings(&["secret:db", "secret:queue"]), &test).await.unwrap();

    assert_eq!(test.get(&secret("queue")).await, Ok("call 2".to_owned()));
    assert_eq!(test.get(&secret("db")).await, Ok("call 3".to_owned()));
    assert_eq!(log.lines("ERROR").len(), 1);
}

#[actix_rt::test]
async fn it_goes_through_the_pool_with_all_other_fetches() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let config = Config { permits: 3, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    let items: Vec<String> = (0..50).map(|number| format!("secret:{number}")).collect();
    let prefetch = settings(&items.iter().map(String::as_str).collect::<Vec<_>>());
    start(prefetch, &test).await.unwrap();

    assert_eq!((upstream.calls(), upstream.peak()), (50, 3));
}

#[actix_rt::test]
async fn the_same_item_twice_is_one_call() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    start(settings(&["secret:db", "/secretsmanager/get?secretId=db"]), &test).await.unwrap();

    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn a_fleets_environments_wait_each_a_random_part_of_the_longest_delay() {
    pause();
    let mut began = Vec::new();
    for _ in 0..100 {
        let upstream = FakeUpstream::new();
        let test = TestCache::new(&upstream);
        let started = Instant::now();
        let settings = PrefetchSettings { max_delay: SECOND, ..settings(&["secret:db"]) };
        start(settings, &test).await.unwrap();
        began.push(upstream.called_at()[0] - started);
    }

    assert!(began.iter().all(|delay| *delay <= SECOND + Duration::from_millis(1)), "{began:?}");
    let late = began.iter().filter(|delay| **delay > SECOND / 2).count();
    assert!((20..=80).contains(&late), "{began:?}");
}

#[actix_rt::test]
async fn a_function_that_asks_during_the_delay_does_not_wait_for_its_end() {
    pause();
    let upstream = FakeUpstream::new();
    let test = TestCache::new(&upstream);
    let an_hour = Duration::from_secs(3_600);
    let settings = PrefetchSettings { max_delay: an_hour, ..settings(&["secret:db"]) };
    let prefetching = start(settings, &test);
    settle().await;

    let asked = Instant::now();
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    assert_eq!(asked.elapsed(), Duration::ZERO);
    prefetching.abort();
}

#[actix_rt::test]
async fn a_freeze_in_the_middle_only_delays_it() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    let prefetching = start(settings(&["secret:db"]), &test);
    settle().await;

    test.clock.freeze(60 * SECOND);
    advance(LATENCY).await;
    prefetching.await.unwrap();
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
}
