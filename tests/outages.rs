//! While fetches fail for a reason that passes, an old value is better than none.

use std::time::Duration;

use futures_util::future::join_all;
use parameters_secrets_extension::{
    cache::{FIRST_PAUSE, KNOWN_FOR, LONGEST_PAUSE},
    fetch::{demand::LONGEST_FETCH, upstream::Upstreams},
};
use tokio::time::{Instant, advance, pause};

use crate::support::{
    cache::{Config, TTL, TestCache, pass, secret, settle},
    log::CapturedLog,
    upstream::{FakeUpstream, Outcome},
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const THROTTLED: Outcome = Outcome::PassingError("ThrottlingException");
const FORBIDDEN: Outcome = Outcome::Error("AccessDeniedException");

/// As the extension is by default, apart from refreshing ahead.
fn with_stale(upstream: &FakeUpstream) -> TestCache {
    let config = Config { stale_if_error: HOUR, ..Config::default() };
    TestCache::with(config, Upstreams::of_one(upstream.clone()))
}

/// The key's first value has come, and its TTL has just passed.
async fn expired(upstream: &FakeUpstream) -> TestCache {
    let test = with_stale(upstream);
    test.get(&secret("db")).await.unwrap();
    advance(TTL).await;
    test
}

/// The same, and a fetch has failed since.
async fn in_an_outage(upstream: &FakeUpstream) -> TestCache {
    let test = expired(upstream).await;
    upstream.hereafter(THROTTLED);
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    test
}

#[actix_rt::test]
async fn each_reason_that_passes_is_answered_with_the_old_value() {
    pause();
    for reason in [
        Outcome::PassingError("ThrottlingException"),
        Outcome::PassingError("InternalServiceError"),
        Outcome::PassingError("ExpiredTokenException"),
        Outcome::Dispatch,
        Outcome::Hang,
        Outcome::Panic,
    ] {
        let upstream = FakeUpstream::new();
        let test = expired(&upstream).await;
        upstream.hereafter(reason.clone());

        assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()), "{reason:?}");
    }
}

#[actix_rt::test]
async fn what_was_deleted_or_forbidden_is_never_answered_stale_not_even_in_a_later_outage() {
    pause();
    for code in [
        "AccessDeniedException",
        "ResourceNotFoundException",
        "ParameterNotFound",
        "InvalidRequestException",
    ] {
        let upstream = FakeUpstream::new();
        let test = expired(&upstream).await;
        upstream.hereafter(Outcome::Error(code));
        assert_eq!(test.get(&secret("db")).await, Err(code.to_owned()));

        upstream.hereafter(THROTTLED);
        let later = test.get(&secret("db")).await;
        assert_eq!(later, Err("ThrottlingException".to_owned()), "{code}");
    }
}

#[actix_rt::test]
async fn a_background_attempt_that_learns_of_a_refusal_ends_the_old_value() {
    pause();
    let upstream = FakeUpstream::new();
    let test = in_an_outage(&upstream).await;
    upstream.hereafter(FORBIDDEN);
    pass(LONGEST_PAUSE).await;
    test.get(&secret("db")).await.unwrap();
    settle().await;

    assert_eq!(test.get(&secret("db")).await, Err("AccessDeniedException".to_owned()));
    upstream.hereafter(THROTTLED);
    assert_eq!(test.get(&secret("db")).await, Err("ThrottlingException".to_owned()));
}

#[actix_rt::test]
async fn a_refresh_that_learns_of_a_refusal_ends_even_a_fresh_value() {
    pause();
    let upstream = FakeUpstream::new();
    let test = with_stale(&upstream);
    test.get(&secret("db")).await.unwrap();
    upstream.hereafter(FORBIDDEN);

    assert_eq!(test.refresh(&secret("db")).await, Err("AccessDeniedException".to_owned()));
    assert_eq!(test.get(&secret("db")).await, Err("AccessDeniedException".to_owned()));
}

