//! The bounds one key lives by.

use std::time::Duration;

/// Callers that may wait for one key at once; the next one gets `Overloaded`.
///
/// Ten times the threads a Lambda environment can have (1,024), so a handler never meets it. It bounds
/// what a client can pile up that asks, hangs up and asks again while an upstream hangs.
pub const MAX_WAITERS: usize = 10_000;

/// How long after its start a refresh's fetch still answers further refreshes.
///
/// A refresh must not get a value older than its question. Threads that fail together ask together,
/// though, within milliseconds of each other; they are one call. 100 ms is what 100 threads of a small
/// Lambda function need to ask, and well below what a rotation takes.
pub const REFRESH_WINDOW: Duration = Duration::from_millis(100);

/// How long a key's answers are used, in good times and in bad ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CachePolicy {
    /// How long an entry is fresh, counted from the start of its fetch; zero: nothing is kept.
    pub ttl: Duration,
    /// The share of it, 0 to 1, by which a key's TTL is shortened at most.
    pub ttl_spread: f64,
    /// Whether a hit in the last fifth of that time fetches the next value in the background.
    pub refresh_ahead: bool,
    /// How long after the end of that time the entry still answers while fetches fail; zero: not at all.
    pub stale_if_error: Duration,
    /// How long a failure is answered again without a fetch; zero: never.
    pub error_ttl: Duration,
}

impl CachePolicy {
    /// Whether answers are kept at all.
    pub fn keeps_answers(&self) -> bool {
        !self.ttl.is_zero()
    }

    /// The policy of one key: its TTL is shortened by a random part of the spread, so that environments
    /// that started together do not fetch together ever after.
    pub fn for_one_key(self) -> Self {
        let shortened_by = self.ttl_spread.clamp(0.0, 1.0) * fastrand::f64();
        Self { ttl: self.ttl.mul_f64(1.0 - shortened_by), ..self }
    }
}
