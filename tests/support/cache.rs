//! The cache and its pool as the extension starts them, over a fake upstream.

use std::{num::NonZeroUsize, rc::Rc, sync::Arc, time::Duration};

use parameters_secrets_extension::{
    cache::{Answer, Cache, CachePolicy, Capacity, LookupResult, Urgency},
    extension::assembly,
    fetch::upstream::Upstreams,
    freeze::FreezeWatch,
    key::{CacheKey, ParameterKey, PerUpstream, SecretKey},
    settings::{CacheSettings, ResilienceSettings, Settings},
    snapshot::Snapshot,
    stats::Stats,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, advance},
};

use super::{clock::TestClock, upstream::FakeUpstream};

pub const TTL: Duration = Duration::from_secs(300);

const STEP: Duration = Duration::from_millis(500);

pub fn secret(name: &str) -> CacheKey {
    CacheKey::Secret(SecretKey { secret_id: name.into(), version_id: None, version_stage: None })
}

pub fn parameter(name: &str) -> CacheKey {
    let name = name.into();
    CacheKey::Parameter(ParameterKey { name, selector: None, with_decryption: false })
}

/// What differs between tests; by default as in the official extension, which has no more than a
/// TTL.
pub struct Config {
    pub capacity: usize,
    /// The cache's bound in bytes.
    pub bytes: usize,
    pub ttl: Duration,
    pub permits: usize,
    /// The services' time-out; it is a deadline of callers too.
    pub time_out: Option<Duration>,
    pub batches: bool,
    pub ttl_spread: f64,
    pub refresh_ahead: bool,
    pub stale_while_revalidate: Duration,
    pub stale_if_error: Duration,
    pub error_ttl: Duration,
    pub deadline: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            capacity: 1_000,
            bytes: 32 * 1024 * 1024,
            ttl: TTL,
            permits: 3,
            time_out: None,
            batches: false,
            ttl_spread: 0.0,
            refresh_ahead: false,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            error_ttl: Duration::ZERO,
            deadline: None,
        }
    }
}

impl Config {
    /// The policy of the cache that is made of it.
    pub fn policy(&self) -> PerUpstream<CachePolicy> {
        let policy = CachePolicy {
            ttl: self.ttl,
            ttl_spread: self.ttl_spread,
            refresh_ahead: self.refresh_ahead,
            stale_while_revalidate: self.stale_while_revalidate,
            stale_if_error: self.stale_if_error,
            error_ttl: self.error_ttl,
        };
        PerUpstream { secrets_manager: policy, parameter_store: policy }
    }

    /// How much that cache keeps.
    pub fn capacity(&self) -> Capacity {
        Capacity { keys: self.capacity, bytes: self.bytes }
    }

    fn into_settings(self) -> Settings {
        Settings {
            cache: CacheSettings { enabled: true, size: self.capacity },
            cache_bytes: self.bytes,
            ttl: PerUpstream { secrets_manager: self.ttl, parameter_store: self.ttl },
            timeout: PerUpstream { secrets_manager: self.time_out, parameter_store: self.time_out },
            batch_parameters: self.batches,
            max_connections: NonZeroUsize::new(self.permits).unwrap(),
            resilience: ResilienceSettings {
                stale_if_error: self.stale_if_error,
                stale_while_revalidate: self.stale_while_revalidate,
                refresh_ahead: self.refresh_ahead,
                ttl_spread: self.ttl_spread,
                deadline: self.deadline,
                error_ttl: self.error_ttl,
            },
            ..Settings::read([]).settings
        }
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
            &config.into_settings(),
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
