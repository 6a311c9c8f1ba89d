//! How the SDK paces its attempts.

/// How the SDK paces its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryMode {
    /// Exponential backoff.
    Standard,
    /// The same, and a client-side limit on the rate while throttled.
    Adaptive,
}
