//! Detects freezes. The only module that knows about them.
//!
//! Lambda freezes the environment between invocations, and SnapStart restores it hours later.
//! Timers do not fire meanwhile, connections die, and either clock may stand still or jump.
//! [`FreezeWatch`] compares both clocks with what they should show, and offers what follows from
//! it: a time that counts only while the process ran, time-outs that use it, and a generation
//! number that grows with every freeze. Calls and connections compare generations; none of them
//! decides by a clock of its own.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{select, sync::watch, time::sleep};

use crate::clock::{Clock, Moment};

/// How often both clocks are compared while anything is open.
const TICK: Duration = Duration::from_millis(500);

/// How much later than a tick a look may come before it counts as a freeze.
///
/// Well above what a busy processor delays a timer by. Connections outlive a shorter freeze.
const LATE: Duration = Duration::from_secs(1);

/// After this long with nothing open, by either clock, connections are trusted no more.
///
/// Nothing ticks then, so an idle time and a freeze look the same. A connection that was idle for
/// less is alive: nothing on the way to AWS forgets one so soon.
pub const LONGEST_REST: Duration = Duration::from_secs(30);

/// Tells freezes from elapsed time. Clones share their state.
#[derive(Clone)]
pub struct FreezeWatch(Arc<Shared>);

struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    generation: watch::Sender<Generation>,
}

struct State {
    /// When the clocks were compared last.
    last: Moment,
    /// Since when nothing has been open; `None` if something is, or nothing ever was.
    rests_since: Option<Moment>,
    /// The time the process could run, since the start.
    awake: Duration,
    open: usize,
    is_ticking: bool,
}

/// Counts the freezes so far. Connections and calls of an older generation are not to be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

/// Something is open: the clocks are compared for as long as this is held.
#[derive(Debug)]
pub struct Open(FreezeWatch);

impl fmt::Debug for FreezeWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreezeWatch").field("generation", &self.generation()).finish()
    }
}

impl FreezeWatch {
    /// A watch by this clock. Nothing is open yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        let state = Mutex::new(State {
            last: now,
            rests_since: None,
            awake: Duration::ZERO,
            open: 0,
            is_ticking: false,
        });
        Self(Arc::new(Shared { clock, state, generation: watch::Sender::default() }))
    }

    /// Compares both clocks with what they should show. An INVOKE prompts this, and proves nothing
    /// by itself.
    pub fn look(&self) {
        let now = self.0.clock.now();
        let frozen = self.state().advance(now);
        if frozen {
            self.next_generation();
        }
    }

    /// The environment has been restored from a snapshot: whatever the clocks say, it was frozen.
    pub fn restored(&self) {
        self.look();
        self.next_generation();
    }

    /// How often the process was frozen so far, as far as it has been noticed.
    pub fn generation(&self) -> Generation {
        *self.0.generation.borrow()
    }

    /// Resolves once there has been a freeze after `generation`.
    pub async fn frozen_since(&self, generation: Generation) {
        let mut generations = self.0.generation.subscribe();
        // The sender lives as long as `self`.
        let _ = generations.wait_for(|current| *current > generation).await;
    }

    /// The time in which the process could run, since the start.
    pub fn awake(&self) -> Duration {
        self.look();
        self.state().awake
    }

    /// Has the clocks compared until the guard is dropped. Needs a tokio runtime.
    pub fn open(&self) -> Open {
        let now = self.0.clock.now();
        let (rested_too_long, must_tick) = self.state().open(now);
        if rested_too_long {
            self.next_generation();
        }
        if must_tick {
            tokio::spawn(self.clone().tick());
        }
        Open(self.clone())
    }

    /// Waits for this much time in which the process could run.
    pub async fn sleep(&self, duration: Duration) {
        let _open = self.open();
        let end = self.awake().saturating_add(duration);
        loop {
            let left = end.saturating_sub(self.awake());
            if left.is_zero() {
                return;
            }
            sleep(left).await;
        }
    }

    /// The future's output, or `None` once the process could run for this long without it. After a
    /// freeze the future is asked first: its output may have been there all the while.
    pub async fn timeout<T>(
        &self,
        duration: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = pin!(future);
        select! {
            biased;
            output = &mut future => Some(output),
            () = self.sleep(duration) => None,
        }
    }

    async fn tick(self) {
        loop {
            sleep(TICK).await;
            // A panic must not end the ticks: without them, time that passes looks like a freeze,
            // which no time-out counts.
            let _ = catch_unwind(AssertUnwindSafe(|| self.look()));
            if self.state().stops_ticking() {
                return;
            }
        }
    }

    fn next_generation(&self) {
        self.0.generation.send_modify(|generation| generation.0 += 1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // These are numbers: a panic elsewhere leaves them whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let now = self.0.0.clock.now();
        let mut state = self.0.state();
        state.open -= 1;
        state.rests_since = Some(now);
    }
}

impl State {
    /// Adds the time since the last look. Returns whether there was a freeze in it.
    fn advance(&mut self, now: Moment) -> bool {
        let monotonic = now.monotonic.saturating_duration_since(self.last.monotonic);
        // A wall clock that went back tells nothing.
        let wall = now.wall.duration_since(self.last.wall).unwrap_or_default();
        self.last = now;
        // Without a tick nothing says how much of the time was a freeze; nothing was open in it.
        // Where a whole tick is missing the process could not run, be it for a freeze or for a busy
        // host.
        let missed = self.is_ticking && monotonic > 2 * TICK;
        self.awake += if missed { TICK } else { monotonic };
        self.is_ticking && monotonic.max(wall) > TICK + LATE
    }

    /// Whether nothing was open for too long until now, and whether a ticker is needed.
    fn open(&mut self, now: Moment) -> (bool, bool) {
        let must_tick = !self.is_ticking;
        if must_tick {
            self.advance(now);
            self.is_ticking = true;
        }
        let is_too_long = |since| now.age_since(since).is_none_or(|rest| rest > LONGEST_REST);
        let rested_too_long = self.open == 0 && self.rests_since.is_some_and(is_too_long);
        self.open += 1;
        (rested_too_long, must_tick)
    }

    fn stops_ticking(&mut self) -> bool {
        self.is_ticking = self.open > 0;
        !self.is_ticking
    }
}

#[cfg(test)]
#[path = "freeze_tests.rs"]
mod tests;
