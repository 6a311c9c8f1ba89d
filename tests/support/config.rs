//! What differs between tests of the cache, and the keys that they ask for. Knows no actor.

use std::time::Duration;

use parameters_secrets_extension::{
    cache::{CachePolicy, Capacity},
    key::{CacheKey, ParameterKey, PerUpstream, SecretKey},
};

pub const TTL: Duration = Duration::from_secs(300);

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
}
