//! `docs/behaviour.md` says what a caller gets while calls are scarce, over a freeze, and beside
//! other work. Here its second table is run, row by row.

use std::time::Duration;

use parameters_secrets_extension::{
    cache::{LookupResult, Urgency},
    fetch::{demand::LONGEST_FETCH, upstream::Upstreams},
    key::CacheKey,
};
use tokio::{
    task::spawn_local,
    time::{Instant, advance, pause, sleep},
};

use crate::support::{
    behaviour::{Case, Promise, promises},
    cache::{Config, TTL, TestCache, secret, settle},
    upstream::{FakeUpstream, Outcome},
};

const HEADER: &str =
    "| while the caller waits | entry | request | the caller gets | answered | upstream calls |";

const SITUATIONS: [&str; 4] =
    ["throttled twice", "throttled for good", "frozen", "sixty refreshes queue"];
const ENTRIES: [&str; 5] = ["none", "fresh", "ending soon", "stale", "too old"];
const REQUESTS: [&str; 3] = ["plain", "deadline", "refreshNow"];

const SECOND: Duration = Duration::from_secs(1);
const STALE_IF_ERROR: Duration = Duration::from_secs(3_600);
const FREEZE: Duration = Duration::from_secs(600);
const LATENCY: Duration = Duration::from_millis(100);
const DEADLINE: Duration = Duration::from_millis(500);
/// Timers fire on the next whole millisecond.
const TICK: Duration = Duration::from_millis(2);
/// How long before the question the sixty other keys get their values: in the last fifth of their
/// TTL.
const OTHERS_AGE: Duration = Duration::from_secs(270);

/// How old the entry is when the caller asks.
fn age(entry: &str) -> Option<Duration> {
    Some(match entry {
        "none" => return None,
        "fresh" => SECOND,
        "ending soon" => TTL - SECOND,
        "stale" => TTL,
        "too old" => TTL + STALE_IF_ERROR,
        _ => panic!("the table has no entry {entry}"),
    })
}

struct Seen {
    result: LookupResult,
    took: Duration,
    calls: usize,
    new_value: String,
}

async fn ask((situation, entry, request): Case) -> Seen {
    let upstream = FakeUpstream::new().taking(LATENCY);
    let config = Config {
        refresh_ahead: true,
        stale_if_error: STALE_IF_ERROR,
        deadline: (request == "deadline").then_some(DEADLINE),
        ..Config::default()
    };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    let others = if situation == "sixty refreshes queue" { 60 } else { 0 };
    let others: Vec<_> = (0..others).map(|number| secret(&format!("other {number}"))).collect();
    bring_into_state(&test, entry, &others).await;

    match situation {
        "throttled twice" => (0..2).for_each(|_| upstream.then(Outcome::Throttled)),
        "throttled for good" => upstream.hereafter(Outcome::Throttled),
        "frozen" => upstream.then(Outcome::Hang),
        _ => {}
    }
    for other in &others {
        test.get(other).await.unwrap();
    }
    let db = secret("db");
    let calls = || upstream.called_keys().iter().filter(|key| **key == db).count();
    let (calls_before, all_before) = (calls(), upstream.calls());

    let urgency = if request == "refreshNow" { Urgency::Refresh } else { Urgency::Patient };
    let caller = {
        let (cache, upstream, db) = (test.cache.clone(), upstream.clone(), db.clone());
        spawn_local(async move {
            let result = cache.look_up(db, urgency).await;
            (result, Instant::now(), upstream.called_keys())
        })
    };
    let asked = Instant::now();
    if situation == "frozen" {
        settle().await;
        test.clock.freeze(FREEZE);
        test.cache.invoked();
    }
    let (result, answered_at, called) = caller.await.unwrap();
    let took = answered_at - asked;
    let of_db: Vec<_> = (1..).zip(called).filter(|(_, key)| *key == db).collect();
    let calls = of_db.len() - calls_before;
    let last = of_db.last().map_or(all_before, |(number, _)| *number);
    Seen { result, took, calls, new_value: format!("call {last}") }
}

/// Gives the key an entry of that name, and each of the others one that ends soon.
async fn bring_into_state(test: &TestCache, entry: &str, others: &[CacheKey]) {
    let age = age(entry);
    let is_the_oldest = age.is_some_and(|age| age > OTHERS_AGE);
    if is_the_oldest {
        test.get(&secret("db")).await.unwrap();
    }
    let began = Instant::now();
    if is_the_oldest {
        advance(age.unwrap_or_default() - OTHERS_AGE).await;
    }
    others.iter().for_each(|key| drop(test.caller(key)));
    // Longer than all their calls take; a caller's deadline may be shorter.
    sleep(3 * SECOND).await;
    match age {
        Some(age) if is_the_oldest => advance(age - began.elapsed()).await,
        Some(age) => {
            advance(OTHERS_AGE - age).await;
            test.get(&secret("db")).await.unwrap();
            advance(age).await;
        }
        None => advance(OTHERS_AGE).await,
    }
}

fn judge(case: Case, promise: Promise, seen: Seen) {
    let (answer, answered, calls) = promise;
    let got = seen.result.map(|answer| (answer.body.reveal(), answer.stale_age.is_some()));
    let got = got.map_err(|failure| failure.code().to_owned());
    match answer {
        "the new value" => assert_eq!(got, Ok((seen.new_value.into(), false)), "{case:?}"),
        "the kept value" => assert!(matches!(got, Ok((_, false))), "{case:?}: {got:?}"),
        "the old value" => assert!(matches!(got, Ok((_, true))), "{case:?}: {got:?}"),
        _ => assert_eq!(got, Err(answer.trim_matches('`').to_owned()), "{case:?}"),
    }

    let exactly = |duration: Duration| duration..duration + TICK;
    let when = match answered {
        "at once" => exactly(Duration::ZERO),
        "after the call" => exactly(LATENCY),
        // Two pauses of 0.2 and 0.4 s, each between half and one and a half of that by chance.
        "after the pauses" => LATENCY * 3 + SECOND * 3 / 10..LATENCY * 3 + SECOND * 9 / 10 + TICK,
        "after the thaw" => LATENCY..LATENCY + Duration::from_millis(50) + TICK * 2,
        "at the deadline" => exactly(DEADLINE),
        "after 30 s" => exactly(LONGEST_FETCH),
        _ => panic!("the table has no time {answered}"),
    };
    assert!(when.contains(&seen.took), "{case:?}: {:?} and not {answered}", seen.took);

    match calls {
        "several" => assert!(seen.calls >= 2, "{case:?}: {} upstream calls", seen.calls),
        calls => assert_eq!(seen.calls.to_string(), calls, "{case:?}: upstream calls"),
    }
}

#[test]
fn every_combination_stands_in_the_pools_table_once() {
    let promises = promises(HEADER);
    for situation in SITUATIONS {
        for entry in ENTRIES {
            for request in REQUESTS {
                let case = (situation, entry, request);
                assert!(promises.contains_key(&case), "{case:?} is not in the table");
            }
        }
    }
    assert_eq!(promises.len(), SITUATIONS.len() * ENTRIES.len() * REQUESTS.len());
}

#[actix_rt::test]
async fn every_row_of_the_pools_table_is_what_a_caller_gets() {
    pause();
    for (case, promise) in promises(HEADER) {
        judge(case, promise, ask(case).await);
    }
}
