//! What the debug log shows of the cache, by which callers can be watched sharing their calls.

use std::time::Duration;

use futures_util::future::join_all;
use parameters_secrets_extension::fetch::upstream::Upstreams;
use tokio::time::{advance, pause};

use crate::support::{
    cache::{Config, TTL, TestCache, parameter, secret, settle},
    log::CapturedLog,
    upstream::{FakeUpstream, Outcome},
};

const LATENCY: Duration = Duration::from_millis(100);
const DB: &str = "key=/secretsmanager/get?secretId=db";

/// A cache and its log, which says nothing yet.
fn watched(config: Config, upstream: &FakeUpstream) -> (TestCache, CapturedLog) {
    pause();
    let log = CapturedLog::at_debug();
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    log.take_lines();
    (test, log)
}

/// Tokio's timers have a grain of a millisecond, so that one sleep may take one more.
fn without_the_grain_of_timers(lines: Vec<String>) -> Vec<String> {
    let late = [("=101", "=100"), ("=201", "=200"), ("=202", "=200")];
    let on_time =
        |line| late.iter().fold(line, |line: String, (late, due)| line.replace(late, due));
    lines.into_iter().map(on_time).collect()
}

fn count(lines: &[String], what: &str) -> usize {
    lines.iter().filter(|line| line.contains(what)).count()
}

#[actix_rt::test]
async fn a_new_cache_tells_its_size() {
    let log = CapturedLog::at_debug();
    TestCache::new(&FakeUpstream::new());

    assert_eq!(log.take_lines(), ["DEBUG Creating a new cache with size 1000"]);
}

#[actix_rt::test]
async fn a_miss_shows_its_fetch_and_how_many_callers_it_answered() {
    let upstream = FakeUpstream::new().taking(LATENCY);
    let (test, log) = watched(Config::default(), &upstream);
    test.get(&secret("db")).await.unwrap();

    assert_eq!(
        without_the_grain_of_timers(log.take_lines()),
        [
            format!("DEBUG miss {DB} refresh=false"),
            format!("DEBUG fetch started {DB} upstream=secretsmanager permits=1/3 queued=0"),
            format!(
                "DEBUG fetch done {DB} upstream=secretsmanager queued_ms=0 took_ms=100 answered=1"
            ),
            "DEBUG Caching secret with key /secretsmanager/get?secretId=db".to_owned(),
        ]
    );
}

#[actix_rt::test]
async fn a_hit_shows_the_age_of_its_answer() {
    let (test, log) = watched(Config::default(), &FakeUpstream::new());
    test.get(&secret("db")).await.unwrap();
    advance(Duration::from_millis(1_234)).await;
    log.take_lines();

    test.get(&secret("db")).await.unwrap();

    assert_eq!(log.take_lines(), [format!("DEBUG hit {DB} age_ms=1234")]);
}

#[actix_rt::test]
async fn a_hundred_callers_of_one_cold_key_show_one_miss_99_joined_and_one_fetch_for_100() {
    let upstream = FakeUpstream::new().taking(LATENCY);
    let (test, log) = watched(Config::default(), &upstream);
    let callers: Vec<_> = (0..100).map(|_| test.caller(&parameter("/app/db"))).collect();
    join_all(callers).await;

    let lines = without_the_grain_of_timers(log.take_lines());

    let key = "key=/systemsmanager/parameters/get?name=/app/db";
    assert_eq!(lines[0], format!("DEBUG miss {key} refresh=false"));
    for waiting in 2..=100 {
        let line = format!("DEBUG joined a fetch in flight {key} waiting={waiting}");
        assert!(lines.contains(&line), "{line}");
    }
    let done = format!("DEBUG fetch done {key} upstream=ssm queued_ms=0 took_ms=100 answered=100");
    assert_eq!(count(&lines, &done), 1);
    assert_eq!(count(&lines, "DEBUG fetch started"), 1);
    assert_eq!(count(&lines, "DEBUG Caching parameter with key"), 1);
    assert_eq!(lines.len(), 1 + 99 + 3, "{lines:#?}");
}

#[actix_rt::test]
async fn a_failed_fetch_shows_its_error_and_how_many_callers_it_answered() {
    let upstream = FakeUpstream::new().taking(LATENCY).always(Outcome::Error("AccessDenied"));
    let (test, log) = watched(Config::default(), &upstream);
    join_all((0..100).map(|_| test.caller(&secret("db"))).collect::<Vec<_>>()).await;

    let lines = log.take_lines();

    let error = format!(
        "ERROR GetSecretValue request encountered an error: AccessDenied: as told {DB} answered=100"
    );
    assert_eq!(lines.last(), Some(&error));
    assert_eq!(count(&lines, "ERROR"), 1);
}

