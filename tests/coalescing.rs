//! Callers that ask for one key at the same moment cost one upstream call.

use std::time::Duration;

use futures_util::future::join_all;
use parameters_secrets_extension::{
    cache::{Event, Index, Urgency},
    fetch::{demand::LONGEST_FETCH, upstream::Upstreams},
};
use tokio::time::{Instant, advance, pause};

use crate::support::{
    cache::{Caller, Config, TTL, TestCache, secret, settle},
    upstream::{FakeUpstream, Outcome},
    world::{Rules, World},
};

const LATENCY: Duration = Duration::from_millis(100);

async fn answers(callers: Vec<Caller>) -> Vec<Result<String, String>> {
    join_all(callers).await.into_iter().map(Result::unwrap).collect()
}

#[actix_rt::test]
async fn a_thousand_callers_of_one_cold_key_cost_one_call_and_get_a_thousand_answers() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    let callers = (0..1_000).map(|_| test.caller(&secret("db"))).collect();

    let answers = answers(callers).await;

    assert_eq!(answers, vec![Ok("call 1".to_owned()); 1_000]);
    assert_eq!(upstream.calls(), 1);
    assert_eq!(test.stats.snapshot().coalesced, 999);
}

#[actix_rt::test]
async fn a_failing_upstream_is_called_once_and_all_thousand_get_its_error() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY).always(Outcome::Error("AccessDenied"));
    let test = TestCache::new(&upstream);
    let callers = (0..1_000).map(|_| test.caller(&secret("db"))).collect();

    let answers = answers(callers).await;

    assert_eq!(answers, vec![Err("AccessDenied".to_owned()); 1_000]);
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn a_hanging_upstream_is_called_once_and_all_thousand_learn_of_the_time_out() {
    pause();
    let upstream = FakeUpstream::new().always(Outcome::Hang);
    let test = TestCache::new(&upstream);
    let started = Instant::now();
    let callers = (0..1_000).map(|_| test.caller(&secret("db"))).collect();

    let answers = answers(callers).await;

    assert_eq!(answers, vec![Err("RequestTimeout".to_owned()); 1_000]);
    assert_eq!(upstream.calls(), 1);
    assert_eq!(upstream.in_flight(), 0);
    assert!(started.elapsed() < LONGEST_FETCH + Duration::from_millis(10));
}

#[actix_rt::test]
async fn a_panic_in_our_code_answers_all_thousand_and_the_key_works_afterwards() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    upstream.then(Outcome::Panic);
    let test = TestCache::new(&upstream);
    let callers = (0..1_000).map(|_| test.caller(&secret("db"))).collect();

    let answers = answers(callers).await;

    assert_eq!(answers, vec![Err("InternalFailure".to_owned()); 1_000]);
    assert_eq!(upstream.calls(), 1);
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[test]
fn callers_that_hang_up_are_forgotten_before_they_outnumber_those_that_wait() {
    let config = Config::default();
    let rules = Rules { latency: LATENCY, permits: config.permits, deadline: None };
    let mut world = World::new(Index::new(config.capacity(), config.policy()), rules);
    world.hereafter = Outcome::Hang;
    let patient: Vec<_> = (0..100).map(|_| world.ask(&secret("db"), Urgency::Patient)).collect();
    for number in 0..10_000 {
        let urgency = if number % 2 == 0 { Urgency::Patient } else { Urgency::Refresh };
        let caller = world.ask(&secret("db"), urgency);
        world.hang_up(caller);
    }

    let waiting = world.events.iter().filter_map(|(_, event)| match event {
        Event::Joined { waiting } | Event::TooLateToJoin { waiting } => Some(*waiting),
        _ => None,
    });
    assert!(waiting.max() <= Some(256));
    world.advance(LONGEST_FETCH);
    assert!(patient.into_iter().all(|number| world.callers[number].answer.is_some()));
}

