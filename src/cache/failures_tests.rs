use std::{sync::Arc, time::SystemTime};

use tokio::time::Instant;

use super::*;
use crate::fetch::error::FetchError;

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

#[expect(clippy::disallowed_methods, reason = "any moment will do")]
fn start() -> Moment {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    Moment { monotonic: Instant::now(), wall }
}

fn after(moment: Moment, duration: Duration) -> Moment {
    Moment { monotonic: moment.monotonic + duration, wall: moment.wall + duration }
}

fn failure(at: Moment) -> Failure {
    Failure { error: Arc::new(FetchError::Panicked), at }
}

#[test]
fn each_pause_is_twice_the_one_before_up_to_the_longest() {
    let now = start();
    let mut setbacks = None;
    for seconds in [1, 2, 4, 8, 16, 20, 20] {
        let failed = Setbacks::with_failure(setbacks, failure(now));
        let pause = SECOND * seconds;
        assert!(!failed.may_try_again(after(now, pause - MILLISECOND)), "{pause:?}");
        assert!(failed.may_try_again(after(now, pause)), "{pause:?}");
        setbacks = Some(failed);
    }
}

#[test]
fn a_wall_clock_that_went_back_ends_a_pause() {
    let now = start();
    let setbacks = Setbacks::one_more(None, now);
    assert!(setbacks.may_try_again(Moment { wall: now.wall - SECOND, ..now }));
}

#[test]
fn an_outage_is_worth_one_warning_however_long_it_lasts() {
    let now = start();
    let mut setbacks = Setbacks::one_more(None, now);
    assert!(setbacks.take_warning().is_none(), "a failure of our own is no outage");

    let mut setbacks = Setbacks::with_failure(Some(setbacks), failure(now));
    assert!(setbacks.take_warning().is_some());
    assert!(setbacks.take_warning().is_none());
    let mut setbacks = Setbacks::with_failure(Some(setbacks), failure(after(now, SECOND)));
    assert!(setbacks.take_warning().is_none());
}

#[test]
fn a_failure_is_known_for_a_while_and_one_of_our_own_is_not() {
    let now = start();
    assert!(!Setbacks::one_more(None, now).is_known_to_fail(now));
    let setbacks = Setbacks::with_failure(None, failure(now));
    assert!(setbacks.is_known_to_fail(after(now, KNOWN_FOR)));
    assert!(!setbacks.is_known_to_fail(after(now, KNOWN_FOR + MILLISECOND)));
}

#[test]
fn a_failure_is_remembered_until_its_time_is_over() {
    let now = start();
    let remembered = |age| failure(now).is_remembered(after(now, age), SECOND);
    assert!(remembered(SECOND - MILLISECOND));
    assert!(!remembered(SECOND));
}
