//! What a freeze of the environment leaves behind.

use std::time::Duration;

use tokio::time::{advance, pause};

use crate::support::{
    cache::{TestCache, secret, settle},
    upstream::{FakeUpstream, Outcome},
};

const MINUTES: Duration = Duration::from_secs(600);

#[actix_rt::test]
async fn a_call_left_open_by_a_freeze_is_asked_again_and_its_callers_are_answered() {
    pause();
    let upstream = FakeUpstream::new();
    upstream.then(Outcome::Hang);
    let test = TestCache::new(&upstream);
    let caller = test.caller(&secret("db"));
    settle().await;

    test.clock.freeze(MINUTES);
    test.cache.invoked();

    assert_eq!(caller.await.unwrap(), Ok("call 2".to_owned()));
    assert_eq!(upstream.in_flight(), 0);
}

#[actix_rt::test]
async fn a_call_that_began_just_before_an_invocation_goes_on() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_millis(100));
    let test = TestCache::new(&upstream);
    let caller = test.caller(&secret("db"));
    settle().await;

    advance(Duration::from_millis(50)).await;
    test.cache.invoked();

    assert_eq!(caller.await.unwrap(), Ok("call 1".to_owned()));
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn a_call_asked_again_still_ends_at_its_time_out() {
    pause();
    let upstream = FakeUpstream::new().always(Outcome::Hang);
    let test = TestCache::new(&upstream);
    let caller = test.caller(&secret("db"));
    settle().await;

    test.clock.freeze(MINUTES);
    test.cache.invoked();

    assert_eq!(caller.await.unwrap(), Err("RequestTimeout".to_owned()));
    assert_eq!((upstream.calls(), upstream.in_flight()), (2, 0));
}
