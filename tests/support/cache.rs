//! The cache and its pool as the extension starts them, over a fake upstream.

use std::{num::NonZeroUsize, rc::Rc, sync::Arc, time::Duration};

use parameters_secrets_extension::{
    cache::{Answer, Cache, LookupResult, Urgency},
    extension::assembly,
    fetch::upstream::Upstreams,
    freeze::FreezeWatch,
    key::{CacheKey, PerUpstream},
    settings::{CacheSettings, ResilienceSettings, Settings},
    snapshot::Snapshot,
    stats::Stats,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, advance},
};

pub use super::config::{Config, TTL, parameter, secret};
use super::{clock::TestClock, upstream::FakeUpstream};

const STEP: Duration = Duration::from_millis(500);

fn settings(config: Config) -> Settings {
    Settings {
        cache: CacheSettings { enabled: true, size: config.capacity },
        cache_bytes: config.bytes,
        ttl: PerUpstream { secrets_manager: config.ttl, parameter_store: config.ttl },
        timeout: PerUpstream { secrets_manager: config.time_out, parameter_store: config.time_out },
        batch_parameters: config.batches,
        max_connections: NonZeroUsize::new(config.permits).unwrap(),
        resilience: ResilienceSettings {
            stale_if_error: config.stale_if_error,
            stale_while_revalidate: config.stale_while_revalidate,
            refresh_ahead: config.refresh_ahead,
            ttl_spread: config.ttl_spread,
            deadline: config.deadline,
            error_ttl: config.error_ttl,
        },
        ..Settings::read([]).settings
    }
}

#[derive(Clone)]
pub struct TestCache {
    pub cache: Rc<Cache>,
    pub clock: Arc<TestClock>,
    pub stats: Rc<Stats>,
}

impl TestCache {
    pub fn new(upstream: &FakeUpstream) -> Self {
        Self::with(Config::default(), Upstreams::of_one(upstream.clone()))
    }

    /// Put together by the extension's own assembly.
    pub fn with(config: Config, upstreams: Upstreams) -> Self {
        let clock = Arc::new(TestClock::new());
        let stats = Rc::new(Stats::default());
        let cache = assembly::cache(
            &settings(config),
            &Snapshot::new(None),
            upstreams,
            FreezeWatch::new(clock.clone()),
            clock.clone(),
            stats.clone(),
        );
        Self { cache: Rc::new(cache), clock, stats }
    }

    /// Asks, and gives the body's text or the error's code.
    pub async fn get(&self, key: &CacheKey) -> Result<String, String> {
        readable(self.cache.look_up(key.clone(), Urgency::Patient).await)
    }

    /// Asks, and gives the age of a stale answer beside its text.
    pub async fn get_with_age(&self, key: &CacheKey) -> Result<(String, Option<Duration>), String> {
        match self.cache.look_up(key.clone(), Urgency::Patient).await {
            Ok(answer) => Ok((text(&answer), answer.stale_age)),
            Err(failure) => Err(failure.code().to_owned()),
        }
    }

    pub async fn refresh(&self, key: &CacheKey) -> Result<String, String> {
        readable(self.cache.look_up(key.clone(), Urgency::Refresh).await)
    }

    /// A caller in a task of its own, which has asked once this task has been polled.
    pub fn caller(&self, key: &CacheKey) -> Caller {
        let (test, key) = (self.clone(), key.clone());
        tokio::task::spawn_local(async move { test.get(&key).await })
    }

    pub fn refresher(&self, key: &CacheKey) -> Caller {
        let (test, key) = (self.clone(), key.clone());
        tokio::task::spawn_local(async move { test.refresh(&key).await })
    }
}

pub type Caller = JoinHandle<Result<String, String>>;

fn readable(result: LookupResult) -> Result<String, String> {
    match result {
        Ok(answer) => Ok(text(&answer)),
        Err(failure) => Err(failure.code().to_owned()),
    }
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.reveal().to_vec()).unwrap()
}

/// Time passes in steps short enough for everything that is due to happen when it is due.
pub async fn pass(duration: Duration) {
    let end = Instant::now() + duration;
    while Instant::now() < end {
        advance(STEP.min(end - Instant::now())).await;
        settle().await;
    }
}

/// Lets every task that can go on do so, without any time passing.
pub async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
