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
