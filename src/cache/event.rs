//! What can happen to a key. Each event is one log line and one count.

use std::time::Duration;

use tracing::{error, warn};

use crate::{
    cache::caller::Urgency,
    fetch::error::SharedFetchError,
    key::CacheKey,
    log::{debug, millis},
    stats::Stats,
};

/// One thing that happened to a key.
#[derive(Clone, Debug)]
pub enum Event {
    /// A caller was answered from a value that has not expired.
    Hit {
        /// The value's age.
        age: Option<Duration>,
    },
    /// The kept value has expired for a caller.
    Expired {
        /// The value's age; `None` when it cannot be known.
        age: Option<Duration>,
    },
    /// A caller was answered with a failure from before.
    RememberedFailure(SharedFetchError),
    /// Callers were answered with an expired value.
    OldValue {
        /// The value's age.
        age: Duration,
        /// How many callers.
        callers: usize,
        /// Why there is no newer one; given once in an outage.
        warning: Option<SharedFetchError>,
    },
    /// A caller's question starts a fetch.
    Miss(Urgency),
    /// A caller waits for the fetch in flight.
    Joined {
        /// Callers that wait for it now.
        waiting: usize,
    },
    /// A caller waits for the fetch after the one in flight.
    TooLateToJoin {
        /// Callers that wait for it now.
        waiting: usize,
    },
    /// A fetch starts that no caller waits for.
    FetchingAhead,
    /// A fetch brought a value.
    Fetched {
        /// How long it waited for its permit.
        queued: Duration,
        /// How long the upstream took.
        took: Duration,
        /// Callers that waited.
        answered: usize,
    },
    /// The value is kept.
    Kept,
    /// The value is answered and not kept, because it alone is larger than the cache may be.
    TooLarge {
        /// What it would cost, in bytes.
        bytes: usize,
        /// What the cache may cost, in bytes.
        limit: usize,
    },
    /// A fetch failed.
    Failed {
        /// Why.
        failure: SharedFetchError,
        /// Callers that waited.
        answered: usize,
    },
    /// A fetch ended for a reason of this program's own, and no caller waited.
    GivenUp(SharedFetchError),
    /// The key made room for another one, or has nothing left that may be given.
    Evicted,
}

impl Event {
    pub(super) fn record(&self, key: &CacheKey, stats: &Stats) {
        match self {
            Self::Hit { age } => {
                stats.hit();
                debug!(%key, age_ms = age.map(millis), "hit");
            }
            Self::Expired { age } => debug!(%key, age_ms = age.map(millis), "expired"),
            Self::RememberedFailure(failure) => {
                debug!(%key, code = failure.code(), "remembered failure");
            }
            Self::OldValue { age, callers, warning } => {
                stats.stale(*callers);
                if let Some(failure) = warning {
                    warn!(
                        %key,
                        age_s = age.as_secs(),
                        "answering with an old value, because fetches fail: {}: {failure}",
                        failure.code(),
                    );
                }
            }
            Self::Miss(urgency) => {
                stats.miss();
                debug!(%key, refresh = *urgency == Urgency::Refresh, "miss");
            }
            Self::Joined { waiting } => {
                stats.coalesced();
                debug!(%key, waiting, "joined a fetch in flight");
            }
            Self::TooLateToJoin { waiting } => {
                // The question of the first one costs a fetch.
                if *waiting == 1 {
                    stats.miss()
                } else {
                    stats.coalesced()
                }
                debug!(%key, waiting, "waits for a newer fetch than the one in flight");
            }
            Self::FetchingAhead => debug!(%key, "fetching ahead"),
            Self::Fetched { queued, took, answered } => debug!(
                %key,
                upstream = %key.upstream(),
                queued_ms = millis(*queued),
                took_ms = millis(*took),
                answered,
                "fetch done"
            ),
            Self::Kept => debug!("Caching {} with key {key}", key.upstream().noun()),
            Self::TooLarge { bytes, limit } => warn!(
                %key,
                bytes,
                limit,
                "a value is too large to be kept, so each request fetches it; \
                 PARAMETERS_SECRETS_EXTENSION_CACHE_BYTES sets the limit"
            ),
            Self::Failed { failure, answered } => error!(
                %key,
                answered,
                "{} request encountered an error: {}: {failure}",
                key.operation(),
                failure.code(),
            ),
            Self::GivenUp(failure) => {
                debug!(%key, code = failure.code(), "fetch given up: {failure}");
            }
            Self::Evicted => debug!(%key, "evicted"),
        }
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
