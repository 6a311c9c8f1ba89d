#![expect(clippy::disallowed_methods, reason = "the clock that the watch is tested with")]

use std::{
    sync::Mutex,
    time::{Duration, SystemTime},
};

use tokio::{
    task::yield_now,
    time::{Instant, advance, sleep},
};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// Tokio's clock, and a wall clock that follows it and can be stepped.
struct SteppedClock {
    started: Instant,
    wall: Mutex<SystemTime>,
}

impl Clock for SteppedClock {
    fn now(&self) -> Moment {
        let monotonic = Instant::now();
        Moment { monotonic, wall: *self.wall.lock().unwrap() + (monotonic - self.started) }
    }
}

fn watch() -> (Arc<SteppedClock>, FreezeWatch) {
    let clock = Arc::new(SteppedClock {
        started: Instant::now(),
        wall: Mutex::new(SystemTime::UNIX_EPOCH + MINUTE * 1_000_000),
    });
    (Arc::clone(&clock), FreezeWatch::new(clock))
}

#[tokio::test(start_paused = true)]
async fn time_that_passes_in_order_is_no_freeze() {
    let (_clock, watch) = watch();
    let _open = watch.open();
    sleep(10 * MINUTE).await;
    assert_eq!(watch.generation(), Generation(0));
    assert_eq!(watch.awake(), 10 * MINUTE);
}

#[tokio::test(start_paused = true)]
async fn either_clock_alone_and_both_together_tell_of_a_freeze() {
    let (clock, watch) = watch();
    let _open = watch.open();
    sleep(TICK / 2).await;

    *clock.wall.lock().unwrap() += MINUTE;
    watch.look();
    assert_eq!(watch.generation(), Generation(1), "the wall clock alone");

    advance(MINUTE).await;
    watch.look();
    assert_eq!(watch.generation(), Generation(2), "both clocks");

    *clock.wall.lock().unwrap() -= MINUTE;
    advance(MINUTE).await;
    watch.look();
    assert_eq!(watch.generation(), Generation(3), "the monotonic clock alone");
}

#[tokio::test(start_paused = true)]
async fn a_look_at_clocks_that_did_not_jump_proves_nothing() {
    let (_clock, watch) = watch();
    let _open = watch.open();
    for _ in 0..100 {
        sleep(TICK).await;
        watch.look();
    }
    assert_eq!(watch.generation(), Generation(0));
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_back_is_no_freeze() {
    let (clock, watch) = watch();
    let _open = watch.open();
    *clock.wall.lock().unwrap() -= MINUTE;
    sleep(MINUTE).await;
    assert_eq!(watch.generation(), Generation(0));
}

#[tokio::test(start_paused = true)]
async fn a_frozen_time_does_not_count_towards_a_time_out() {
    let (_clock, watch) = watch();
    let sleeper = tokio::spawn({
        let watch = watch.clone();
        async move {
            watch.sleep(5 * SECOND).await;
            watch.awake()
        }
    });
    sleep(SECOND).await;
    advance(MINUTE).await;
    let started = Instant::now();
    let awake = sleeper.await.unwrap();
    assert!(awake >= 5 * SECOND, "{awake:?}");
    assert!(started.elapsed() >= 3 * SECOND, "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_is_too_short_for_a_freeze_does_not_count_towards_a_time_out_either() {
    let (_clock, watch) = watch();
    let sleeper = tokio::spawn({
        let watch = watch.clone();
        async move { watch.sleep(SECOND).await }
    });
    sleep(SECOND / 5).await;
    advance(TICK + LATE - SECOND / 5).await;
    yield_now().await;
    assert_eq!(watch.generation(), Generation(0), "too short for a freeze");
    assert!(!sleeper.is_finished(), "the process can have run for half a second");
    sleep(TICK + TICK / 5).await;
    assert!(sleeper.is_finished());
}

#[tokio::test(start_paused = true)]
async fn an_output_that_was_there_before_the_time_out_is_taken() {
    let (_clock, watch) = watch();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let waiting = tokio::spawn({
        let watch = watch.clone();
        async move { watch.timeout(SECOND, receiver).await }
    });
    sleep(SECOND / 2).await;
    sender.send(()).unwrap();
    advance(MINUTE).await;
    assert!(waiting.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn connections_are_not_trusted_after_a_long_rest_and_are_after_a_short_one() {
    let (clock, watch) = watch();
    drop(watch.open());
    sleep(LONGEST_REST / 2).await;
    watch.look();
    drop(watch.open());
    assert_eq!(watch.generation(), Generation(0));

    sleep(LONGEST_REST / 2).await;
    watch.look();
    sleep(LONGEST_REST / 2 + SECOND).await;
    drop(watch.open());
    assert_eq!(watch.generation(), Generation(1), "looking is not using");

    sleep(SECOND).await;
    *clock.wall.lock().unwrap() += MINUTE;
    drop(watch.open());
    assert_eq!(watch.generation(), Generation(2));
}

#[tokio::test(start_paused = true)]
async fn a_restore_is_a_freeze_whatever_the_clocks_say() {
    let (_clock, watch) = watch();
    let generation = watch.generation();
    watch.restored();
    watch.frozen_since(generation).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_ticks_while_nothing_is_open() {
    let (_clock, watch) = watch();
    drop(watch.open());
    sleep(TICK * 2).await;
    assert!(!watch.state().is_ticking);
}

#[tokio::test(start_paused = true)]
async fn a_freeze_that_is_known_already_is_not_waited_for() {
    let (_clock, watch) = watch();
    watch.restored();
    let again = watch.frozen_since(watch.generation());
    assert!(tokio::time::timeout(SECOND, again).await.is_err());
}

#[test]
fn of_a_look_that_is_late_a_tick_counts_and_a_later_one_is_a_freeze() {
    let start = Moment { monotonic: Instant::now(), wall: SystemTime::UNIX_EPOCH };
    let after =
        |duration| Moment { monotonic: start.monotonic + duration, wall: start.wall + duration };
    let state = || State {
        last: start,
        rests_since: None,
        awake: Duration::ZERO,
        open: 1,
        is_ticking: true,
    };
    let millisecond = Duration::from_millis(1);
    for (late, counts, is_freeze) in [
        (2 * TICK, 2 * TICK, false),
        (2 * TICK + millisecond, TICK, false),
        (TICK + LATE, TICK, false),
        (TICK + LATE + millisecond, TICK, true),
    ] {
        let mut state = state();
        assert_eq!(state.advance(after(late)), is_freeze, "{late:?}");
        assert_eq!(state.awake, counts, "{late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rest_is_too_long_only_beyond_its_limit_and_while_nothing_is_open() {
    let (_clock, watch) = watch();
    drop(watch.open());
    sleep(TICK * 2).await;
    advance(LONGEST_REST - TICK * 2).await;
    drop(watch.open());
    assert_eq!(watch.generation(), Generation(0), "as long as it may be");

    let open = watch.open();
    sleep(2 * LONGEST_REST).await;
    drop(watch.open());
    assert_eq!(watch.generation(), Generation(0), "one was open all the while");
    drop(open);
    sleep(TICK * 2).await;
    advance(LONGEST_REST).await;
    drop(watch.open());
    assert_eq!(watch.generation(), Generation(1));
}

#[tokio::test(start_paused = true)]
async fn the_clocks_are_compared_until_the_last_guard_is_dropped() {
    let (_clock, watch) = watch();
    let open = watch.open();
    drop(watch.open());
    sleep(TICK * 3).await;
    assert!(watch.state().is_ticking);
    drop(open);
    sleep(TICK * 3).await;
    assert!(!watch.state().is_ticking);
}
