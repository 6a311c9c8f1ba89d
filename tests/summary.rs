//! The last line of a life: what it came to.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use parameters_secrets_extension::{log, settings::LogLevel, stats::Stats};

use crate::support::{
    cache::{TestCache, secret},
    soon,
    upstream::FakeUpstream,
};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn summary_at(level: LogLevel, stats: &Stats) -> String {
    let captured = Captured::default();
    let writer = captured.clone();
    tracing::subscriber::with_default(log::subscriber(level, move || writer.clone()), || {
        stats.snapshot().log_summary();
    });
    String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
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
                    calls_saved=3 longest_queue=0 slowest_fetch_ms=2";
    assert!(summary.contains(expected), "{summary}");
    assert_eq!(summary.lines().count(), 1);
}

#[test]
fn above_info_there_is_no_summary() {
    assert_eq!(summary_at(LogLevel::Warn, &Stats::default()), "");
}
