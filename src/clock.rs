//! Both clocks. The only module that reads them.
//!
//! On Lambda neither clock can be trusted alone: while the environment is frozen the monotonic
//! clock may stand still although minutes pass, and after a SnapStart restore hours may have; the
//! wall clock may be stepped. Code that decides freshness takes a [`Moment`] and compares both.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// A point in time on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Never goes back, but may stand still while frozen. Follows tokio's paused time in tests.
    pub monotonic: Instant,
    /// Knows about freezes, but may be stepped either way.
    pub wall: SystemTime,
}

impl Moment {
    /// How old something born at `birth` is: the larger of what the two clocks say, or `None` when
    /// the wall clock has gone back past the birth, so that no age can be trusted.
    pub fn age_since(&self, birth: Moment) -> Option<Duration> {
        let by_wall = self.wall.duration_since(birth.wall).ok()?;
        Some(by_wall.max(self.monotonic.saturating_duration_since(birth.monotonic)))
    }
}

/// Tells the time, on any thread.
pub trait Clock: Send + Sync {
    /// This moment, on both clocks.
    fn now(&self) -> Moment;
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clocks")]
    fn now(&self) -> Moment {
        Moment { monotonic: Instant::now(), wall: SystemTime::now() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Clock, Moment, SystemClock};

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_clock_that_says_older_is_believed() {
        let birth = SystemClock.now();
        let frozen = Moment { wall: birth.wall + MINUTE, ..birth };
        let stepped = Moment { monotonic: birth.monotonic + MINUTE, ..birth };
        assert_eq!(frozen.age_since(birth), Some(MINUTE));
        assert_eq!(stepped.age_since(birth), Some(MINUTE));
    }

    #[test]
    fn a_wall_clock_that_went_back_past_the_birth_leaves_no_age_to_trust() {
        let birth = SystemClock.now();
        let earlier = Moment { wall: birth.wall - MINUTE, ..birth };
        assert_eq!(earlier.age_since(birth), None);
    }
}
