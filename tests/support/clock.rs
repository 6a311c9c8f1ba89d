//! Both clocks in a test's hand.

use std::{
    panic::resume_unwind,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use parameters_secrets_extension::clock::{Clock, Moment};
use tokio::time::Instant;

/// The monotonic clock is tokio's, which tests pause; the wall clock follows it and can be stepped.
pub struct TestClock {
    started: Instant,
    wall_at_start: Mutex<SystemTime>,
    /// Reads until one panics, and from there to the second one; none at 0.
    panics_in: [AtomicUsize; 2],
}

impl TestClock {
    pub fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Self {
            started: Instant::now(),
            wall_at_start: Mutex::new(wall),
            panics_in: [AtomicUsize::new(0), AtomicUsize::new(0)],
        }
    }

    /// A freeze that the monotonic clock did not see: only the wall clock shows it.
    pub fn freeze(&self, duration: Duration) {
        *self.wall_at_start.lock().unwrap() += duration;
    }

    /// The next one to read it panics: a bug in whatever that is, without the hook's words on the
    /// screen.
    pub fn panics_next(&self) {
        self.panics_at(1, 0);
    }

    /// The same for the read of the first number from now on, and for that of the second number
    /// after it; 0 is none.
    pub fn panics_at(&self, first: usize, second: usize) {
        self.panics_in[0].store(first, Ordering::Relaxed);
        self.panics_in[1].store(second, Ordering::Relaxed);
    }

    /// No further read panics. Whether the first one has.
    pub fn stops_panicking(&self) -> bool {
        let [first, _second] =
            self.panics_in.each_ref().map(|left| left.swap(0, Ordering::Relaxed));
        first == 0
    }

    /// The wall clock is set back.
    pub fn step_back(&self, duration: Duration) {
        *self.wall_at_start.lock().unwrap() -= duration;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        self.panic_if_told();
        let monotonic = Instant::now();
        let wall = *self.wall_at_start.lock().unwrap() + (monotonic - self.started);
        Moment { monotonic, wall }
    }
}

impl TestClock {
    fn panic_if_told(&self) {
        // A panic while another one unwinds would end the process, and the test with it.
        if thread::panicking() {
            return;
        }
        let next = self.panics_in.iter().find(|left| left.load(Ordering::Relaxed) > 0);
        if next.is_some_and(|left| left.fetch_sub(1, Ordering::Relaxed) == 1) {
            resume_unwind(Box::new("as told"));
        }
    }
}