#[actix_rt::test]
async fn callers_at_expiry_share_one_call() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    test.get(&secret("db")).await.unwrap();
    advance(TTL).await;

    let answers = answers((0..500).map(|_| test.caller(&secret("db"))).collect()).await;

    assert_eq!(answers, vec![Ok("call 2".to_owned()); 500]);
    assert_eq!(upstream.calls(), 2);
}

#[actix_rt::test]
async fn a_hundred_refreshes_at_once_are_at_most_two_calls() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    test.get(&secret("db")).await.unwrap();

    let answers = answers((0..100).map(|_| test.refresher(&secret("db"))).collect()).await;

    assert!(answers.iter().all(|answer| *answer != Ok("call 1".to_owned())), "{answers:?}");
    assert!(upstream.calls() <= 3, "{}", upstream.calls());
}

#[actix_rt::test]
async fn a_refresh_joins_a_fetch_whose_call_has_not_left_yet() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let config = Config { permits: 1, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    let ahead = test.caller(&secret("other"));
    settle().await;
    let reader = test.caller(&secret("db"));
    settle().await;
    advance(LATENCY / 2).await;
    let refresher = test.refresher(&secret("db"));

    assert_eq!(ahead.await.unwrap(), Ok("call 1".to_owned()));
    assert_eq!(reader.await.unwrap(), Ok("call 2".to_owned()));
    assert_eq!(refresher.await.unwrap(), Ok("call 2".to_owned()));
    assert_eq!(upstream.calls(), 2);
}

#[actix_rt::test]
async fn a_refresh_never_gets_the_value_of_a_fetch_that_began_before_it() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    let reader = test.caller(&secret("db"));
    settle().await;
    advance(LATENCY / 2).await;
    let refreshers = vec![test.refresher(&secret("db")), test.refresher(&secret("db"))];

    assert_eq!(answers(refreshers).await, vec![Ok("call 2".to_owned()); 2]);
    assert_eq!(reader.await.unwrap(), Ok("call 1".to_owned()));
    assert_eq!(upstream.calls(), 2);
    assert!(!upstream.ever_twice_in_flight());
}

#[actix_rt::test]
async fn a_refresh_never_joins_another_ones_call_that_has_left_before_it() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    let first = test.refresher(&secret("db"));
    settle().await;
    // Nothing but the first call can have passed here: a `PutSecretValue` of the second one's, say.
    let second = test.refresher(&secret("db"));

    assert_eq!(first.await.unwrap(), Ok("call 1".to_owned()));
    assert_eq!(second.await.unwrap(), Ok("call 2".to_owned()));
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_refresh_updates_the_entry_for_all_callers() {
    pause();
    let upstream = FakeUpstream::new();
    let test = TestCache::new(&upstream);
    test.get(&secret("db")).await.unwrap();
    test.refresh(&secret("db")).await.unwrap();

    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
    assert_eq!(upstream.calls(), 2);
}

#[actix_rt::test]
async fn a_first_caller_that_hangs_up_does_not_cancel_the_fetch_for_the_others() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    let first = test.caller(&secret("db"));
    settle().await;
    let others = (0..10).map(|_| test.caller(&secret("db"))).collect();
    settle().await;
    first.abort();

    assert_eq!(answers(others).await, vec![Ok("call 1".to_owned()); 10]);
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn an_answer_that_no_caller_waited_for_any_more_is_kept_all_the_same() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::new(&upstream);
    let only = test.caller(&secret("db"));
    settle().await;
    only.abort();
    advance(LATENCY).await;
    settle().await;

    assert_eq!(test.get(&secret("db")).await, Ok("call 1".to_owned()));
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn an_error_is_not_kept() {
    pause();
    let upstream = FakeUpstream::new();
    upstream.then(Outcome::Error("InternalServiceError"));
    let test = TestCache::new(&upstream);

    assert_eq!(test.get(&secret("db")).await, Err("InternalServiceError".to_owned()));
    assert_eq!(test.get(&secret("db")).await, Ok("call 2".to_owned()));
}
