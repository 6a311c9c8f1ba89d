//! The cache and its pool as the extension starts them, over a fake upstream.

use std::{cell::Cell, num::NonZeroUsize, rc::Rc, sync::Arc, time::Duration};

use parameters_secrets_extension::{
    cache::{Answer, Cache, CachePolicy, CacheRegistry, LookupResult},
    fetch::{
        lane::LaneLimits,
        pool::{FetchPool, LONGEST_FETCH, MAX_QUEUED},
        upstream::Upstreams,
    },
    freeze::FreezeWatch,
    key::{CacheKey, ParameterKey, PerUpstream, SecretKey},
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

/// What differs between tests; by default as in the official extension, which has no more than a TTL.
pub struct Config {
    pub capacity: usize,
    pub ttl: Duration,
    pub permits: usize,
    pub max_queued: usize,
    pub time_out: Duration,
    pub batches: bool,
    pub ttl_spread: f64,
    pub refresh_ahead: bool,
    pub stale_if_error: Duration,
    pub error_ttl: Duration,
    pub deadline: Option<Duration>,
    /// Whether the first registry panics over its first parameter.
    pub dies_over_a_parameter: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            capacity: 1_000,
            ttl: TTL,
            permits: 3,
            max_queued: MAX_QUEUED,
            time_out: LONGEST_FETCH,
            batches: false,
            ttl_spread: 0.0,
            refresh_ahead: false,
            stale_if_error: Duration::ZERO,
            error_ttl: Duration::ZERO,
            deadline: None,
            dies_over_a_parameter: false,
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

    pub fn with(config: Config, upstreams: Upstreams) -> Self {
        let clock = Arc::new(TestClock::new());
        let stats = Rc::new(Stats::default());
        let freezes = FreezeWatch::new(clock.clone());
        let (test_clock, test_stats) = (Arc::clone(&clock), Rc::clone(&stats));
        let policy = CachePolicy {
            ttl: config.ttl,
            ttl_spread: config.ttl_spread,
            refresh_ahead: config.refresh_ahead,
            stale_if_error: config.stale_if_error,
            error_ttl: config.error_ttl,
        };
        let limits = LaneLimits {
            permits: NonZeroUsize::new(config.permits).unwrap(),
            max_queued: config.max_queued,
            time_out: config.time_out,
            batches: config.batches,
        };
        let deadline =
            PerUpstream { secrets_manager: config.deadline, parameter_store: config.deadline };
        let pool = FetchPool::new(
            upstreams,
            PerUpstream { secrets_manager: limits, parameter_store: limits },
            freezes.clone(),
            clock.clone(),
            stats.clone(),
        );
        let dies = Cell::new(config.dies_over_a_parameter);
        let open_registry = move |fetch_pool| {
            let ttl_spread = if dies.take() { f64::NAN } else { policy.ttl_spread };
            let of_parameters = CachePolicy { ttl_spread, ..policy };
            CacheRegistry::new(
                config.capacity,
                PerUpstream { secrets_manager: policy, parameter_store: of_parameters },
                fetch_pool,
                test_clock.clone(),
                test_stats.clone(),
            )
            .open()
        };
        Self { cache: Rc::new(Cache::new(pool, open_registry, deadline, freezes)), clock, stats }
    }

    /// Asks, and gives the body's text or the error's code.
    pub async fn get(&self, key: &CacheKey) -> Result<String, String> {
        readable(self.cache.look_up(key.clone(), false).await)
    }

    /// Asks, and gives the age of a stale answer beside its text.
    pub async fn get_with_age(&self, key: &CacheKey) -> Result<(String, Option<Duration>), String> {
        match self.cache.look_up(key.clone(), false).await {
            Ok(answer) => Ok((text(&answer), answer.stale_age)),
            Err(failure) => Err(failure.code().to_owned()),
        }
    }

    pub async fn refresh(&self, key: &CacheKey) -> Result<String, String> {
        readable(self.cache.look_up(key.clone(), true).await)
    }

    /// A caller of its own, who has asked once this task has been polled.
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
