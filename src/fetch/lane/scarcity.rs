//! How a lane behaves while its service throttles: one call at a time, with growing pauses.

use std::{num::NonZeroUsize, time::Duration};

use fastrand::Rng;

/// The first pause after a throttled call; each further one is twice as long.
pub const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause, but for one that the service asks for itself.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause that a service can ask for. A fetch ends sooner by default.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);

/// A lane's view of its service's quota.
#[derive(Debug)]
pub(super) struct Scarcity {
    permits: usize,
    window: usize,
    /// The pause that the next throttled call begins; `None` while there is no scarcity.
    next_pause: Option<Duration>,
    throttled_at: Duration,
    resumes_at: Duration,
    rng: Rng,
}

/// What a call's end says of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// The first throttled call of an episode.
    Begins,
    /// A further one.
    Continues,
    /// As many calls as there are permits may be open again.
    Ends,
}

impl Scarcity {
    pub(super) fn new(permits: NonZeroUsize, seed: u64) -> Self {
        let permits = permits.get();
        Self {
            permits,
            window: permits,
            next_pause: None,
            throttled_at: Duration::ZERO,
            resumes_at: Duration::ZERO,
            rng: Rng::with_seed(seed),
        }
    }

    pub(super) fn window(&self) -> usize {
        self.window
    }

    pub(super) fn is_on(&self) -> bool {
        self.next_pause.is_some()
    }

    /// No call may leave before; zero where there is no pause.
    pub(super) fn resumes_at(&self) -> Duration {
        self.resumes_at
    }

    /// A call that left at `left` was throttled. Those that left before an earlier one was
    /// throttled say nothing new: their pause is on already.
    pub(super) fn throttled(
        &mut self,
        left: Duration,
        now: Duration,
        retry_after: Option<Duration>,
    ) -> Option<Throttled> {
        let change = if self.is_on() { Throttled::Continues } else { Throttled::Begins };
        let asked_for = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        if self.is_on() && left <= self.throttled_at {
            self.resumes_at = self.resumes_at.max(now + asked_for);
            return Some(change);
        }
        let pause = self.next_pause.unwrap_or(FIRST_PAUSE);
        self.window = 1;
        self.next_pause = Some((pause * 2).min(LONGEST_PAUSE));
        self.throttled_at = now;
        self.resumes_at = now + self.with_jitter(pause).max(asked_for);
        Some(change)
    }

    /// A call was answered: one more may be open, and the next pause is a little shorter. Not much:
    /// the quota is shared with environments that are still waiting (make fleet-model).
    pub(super) fn answered(&mut self) -> Option<Throttled> {
        let next_pause = self.next_pause?;
        self.window = (self.window + 1).min(self.permits);
        self.next_pause = Some((next_pause * 7 / 8).max(FIRST_PAUSE));
        (self.window == self.permits && next_pause <= FIRST_PAUSE).then(|| {
            self.next_pause = None;
            Throttled::Ends
        })
    }

    /// Ends a pause.
    pub(super) fn resume(&mut self) {
        self.resumes_at = Duration::ZERO;
    }

    /// Between half and one and a half of the pause: environments that were throttled together do
    /// not ask together.
    fn with_jitter(&mut self, pause: Duration) -> Duration {
        pause.mul_f64(0.5 + self.rng.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn throttled() -> Scarcity {
        let permits = NonZeroUsize::new(3).unwrap();
        let mut scarcity = Scarcity::new(permits, 7);
        assert_eq!(scarcity.throttled(SECOND, SECOND, None), Some(Throttled::Begins));
        scarcity
    }

    #[test]
    fn it_ends_with_the_answer_that_finds_all_permits_back_and_the_pause_at_its_shortest() {
        let mut scarcity = throttled();
        let ends: Vec<_> = (0..7).map(|_| scarcity.answered()).collect();
        assert_eq!(ends, [None, None, None, None, None, None, Some(Throttled::Ends)]);
        assert!(!scarcity.is_on());
        assert_eq!(scarcity.answered(), None, "it is over");
    }

    #[test]
    fn each_answer_opens_one_more_call_up_to_the_permits() {
        let mut scarcity = throttled();
        let windows: Vec<_> = (0..4)
            .map(|_| {
                scarcity.answered();
                scarcity.window()
            })
            .collect();
        assert_eq!(windows, [2, 3, 3, 3]);
    }

    #[test]
    fn calls_that_left_before_a_throttled_one_was_known_begin_no_further_pause() {
        let mut scarcity = throttled();
        let (resumes_at, next_pause) = (scarcity.resumes_at(), scarcity.next_pause);
        assert_eq!(scarcity.throttled(SECOND, SECOND * 2, None), Some(Throttled::Continues));
        assert_eq!(
            (scarcity.resumes_at(), scarcity.next_pause),
            (resumes_at.max(SECOND * 2), next_pause)
        );

        scarcity.throttled(SECOND, SECOND * 2, Some(SECOND * 10));
        assert_eq!(scarcity.resumes_at(), SECOND * 12, "the service asked for it");
        scarcity.throttled(SECOND, SECOND * 2, Some(SECOND * 100));
        assert_eq!(scarcity.resumes_at(), SECOND * 2 + LONGEST_RETRY_AFTER);
    }
}
