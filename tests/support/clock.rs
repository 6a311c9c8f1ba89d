//! Both clocks in a test's hand.

use std::{
    sync::Mutex,
    time::{Duration, SystemTime},
};

use parameters_secrets_extension::clock::{Clock, Moment};
use tokio::time::Instant;

/// The monotonic clock is tokio's, which tests pause; the wall clock follows it and can be stepped.
pub struct TestClock {
    started: Instant,
    wall_at_start: Mutex<SystemTime>,
}

impl TestClock {
    pub fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Self { started: Instant::now(), wall_at_start: Mutex::new(wall) }
    }

    /// A freeze that the monotonic clock did not see: only the wall clock shows it.
    pub fn freeze(&self, duration: Duration) {
        *self.wall_at_start.lock().unwrap() += duration;
    }

    /// The wall clock is set back.
    pub fn step_back(&self, duration: Duration) {
        *self.wall_at_start.lock().unwrap() -= duration;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        let monotonic = Instant::now();
        let wall = *self.wall_at_start.lock().unwrap() + (monotonic - self.started);
        Moment { monotonic, wall }
    }
}
