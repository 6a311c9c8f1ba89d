use std::sync::Arc;

use super::*;
use crate::{fetch::error::FetchError, key::SecretKey};

const SECOND: Duration = Duration::from_secs(1);

/// An event, and what it counts.
type Case = (Event, fn(&Stats));

fn failure() -> SharedFetchError {
    Arc::new(FetchError::Panicked)
}

#[test]
fn each_event_counts_what_it_says_and_no_more() {
    let cases: Vec<Case> = vec![
        (Event::Hit { age: Some(SECOND) }, |stats| stats.hit()),
        (Event::Expired { age: None }, |_| {}),
        (Event::RememberedFailure(failure()), |_| {}),
        (Event::OldValue { age: SECOND, callers: 3, warning: None }, |stats| stats.stale(3)),
        (Event::OldValue { age: SECOND, callers: 1, warning: Some(failure()) }, |stats| {
            stats.stale(1)
        }),
        (Event::Miss(Urgency::Patient), |stats| stats.miss()),
        (Event::Miss(Urgency::Refresh), |stats| stats.miss()),
        (Event::Joined { waiting: 1 }, |stats| stats.coalesced()),
        (Event::TooLateToJoin { waiting: 1 }, |stats| stats.miss()),
        (Event::TooLateToJoin { waiting: 2 }, |stats| stats.coalesced()),
        (Event::FetchingAhead, |_| {}),
        (Event::Fetched { queued: SECOND, took: SECOND, answered: 2 }, |_| {}),
        (Event::Kept, |_| {}),
        (Event::TooLarge { bytes: 2, limit: 1 }, |_| {}),
        (Event::Failed { failure: failure(), answered: 2 }, |_| {}),
        (Event::GivenUp(failure()), |_| {}),
        (Event::Evicted, |_| {}),
    ];
    let key = CacheKey::Secret(SecretKey::new("db".to_owned(), None, None));
    for (event, count) in cases {
        let (counted, expected) = (Stats::default(), Stats::default());
        event.record(&key, &counted);
        count(&expected);
        assert_eq!(counted.snapshot(), expected.snapshot(), "{event:?}");
    }
}