#[actix_rt::test]
async fn no_caller_waits_once_the_key_is_known_to_be_failing() {
    pause();
    let upstream = FakeUpstream::new();
    let test = expired(&upstream).await;
    upstream.hereafter(Outcome::Hang);
    let started = Instant::now();
    let first = join_all((0..64).map(|_| test.caller(&secret("db")))).await;
    assert!(first.into_iter().all(|answer| answer.unwrap() == Ok("call 1".to_owned())));
    assert!(started.elapsed() < LONGEST_FETCH + SECOND, "the first ones find it out");

    for _ in 0..600 {
        advance(SECOND).await;
        let asked = Instant::now();
        let answers = join_all((0..64).map(|_| test.caller(&secret("db")))).await;
        assert!(answers.into_iter().all(|answer| answer.unwrap() == Ok("call 1".to_owned())));
        assert_eq!(asked.elapsed(), Duration::ZERO);
    }
    assert!(!upstream.ever_twice_in_flight());
}

#[actix_rt::test]
async fn one_background_attempt_at_a_time_follows_another_after_growing_pauses() {
    pause();
    let upstream = FakeUpstream::new();
    let test = in_an_outage(&upstream).await;
    for _ in 0..1_000 {
        advance(SECOND / 4).await;
        test.get(&secret("db")).await.unwrap();
        settle().await;
    }

    let attempts = upstream.called_at()[1..].to_vec();
    let pauses: Vec<_> = attempts.windows(2).map(|two| two[1] - two[0]).collect();
    let mut expected = FIRST_PAUSE;
    for pause in pauses {
        assert!((expected..expected + SECOND / 2).contains(&pause), "{pause:?}, not {expected:?}");
        expected = (expected * 2).min(LONGEST_PAUSE);
    }
    assert_eq!(expected, LONGEST_PAUSE);
    assert!(!upstream.ever_twice_in_flight());
}

#[actix_rt::test]
async fn a_key_that_is_not_asked_for_is_not_fetched_in_an_outage() {
    pause();
    let upstream = FakeUpstream::new();
    let _test = in_an_outage(&upstream).await;

    pass(TTL).await;
    assert_eq!(upstream.calls(), 2);
}

#[actix_rt::test]
async fn the_time_for_which_an_old_value_is_given_counts_from_the_end_of_its_ttl() {
    pause();
    let upstream = FakeUpstream::new();
    let test = in_an_outage(&upstream).await;

    advance(HOUR - SECOND).await;
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    advance(SECOND).await;
    assert_eq!(test.get(&secret("db")).await, Err("ThrottlingException".to_owned()));
}

#[actix_rt::test]
async fn zero_seconds_of_it_switch_it_off() {
    pause();
    let upstream = FakeUpstream::new();
    let test = TestCache::new(&upstream);
    test.get(&secret("db")).await.unwrap();
    advance(TTL).await;
    upstream.hereafter(THROTTLED);

    assert_eq!(test.get(&secret("db")).await, Err("ThrottlingException".to_owned()));
}

#[actix_rt::test]
async fn an_old_value_tells_its_age_and_a_fresh_one_does_not() {
    pause();
    let upstream = FakeUpstream::new();
    let test = with_stale(&upstream);
    assert_eq!(test.get_with_age(&secret("db")).await, Ok(("call 1".to_owned(), None)));
    upstream.hereafter(THROTTLED);

    advance(TTL + 7 * SECOND).await;
    let age = Some(TTL + 7 * SECOND);
    assert_eq!(test.get_with_age(&secret("db")).await, Ok(("call 1".to_owned(), age)));
}