#[actix_rt::test]
async fn an_expired_entry_shows_that_it_has_expired_and_that_it_is_fetched_again() {
    let (test, log) = watched(Config::default(), &FakeUpstream::new());
    test.get(&secret("db")).await.unwrap();
    advance(TTL).await;
    log.take_lines();

    test.get(&secret("db")).await.unwrap();

    let lines = log.take_lines();
    assert_eq!(lines[0], format!("DEBUG expired {DB} age_ms=300000"));
    assert_eq!(lines[1], format!("DEBUG miss {DB} refresh=false"));
}

#[actix_rt::test]
async fn an_entry_of_unknown_age_shows_no_age() {
    let (test, log) = watched(Config::default(), &FakeUpstream::new());
    test.get(&secret("db")).await.unwrap();
    test.clock.step_back(Duration::from_secs(1));
    log.take_lines();

    test.get(&secret("db")).await.unwrap();

    assert_eq!(log.take_lines()[0], format!("DEBUG expired {DB}"));
}

#[actix_rt::test]
async fn a_refresh_shows_how_many_callers_wait_for_a_newer_fetch() {
    let upstream = FakeUpstream::new().taking(LATENCY);
    let (test, log) = watched(Config::default(), &upstream);
    let reader = test.caller(&secret("db"));
    settle().await;
    let refreshers = [test.refresher(&secret("db")), test.refresher(&secret("db"))];
    reader.await.unwrap().unwrap();
    for refresher in refreshers {
        refresher.await.unwrap().unwrap();
    }

    let lines = log.take_lines();
    for waiting in 1..=2 {
        let line =
            format!("DEBUG waits for a newer fetch than the one in flight {DB} waiting={waiting}");
        assert_eq!(count(&lines, &line), 1, "{lines:#?}");
    }
    assert_eq!(count(&lines, "answered=1"), 1);
    assert_eq!(count(&lines, "answered=2"), 1);
}

#[actix_rt::test]
async fn an_eviction_shows_which_key_went() {
    let config = Config { capacity: 1, ..Config::default() };
    let (test, log) = watched(config, &FakeUpstream::new());
    test.get(&secret("db")).await.unwrap();
    log.take_lines();

    test.get(&secret("other")).await.unwrap();

    settle().await;
    assert_eq!(log.take_lines().last(), Some(&format!("DEBUG evicted {DB}")));
}

#[actix_rt::test]
async fn a_full_pool_shows_its_permits_its_queue_and_when_the_queue_is_empty_again() {
    let upstream = FakeUpstream::new().taking(LATENCY);
    let config = Config { permits: 2, ..Config::default() };
    let (test, log) = watched(config, &upstream);
    join_all((0..5).map(|n| test.caller(&secret(&n.to_string()))).collect::<Vec<_>>()).await;

    let lines = without_the_grain_of_timers(log.take_lines());
    let of_the_pool: Vec<_> = lines
        .iter()
        .filter(|line| line.contains(" permits="))
        .map(|line| line.replace("DEBUG ", ""))
        .map(|line| line.replace(" upstream=secretsmanager", ""))
        .map(|line| line.replace("key=/secretsmanager/get?secretId=", ""))
        .collect();
    assert_eq!(
        of_the_pool,
        [
            "fetch started 0 permits=1/2 queued=0",
            "fetch started 1 permits=2/2 queued=0",
            "pool saturated permits=2/2 queued=1",
            "fetch started 2 permits=2/2 queued=2",
            "fetch started 3 permits=2/2 queued=1",
            "fetch started 4 permits=2/2 queued=0",
            "pool drained permits=2/2 queued=0",
        ]
    );
    // The third waited for the first, the fifth for two.
    assert_eq!(count(&lines, "queued_ms=0 took_ms=100"), 2);
    assert_eq!(count(&lines, "queued_ms=100 took_ms=100"), 2);
    assert_eq!(count(&lines, "queued_ms=200 took_ms=100"), 1);
}

#[actix_rt::test]
async fn a_name_cannot_forge_a_line() {
    let (test, log) = watched(Config::default(), &FakeUpstream::new());
    test.get(&secret("db\nERROR forged\u{2028}\u{202e}")).await.unwrap();

    let lines = log.take_lines();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(lines.iter().all(|line| line.starts_with("DEBUG ")), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains(['\u{2028}', '\u{202e}'])), "{lines:#?}");
}
