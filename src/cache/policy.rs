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

/// How long a key's answer is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    /// How long an entry is fresh, counted from the start of its fetch; zero: nothing is kept.
    pub ttl: Duration,
}

impl CachePolicy {
    /// Whether answers are kept at all.
    pub fn keeps_answers(&self) -> bool {
        !self.ttl.is_zero()
    }
}