#[actix_rt::test]
async fn one_warning_per_key_and_outage_tells_the_age() {
    pause();
    let log = CapturedLog::start();
    let upstream = FakeUpstream::new();
    let test = with_stale(&upstream);
    for outage in 1..=2 {
        upstream.hereafter(Outcome::Value);
        for key in ["db", "queue"] {
            test.refresh(&secret(key)).await.unwrap();
        }
        advance(TTL).await;
        upstream.hereafter(THROTTLED);
        for _ in 0..600 {
            advance(SECOND).await;
            for key in ["db", "queue"] {
                test.get(&secret(key)).await.unwrap();
            }
        }
        assert_eq!(log.lines("WARN").len(), 2 * outage, "{:?}", log.lines("WARN"));
    }

    let warnings = log.lines("WARN");
    assert!(warnings[0].contains("key=/secretsmanager/get?secretId=db"), "{warnings:?}");
    assert!(warnings[1].contains("key=/secretsmanager/get?secretId=queue"), "{warnings:?}");
    assert!(warnings[0].contains("age_s=301"), "{warnings:?}");
    assert!(warnings[0].contains("ThrottlingException"), "{warnings:?}");
}

#[actix_rt::test]
async fn after_an_outage_a_steady_reader_has_the_new_value_within_the_longest_pause() {
    pause();
    let upstream = FakeUpstream::new();
    let test = in_an_outage(&upstream).await;
    for _ in 0..300 {
        advance(SECOND).await;
        test.get(&secret("db")).await.unwrap();
    }
    upstream.hereafter(Outcome::Value);

    let over_at = Instant::now();
    while test.get_with_age(&secret("db")).await.unwrap().1.is_some() {
        advance(SECOND).await;
    }
    assert!(over_at.elapsed() <= LONGEST_PAUSE + SECOND);
    let (_, age) = test.get_with_age(&secret("db")).await.unwrap();
    assert_eq!(age, None);
}

#[actix_rt::test]
async fn a_refresh_is_never_answered_stale_and_ends_the_outage_when_it_succeeds() {
    pause();
    let upstream = FakeUpstream::new().taking(SECOND);
    let test = in_an_outage(&upstream).await;

    assert_eq!(test.refresh(&secret("db")).await, Err("ThrottlingException".to_owned()));
    upstream.hereafter(Outcome::Value);
    let new = test.refresh(&secret("db")).await.unwrap();
    assert_ne!(new, "call 1");
    assert_eq!(test.get_with_age(&secret("db")).await, Ok((new, None)));
}

#[actix_rt::test]
async fn of_two_waiters_for_a_failing_fetch_only_the_one_without_refresh_gets_the_old_value() {
    pause();
    let upstream = FakeUpstream::new().taking(SECOND);
    let test = expired(&upstream).await;
    upstream.hereafter(THROTTLED);
    let refresher = test.refresher(&secret("db"));
    settle().await;
    let reader = test.caller(&secret("db"));

    assert_eq!(refresher.await.unwrap(), Err("ThrottlingException".to_owned()));
    assert_eq!(reader.await.unwrap(), Ok("call 1".to_owned()));
    assert_eq!(upstream.calls(), 2);
}

#[actix_rt::test]
async fn after_a_freeze_no_failure_from_before_it_is_known_any_more() {
    pause();
    let upstream = FakeUpstream::new().taking(SECOND);
    let test = in_an_outage(&upstream).await;
    upstream.hereafter(Outcome::Value);

    test.clock.freeze(KNOWN_FOR + SECOND);
    assert_eq!(test.get_with_age(&secret("db")).await, Ok(("call 3".to_owned(), None)));
}

#[actix_rt::test]
async fn a_freeze_in_the_middle_of_an_attempt_makes_the_next_caller_wait_for_it() {
    pause();
    let upstream = FakeUpstream::new();
    let test = in_an_outage(&upstream).await;
    upstream.hereafter(Outcome::Value);
    let _ = upstream.clone().taking(SECOND);
    advance(FIRST_PAUSE).await;
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    settle().await;
    assert_eq!(upstream.in_flight(), 1);

    test.clock.freeze(KNOWN_FOR + SECOND);
    // The third call was cut off by the freeze, and is made again.
    assert_eq!(test.get(&secret("db")).await, Ok("call 4".to_owned()));
}

