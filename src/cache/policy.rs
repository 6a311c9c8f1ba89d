//! How long a key's values and failures are used, and how many callers may wait for one key.

use std::time::Duration;

/// Callers that may wait for one key at once; the next one gets `Overloaded`.
///
/// Ten times the threads a Lambda environment can have (1,024), so a handler never meets it. It
/// bounds what a client can pile up that asks, hangs up and asks again while an upstream hangs.
pub const MAX_WAITERS: usize = 10_000;

/// Where in its TTL a value's last part begins, in which a hit fetches the next value: after four
/// fifths.
///
/// Late enough to cost a key that is read steadily only a quarter more calls than one each TTL.
/// Early enough for a fetch to end in time: of the default TTL a minute is left, twice the longest
/// fetch.
pub const LAST_FIFTH: (u32, u32) = (4, 5);

/// How long a key's values are used, in good times and in bad ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CachePolicy {
    /// How long a value is fresh, counted from when its call left; zero: nothing is kept.
    pub ttl: Duration,
    /// The share of it, 0 to 1, by which a value's TTL is shortened at most.
    pub ttl_spread: f64,
    /// Whether a hit in the last fifth of that time fetches the next value in the background.
    pub refresh_ahead: bool,
    /// How long after the end of that time the value still answers while the next one is fetched;
    /// zero: not at all.
    pub stale_while_revalidate: Duration,
    /// How long after the end of that time the value still answers while fetches fail; zero: not at
    /// all.
    pub stale_if_error: Duration,
    /// How long a failure is answered again without a fetch; zero: not at all.
    pub error_ttl: Duration,
}

/// How much is kept at most, over all keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Keys that hold a value or a remembered failure; zero keeps nothing.
    pub keys: usize,
    /// What they cost together, in bytes, by [`cost`](crate::cache::cost); zero keeps nothing.
    pub bytes: usize,
}

impl Capacity {
    /// Nothing is kept.
    pub const NOTHING: Self = Self { keys: 0, bytes: 0 };

    /// Whether anything is kept.
    pub fn keeps_values(&self) -> bool {
        self.keys > 0 && self.bytes > 0
    }
}

impl CachePolicy {
    /// The same, with no value kept.
    pub fn keeping_nothing(self) -> Self {
        Self { ttl: Duration::ZERO, ..self }
    }

    /// Whether values are kept at all.
    pub fn keeps_values(&self) -> bool {
        !self.ttl.is_zero()
    }

    /// The TTL of one value: shortened by a share of the spread, so that environments that started
    /// together do not fetch together ever after. `draw`, from 0 to 1, says by how much of it.
    pub fn ttl_of_one_value(&self, draw: f64) -> Duration {
        self.ttl.mul_f64(1.0 - self.ttl_spread.clamp(0.0, 1.0) * draw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(100);

    fn policy(ttl_spread: f64) -> CachePolicy {
        CachePolicy {
            ttl: TTL,
            ttl_spread,
            refresh_ahead: true,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            error_ttl: Duration::ZERO,
        }
    }

    #[test]
    fn a_draw_shortens_the_ttl_by_its_share_of_the_spread() {
        assert_eq!(policy(0.1).ttl_of_one_value(0.0), TTL);
        assert_eq!(policy(0.5).ttl_of_one_value(0.5), TTL * 3 / 4);
        assert_eq!(policy(0.5).ttl_of_one_value(1.0), TTL / 2);
    }

    #[test]
    fn without_a_ttl_and_without_room_nothing_is_kept() {
        assert!(policy(0.0).keeps_values());
        assert!(!policy(0.0).keeping_nothing().keeps_values());
        assert!(!Capacity::NOTHING.keeps_values());
        assert!(!Capacity { keys: 1, bytes: 0 }.keeps_values());
        assert!(!Capacity { keys: 0, bytes: 1 }.keeps_values());
        assert!(Capacity { keys: 1, bytes: 1 }.keeps_values());
        assert!(Capacity { keys: 2, bytes: 2 }.keeps_values());
    }
}
