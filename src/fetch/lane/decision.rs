//! What a lane's state is told, and what it decides.

use std::{num::NonZeroUsize, time::Duration};

/// Numbers a fetch, in order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchId(pub u64);

/// Numbers a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub(super) u64);

/// What bounds a lane.
#[derive(Clone, Copy, Debug)]
pub struct LaneLimits {
    /// Calls at once.
    pub permits: NonZeroUsize,
    /// Fetches that may wait for their call. The next one is refused.
    pub max_queued: usize,
    /// The longest a fetch may take, waiting included.
    pub time_out: Duration,
    /// Whether keys that can share a call do.
    pub batches: bool,
}

/// The queue was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// How a call ended for one of its fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The service answered, with a value or with an error about it.
    Answered,
    /// The service failed, or was not reached.
    Failed,
    /// The service throttled the call.
    Throttled {
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// The batch said nothing about this key: it is asked for alone.
    Unanswered,
    /// The batch was refused as a whole.
    BatchRefused,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output<K> {
    /// Make this call. It ends with [`LaneState::ended`](super::LaneState::ended).
    Call(CallId, Vec<(FetchId, K)>),
    /// End this fetch without an answer.
    Fail(FetchId, Why),
    /// Nothing waits for this call's answer any more: cancel it. It does not end.
    Cancel(CallId),
}

/// Why a fetch ends without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its time was over before its turn came.
    Queued,
    /// Its time was over, and the service had throttled it, or those before it.
    Throttled,
    /// Its time was over while its call was open.
    NoAnswer,
    /// The service throttles, and what waits has an old value.
    OldValueWillDo,
    /// It gave its place in a full queue to a fetch that a caller waits for.
    Displaced,
}