#[actix_rt::test]
async fn a_failure_that_no_attempt_has_followed_for_long_is_not_known_any_more() {
    pause();
    for (now, then) in [
        (Outcome::Value, Ok("call 3".to_owned())),
        (FORBIDDEN, Err("AccessDeniedException".to_owned())),
        (THROTTLED, Ok("call 1".to_owned())),
    ] {
        let upstream = FakeUpstream::new().taking(SECOND);
        let test = in_an_outage(&upstream).await;
        upstream.hereafter(now);
        advance(KNOWN_FOR + SECOND).await;

        let asked = Instant::now();
        assert_eq!(test.get(&secret("db")).await, then);
        assert!(asked.elapsed() >= SECOND, "it waits for the attempt");
        assert_eq!(upstream.calls(), 3);
    }
}

#[actix_rt::test]
async fn a_caller_waits_for_that_attempt_no_longer_than_its_deadline() {
    pause();
    let upstream = FakeUpstream::new();
    let config = Config { stale_if_error: HOUR, deadline: Some(SECOND), ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    test.get(&secret("db")).await.unwrap();
    advance(TTL).await;
    upstream.hereafter(THROTTLED);
    test.get(&secret("db")).await.unwrap();
    upstream.hereafter(Outcome::Hang);
    advance(KNOWN_FOR + SECOND).await;

    let asked = Instant::now();
    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    assert!((SECOND..SECOND * 2).contains(&asked.elapsed()), "{:?}", asked.elapsed());
}

#[actix_rt::test]
async fn a_failure_of_our_own_is_no_outage() {
    pause();
    let upstream = FakeUpstream::new().taking(SECOND);
    let test = expired(&upstream).await;
    upstream.then(Outcome::Panic);
    let log = CapturedLog::start();

    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    assert_eq!(test.get_with_age(&secret("db")).await, Ok(("call 3".to_owned(), None)));
    assert_eq!(log.lines("WARN").len(), 0);
    assert_eq!(log.lines("ERROR").len(), 1, "a caller waited");
}

#[actix_rt::test]
async fn a_failure_of_our_own_that_met_no_caller_is_no_error() {
    pause();
    let upstream = FakeUpstream::new();
    let config = Config { refresh_ahead: true, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    test.get(&secret("db")).await.unwrap();
    upstream.then(Outcome::Panic);
    let log = CapturedLog::start();
    advance(TTL * 9 / 10).await;

    for _ in 0..10 {
        test.get(&secret("db")).await.unwrap();
        settle().await;
    }
    assert_eq!(upstream.calls(), 2, "there is a pause before the next attempt");
    assert_eq!(log.lines("ERROR").len(), 0);
    advance(FIRST_PAUSE).await;
    test.get(&secret("db")).await.unwrap();
    settle().await;
    assert_eq!(test.get(&secret("db")).await, Ok("call 3".to_owned()));
}

#[actix_rt::test]
async fn a_freeze_until_the_value_is_too_old_ends_it_even_in_the_middle_of_an_attempt() {
    pause();
    let upstream = FakeUpstream::new();
    let test = in_an_outage(&upstream).await;
    upstream.hereafter(Outcome::Hang);
    advance(FIRST_PAUSE).await;
    test.get(&secret("db")).await.unwrap();
    settle().await;
    assert_eq!(upstream.in_flight(), 1);

    test.clock.freeze(HOUR);
    upstream.hereafter(Outcome::Value);
    assert_eq!(test.get(&secret("db")).await, Ok("call 5".to_owned()));
}

#[actix_rt::test]
async fn a_value_whose_age_is_unknown_because_the_wall_clock_went_back_is_not_given() {
    pause();
    let upstream = FakeUpstream::new();
    let test = in_an_outage(&upstream).await;

    test.clock.step_back(2 * TTL);
    assert_eq!(test.get(&secret("db")).await, Err("ThrottlingException".to_owned()));
}
