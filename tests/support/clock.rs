//! Both clocks in a test's hand.

use std::{
    panic::resume_unwind,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use parameters_secrets_extension::clock::{Clock, Moment};
use tokio::time::Instant;

/// The monotonic clock is tokio's, which tests pause; the wall clock follows it and can be stepped.
pub struct TestClock {
    started: Instant,
    wall_at_start: Mutex<SystemTime>,
    panics_next: AtomicBool,
}

impl TestClock {
    pub fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Self {
            started: Instant::now(),
            wall_at_start: Mutex::new(wall),
            panics_next: AtomicBool::new(false),
        }
    }

    /// A freeze that the monotonic clock did not see: only the wall clock shows it.
    pub fn freeze(&self, duration: Duration) {
        *self.wall_at_start.lock().unwrap() += duration;
    }

    /// The next one to read it panics: a bug in whatever that is, without the hook's words on the
    /// screen.
    pub fn panics_next(&self) {
        self.panics_next.store(true, Ordering::Relaxed);
    }

    /// The wall clock is set back.
    pub fn step_back(&self, duration: Duration) {
        *self.wall_at_start.lock().unwrap() -= duration;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        if self.panics_next.swap(false, Ordering::Relaxed) {
            resume_unwind(Box::new("as told"));
        }
        let monotonic = Instant::now();
        let wall = *self.wall_at_start.lock().unwrap() + (monotonic - self.started);
        Moment { monotonic, wall }
    }
}
