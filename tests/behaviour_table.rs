//! `docs/behaviour.md` says what a caller gets. Here its table is run, row by row, against the
//! state of the keys alone; in `behaviour_of_the_whole_cache.rs` against the whole cache.

use std::time::Duration;

use parameters_secrets_extension::{
    cache::{Index, KNOWN_FOR, LONGEST_PAUSE, LookupResult, Urgency},
    fetch::demand::LONGEST_FETCH,
};

use crate::support::{
    behaviour::{Case, Promise, promises},
    config::{Config, TTL, secret},
    outcome::Outcome,
    world::{Rules, World},
};

pub const HEADER: &str =
    "| upstream | entry | request | the caller gets | answered | upstream calls |";

const UPSTREAMS: [&str; 7] =
    ["healthy", "5xx", "refused", "expired credentials", "hangs", "access denied", "not found"];
const ENTRIES: [&str; 8] = [
    "none",
    "fresh",
    "ending soon",
    "revalidating",
    "stale",
    "stale, failing",
    "stale, failed long ago",
    "too old",
];
const REQUESTS: [&str; 4] = ["plain", "deadline", "refreshNow", "refreshNow + deadline"];

const SECOND: Duration = Duration::from_secs(1);
const STALE_IF_ERROR: Duration = Duration::from_secs(3_600);
pub const LATENCY: Duration = Duration::from_millis(100);
const DEADLINE: Duration = Duration::from_millis(500);
/// Timers fire on the next whole millisecond.
const TICK: Duration = Duration::from_millis(2);

pub const FAILURE: Outcome = Outcome::PassingError("ThrottlingException");

pub fn outcome(upstream: &str) -> Outcome {
    match upstream {
        "healthy" => Outcome::Value,
        "5xx" => Outcome::PassingError("InternalServiceError"),
        "refused" => Outcome::Dispatch,
        "expired credentials" => Outcome::PassingError("ExpiredTokenException"),
        "hangs" => Outcome::Hang,
        "access denied" => Outcome::Error("AccessDeniedException"),
        "not found" => Outcome::Error("ResourceNotFoundException"),
        _ => panic!("the table has no upstream {upstream}"),
    }
}

fn code(upstream: &str) -> String {
    match outcome(upstream) {
        Outcome::Error(code) | Outcome::PassingError(code) => code.to_owned(),
        Outcome::Dispatch => "DispatchFailure".to_owned(),
        _ => panic!("{upstream} has no error of its own"),
    }
}

/// Brings the key into the state that the table calls so: how long after its first value came, and
/// how long after a failure then.
pub fn ages(entry: &str) -> Option<(Duration, Option<Duration>)> {
    Some(match entry {
        "none" => return None,
        "fresh" => (SECOND, None),
        "ending soon" => (TTL - SECOND, None),
        "revalidating" | "stale" => (TTL, None),
        "stale, failing" => (TTL, Some(LONGEST_PAUSE)),
        "stale, failed long ago" => (TTL, Some(KNOWN_FOR + SECOND)),
        "too old" => (TTL + STALE_IF_ERROR, None),
        _ => panic!("the table has no entry {entry}"),
    })
}

pub fn config(entry: &str, request: &str) -> Config {
    Config {
        refresh_ahead: true,
        stale_while_revalidate: if entry == "revalidating" { SECOND } else { Duration::ZERO },
        stale_if_error: STALE_IF_ERROR,
        deadline: request.contains("deadline").then_some(DEADLINE),
        ..Config::default()
    }
}

pub fn urgency(request: &str) -> Urgency {
    if request.contains("refreshNow") { Urgency::Refresh } else { Urgency::Patient }
}

/// The outcome of a question.
pub struct Seen {
    pub result: LookupResult,
    pub took: Duration,
    pub calls_before: usize,
    pub calls: usize,
    /// Whether a call was open when the caller had its answer.
    pub is_call_open: bool,
}

/// Asks the state of the keys alone.
fn ask_the_state((condition, entry, request): Case) -> Seen {
    let config = config(entry, request);
    let deadline = config.deadline;
    let mut world = World::new(
        Index::new(config.capacity(), config.policy()),
        Rules { latency: LATENCY, permits: config.permits, deadline },
    );
    let db = secret("db");
    if let Some((age, failed_ago)) = ages(entry) {
        world.ask(&db, Urgency::Patient);
        world.advance(LATENCY + age);
        if let Some(failed_ago) = failed_ago {
            world.script.push_back(FAILURE);
            world.ask(&db, Urgency::Patient);
            world.advance(LATENCY + failed_ago);
        }
    }
    let calls_before = world.calls.len();
    world.hereafter = outcome(condition);

    let asked = world.now;
    let caller = world.ask(&db, urgency(request));
    let is_call_open = world.open_calls() == 1;
    world.advance(LONGEST_FETCH);
    let answered = world.callers[caller].answer.clone().expect("no caller waits for longer");
    Seen {
        result: answered.result,
        took: answered.at.monotonic - asked.monotonic,
        calls_before,
        calls: world.calls.len() - calls_before,
        is_call_open,
    }
}

pub fn judge(case: Case, promise: Promise, seen: Seen) {
    let (answer, answered, calls) = promise;
    let got = seen.result.map(|answer| (answer.body.reveal(), answer.stale_age.is_some()));
    let got = got.map_err(|failure| failure.code().to_owned());
    let new_value = format!("call {}", seen.calls_before + 1);
    let expected = match answer {
        "the new value" => Ok((new_value.into(), false)),
        "the kept value" => Ok(("call 1".into(), false)),
        "the old value" => Ok(("call 1".into(), true)),
        "its error" => Err(code(case.0)),
        _ => Err(answer.trim_matches('`').to_owned()),
    };
    assert_eq!(got, expected, "{case:?}");

    let took = seen.took;
    let when = match answered {
        "at once" => Duration::ZERO,
        "after the call" => LATENCY,
        "at the deadline" => DEADLINE,
        "after 30 s" => LONGEST_FETCH,
        _ => panic!("the table has no time {answered}"),
    };
    assert!((when..when + TICK).contains(&took), "{case:?}: {took:?} and not {answered}");
    assert!(answered != "at once" || took == Duration::ZERO, "{case:?}: {took:?}");

    let expected_calls = match calls {
        "0" => 0,
        "1" | "1 behind" => 1,
        _ => panic!("the table has no number of calls {calls}"),
    };
    assert_eq!(seen.calls, expected_calls, "{case:?}: upstream calls");
    assert_eq!(calls == "1 behind", seen.is_call_open && took.is_zero(), "{case:?}");
}

#[test]
fn every_combination_stands_in_the_table_once() {
    let promises = promises(HEADER);
    for upstream in UPSTREAMS {
        for entry in ENTRIES {
            for request in REQUESTS {
                let case = (upstream, entry, request);
                assert!(promises.contains_key(&case), "{case:?} is not in the table");
            }
        }
    }
    assert_eq!(promises.len(), UPSTREAMS.len() * ENTRIES.len() * REQUESTS.len());
}

#[test]
fn every_row_is_what_the_state_of_a_key_says() {
    for (case, promise) in promises(HEADER) {
        judge(case, promise, ask_the_state(case));
    }
}
