//! Both clocks in a test's hand.

use std::{
    cell::Cell,
    time::{Duration, SystemTime},
};

use parameters_secrets_extension::clock::{Clock, Moment};
use tokio::time::Instant;

/// The monotonic clock is tokio's, which tests pause; the wall clock follows it and can be stepped.
pub struct TestClock {
    started: Instant,
    wall_at_start: Cell<SystemTime>,
}

impl TestClock {
    pub fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Self { started: Instant::now(), wall_at_start: Cell::new(wall) }
    }

    /// What a freeze looks like: minutes pass, and the monotonic clock did not see them.
    pub fn freeze(&self, duration: Duration) {
        self.wall_at_start.set(self.wall_at_start.get() + duration);
    }

    /// Somebody sets the clock back.
    pub fn step_back(&self, duration: Duration) {
        self.wall_at_start.set(self.wall_at_start.get() - duration);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        let monotonic = Instant::now();
        Moment { monotonic, wall: self.wall_at_start.get() + (monotonic - self.started) }
    }
}
