//! The summary at the end of an environment's life.

use std::time::Duration;

use parameters_secrets_extension::{settings::LogLevel, stats::Stats};

use crate::support::{
    cache::{TestCache, secret},
    log::CapturedLog,
    soon,
    upstream::FakeUpstream,
};

fn summary_at(level: LogLevel, stats: &Stats) -> String {
    let log = CapturedLog::at(level);
    stats.snapshot().log_summary();
    log.text()
}

#[actix_rt::test]
async fn the_summary_adds_up_what_happened_in_one_line() {
    tokio::time::pause();
    let test = TestCache::new(&FakeUpstream::new().taking(Duration::from_millis(20)));
    let key = secret("db");
    for caller in (0..3).map(|_| test.caller(&key)).collect::<Vec<_>>() {
        soon(caller).await.unwrap().unwrap();
    }
    test.get(&key).await.unwrap();

    let summary = summary_at(LogLevel::Info, &test.stats);

    let expected = " INFO summary hits=1 misses=1 coalesced=2 stale=0 upstream_calls=1 failed_fetches=0 \
                    throttled=0 calls_saved=3 longest_queue=0 slowest_fetch_ms=2";
    assert!(summary.contains(expected), "{summary}");
    assert_eq!(summary.lines().count(), 1);
}

#[test]
fn above_info_there_is_no_summary() {
    assert_eq!(summary_at(LogLevel::Warn, &Stats::default()), "");
}
