//! Bounds upstream calls: how many at once, how many wait, how long.

use std::{fmt, num::NonZeroUsize, rc::Rc, sync::Arc, time::Duration};

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    clock::Clock,
    fetch::{error::FetchError, lane::Lane, upstream::Upstreams},
    key::{CacheKey, PerUpstream, UpstreamKind},
    secret::SecretValue,
    stats::Stats,
};

/// Fetches that may wait for a permit of one upstream; the next one gets `Overloaded`.
///
/// A Lambda environment has at most 1,024 threads, so a handler whose every thread asks for another key
/// is still served.
pub const MAX_QUEUED: usize = 1_024;

/// How long a fetch may take when the user set no time-out: no upstream ever holds a function longer.
///
/// Above what the SDK's three attempts need against a struggling service, below what a person waits.
pub const LONGEST_FETCH: Duration = Duration::from_secs(30);

/// Asks an upstream, as soon as a permit is free.
#[derive(Debug)]
pub struct Fetch {
    /// What to ask.
    pub key: CacheKey,
}

impl Message for Fetch {
    type Result = FetchReply;
}

/// Fails all fetches, waiting or running, and every further one.
#[derive(Debug)]
pub struct Stop;

impl Message for Stop {
    type Result = ();
}

/// An invocation has begun: the environment may have been frozen until now.
#[derive(Clone, Copy, Debug)]
pub struct Invoked;

impl Message for Invoked {
    type Result = ();
}

/// How a fetch ended.
pub type FetchReply = Result<Fetched, FetchError>;

/// An upstream's answer and what it took.
#[derive(Debug)]
pub struct Fetched {
    /// What the upstream answered: a finished response body.
    pub value: SecretValue,
    /// How long the fetch waited for its permit.
    pub queued: Duration,
    /// How long the upstream took, retries included.
    pub took: Duration,
}

/// What bounds the fetches of one upstream.
#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// Calls at once.
    pub permits: NonZeroUsize,
    /// Fetches that may wait for a permit; the next one gets `Overloaded` at once.
    pub max_queued: usize,
    /// The longest a fetch may take, waiting for its permit included.
    pub time_out: Duration,
}

/// Caps upstream calls: a semaphore per upstream with a bounded queue behind it.
///
/// Each call runs in a task of its own, so that a panic in it is one fetch's failure and a hanging one
/// holds nothing but its permit, until its time-out. Permits are handed out in order of arrival.
///
/// Clones share it all: an actor that is started from a clone, after one that has died, hands out what
/// permits that one's calls have left.
#[derive(Clone)]
pub struct FetchPool {
    lanes: PerUpstream<Rc<Lane>>,
    stopping: CancellationToken,
}

impl fmt::Debug for FetchPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchPool").finish_non_exhaustive()
    }
}

impl Actor for FetchPool {
    type Context = Context<Self>;
}

impl FetchPool {
    /// A pool over `upstreams`, each within its own limits.
    pub fn new(
        upstreams: Upstreams,
        limits: PerUpstream<PoolLimits>,
        clock: Arc<dyn Clock>,
        stats: Rc<Stats>,
    ) -> Self {
        let lane = |kind| {
            let (clock, stats) = (Arc::clone(&clock), Rc::clone(&stats));
            Rc::new(Lane::new(kind, upstreams.clone(), *limits.get(kind), clock, stats))
        };
        Self {
            lanes: PerUpstream {
                secrets_manager: lane(UpstreamKind::SecretsManager),
                parameter_store: lane(UpstreamKind::ParameterStore),
            },
            stopping: CancellationToken::new(),
        }
    }
}

impl Handler<Fetch> for FetchPool {
    type Result = ResponseFuture<FetchReply>;

    fn handle(&mut self, fetch: Fetch, _ctx: &mut Self::Context) -> Self::Result {
        let lane = Rc::clone(self.lanes.get(fetch.key.upstream()));
        let stopping = self.stopping.clone();
        let place = match lane.take_a_place() {
            Ok(place) => place,
            Err(refused) => return Box::pin(async { Err(refused) }),
        };
        let call = AbortOnDropHandle::new(tokio::task::spawn_local(lane.fetch(fetch.key, place)));
        Box::pin(async move {
            tokio::select! {
                biased;
                () = stopping.cancelled() => Err(FetchError::Stopping),
                // Nobody else aborts the task: a join error is a panic.
                reply = call => reply.unwrap_or(Err(FetchError::Panicked)),
            }
        })
    }
}

impl Handler<Invoked> for FetchPool {
    type Result = ();

    fn handle(&mut self, _invoked: Invoked, _ctx: &mut Self::Context) {
        self.lanes.secrets_manager.invoked();
        self.lanes.parameter_store.invoked();
    }
}

impl Handler<Stop> for FetchPool {
    type Result = ();

    fn handle(&mut self, _stop: Stop, _ctx: &mut Self::Context) {
        self.stopping.cancel();
    }
}
