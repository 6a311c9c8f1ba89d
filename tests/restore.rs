//! What a restore leaves behind: SnapStart's, and the one after an actor of the cache has died.

use std::{rc::Rc, time::Duration};

use futures_util::{FutureExt, future::join_all};
use tokio::time::pause;

use crate::support::{
    cache::{Caller, TestCache, parameter, pass, secret, settle},
    upstream::{FakeUpstream, Outcome},
};

const LATENCY: Duration = Duration::from_millis(100);
/// What a timer may be late by.
const GRAIN: Duration = Duration::from_millis(2);
const HOUR: Duration = Duration::from_secs(3_600);

/// So many callers, each with a key of its own.
fn callers(test: &TestCache, prefix: &str, count: usize) -> Vec<Caller> {
    (0..count).map(|n| test.caller(&secret(&format!("{prefix}-{n}")))).collect()
}

async fn all_are_answered(callers: Vec<Caller>) -> bool {
    join_all(callers).await.into_iter().all(|answer| answer.unwrap().is_ok())
}

#[actix_rt::test]
async fn what_was_kept_before_is_neither_served_nor_held_after() {
    let test = TestCache::new(&FakeUpstream::new());
    // Every actor holds the counters.
    let actors = || Rc::strong_count(&test.stats);
    let at_first = actors();
    test.get(&secret("db")).await.unwrap();

    test.cache.start_over();
    assert_eq!(actors(), at_first + 1);
    settle().await;

    assert_eq!(actors(), at_first, "what no caller can get is only a secret in memory");
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_call_from_before_does_not_answer_a_caller_that_asks_after() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    let before = test.caller(&secret("db"));
    settle().await;

    test.cache.start_over();
    let after = test.caller(&secret("db"));

    assert_eq!(before.await.unwrap(), Ok("call 3".to_owned()), "its call is made again");
    assert_eq!(after.await.unwrap(), Ok("call 2".to_owned()));
    settle().await;
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_question_that_is_still_on_its_way_is_answered() {
    let test = TestCache::new(&FakeUpstream::new());
    let key = secret("db");
    let mut question = Box::pin(test.get(&key));
    assert_eq!((&mut question).now_or_never(), None);

    test.cache.start_over();

    assert_eq!(question.await, Ok("call 1".to_owned()));
}

#[actix_rt::test]
async fn a_caller_that_has_waited_since_before_gets_a_value_from_after() {
    pause();
    let upstream = FakeUpstream::new();
    upstream.then(Outcome::Hang);
    let test = TestCache::new(&upstream);
    let before = test.caller(&secret("db"));
    settle().await;

    test.clock.freeze(HOUR);
    test.cache.start_over();
    test.cache.invoked();

    assert_eq!(before.await.unwrap(), Ok("call 2".to_owned()));
    assert_eq!(upstream.in_flight(), 0);
}

#[actix_rt::test]
async fn calls_from_before_and_after_share_the_permits() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    let before = callers(&test, "before", 5);
    settle().await;

    test.cache.start_over();
    let after = callers(&test, "after", 5);

    assert!(all_are_answered(before).await);
    assert!(all_are_answered(after).await);
    assert_eq!((upstream.calls(), upstream.peak()), (13, 3), "three are made again");
}

#[actix_rt::test]
async fn calls_that_died_with_the_snapshot_hold_no_permit_back() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    (0..3).for_each(|_| upstream.then(Outcome::Hang));
    let test = TestCache::new(&upstream);
    let before = callers(&test, "before", 3);
    settle().await;

    test.clock.freeze(HOUR);
    test.cache.start_over();
    test.cache.invoked();
    let after = callers(&test, "after", 3);
    settle().await;
    pass(LATENCY + GRAIN).await;
    pass(LATENCY + GRAIN).await;
    pass(LATENCY + GRAIN).await;

    assert!(before.iter().chain(&after).all(|caller| caller.is_finished()));
    assert_eq!((upstream.calls(), upstream.peak(), upstream.in_flight()), (9, 3, 0));
}

#[actix_rt::test]
async fn a_keys_actor_that_dies_costs_its_callers_a_second_question_and_other_keys_nothing() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    let before = callers(&test, "before", 3);
    settle().await;

    // The caller reads it three times first, for the time-out of its wait.
    test.clock.panics_at(4, 0);
    let asked_twice = test.caller(&parameter("/app/db"));
    settle().await;
    let after = callers(&test, "after", 3);
    settle().await;

    assert!(all_are_answered(before).await);
    assert!(all_are_answered(after).await);
    assert!(asked_twice.await.unwrap().is_ok());
    assert_eq!((upstream.calls(), upstream.peak()), (7, 4), "3 of secrets, 1 of parameters");
}
