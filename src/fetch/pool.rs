//! Bounds upstream calls: how many at once, how many wait, how long, and whose turn it is.

use std::{
    fmt,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix::{Actor, Context, Handler, Message};
use tokio::sync::oneshot;

use crate::{
    clock::{Clock, Moment},
    fetch::{
        error::FetchError,
        lane::{Lane, LaneLimits},
        upstream::Upstreams,
    },
    freeze::FreezeWatch,
    key::{CacheKey, ParameterKey, PerUpstream, SecretKey, UpstreamKind},
    secret::SecretValue,
    stats::Stats,
};

/// Fetches that may wait for their call to one upstream; the next one gets `Overloaded`.
///
/// A Lambda environment has at most 1,024 threads, so a handler whose every thread asks for another key
/// is still served.
pub const MAX_QUEUED: usize = 1_024;

/// How long a fetch may take when the user set no time-out: no upstream ever holds a function longer.
///
/// Above what the SDK's three attempts need against a struggling service, below what a person waits.
pub const LONGEST_FETCH: Duration = Duration::from_secs(30);

/// Asks an upstream, as soon as a call is free.
#[derive(Debug)]
pub struct Fetch {
    /// What to ask.
    pub key: CacheKey,
    /// What depends on the answer.
    pub demand: Demand,
    /// Tells the key when the call left.
    pub departure: Departure,
    /// Where the answer goes. Dropped unsent it tells the key that the pool died over it.
    pub reply: oneshot::Sender<FetchReply>,
}

impl Message for Fetch {
    type Result = ();
}

/// More depends on the answer for this key than when its fetch was sent.
#[derive(Debug)]
pub struct Promote {
    /// Whose fetch.
    pub key: CacheKey,
    /// What depends on the answer now.
    pub demand: Demand,
}

impl Message for Promote {
    type Result = ();
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

/// What depends on a fetch's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// No caller waits: the entry ends soon, or an outage may be over.
    NobodyWaits,
    /// Callers wait, and each of them can have an old value if the call fails.
    OldValueWillDo,
    /// A caller waits for whom there is nothing else: throttled calls are made again until the
    /// fetch's time is over.
    NewValueOnly,
}

impl Demand {
    /// Whether a caller waits.
    pub fn waits(self) -> bool {
        self > Self::NobodyWaits
    }
}

/// When a fetch's call left: the birth of its value. Shared by the key and the pool.
#[derive(Clone, Debug, Default)]
pub struct Departure(Arc<Mutex<Option<Moment>>>);

impl Departure {
    /// None while the fetch queues, also again after a throttled call.
    pub fn left_at(&self) -> Option<Moment> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call leaves.
    pub fn leaves(&self, at: Moment) {
        self.set(Some(at));
    }

    pub(super) fn is_put_back(&self) {
        self.set(None);
    }

    fn set(&self, left_at: Option<Moment>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = left_at;
    }
}

/// How a fetch ended.
pub type FetchReply = Result<Fetched, FetchError>;

/// An upstream's answer and what it took.
#[derive(Debug)]
pub struct Fetched {
    /// The finished response body.
    pub value: SecretValue,
    /// How long the fetch waited for its call.
    pub queued: Duration,
    /// How long the upstream took, retries included.
    pub took: Duration,
}

/// Caps upstream calls: a lane per upstream.
///
/// Each call runs in a task of its own, so that a panic in it is one call's failure and a hanging one
/// holds nothing but its permit, until its time-out.
///
/// Clones share the lanes: an actor that is started from a clone, after one that has died, goes on with
/// that one's calls and queue.
#[derive(Clone)]
pub struct FetchPool {
    secrets_manager: Rc<Lane<SecretKey>>,
    parameter_store: Rc<Lane<ParameterKey>>,
    freezes: FreezeWatch,
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
        limits: PerUpstream<LaneLimits>,
        freezes: FreezeWatch,
        clock: Arc<dyn Clock>,
        stats: Rc<Stats>,
    ) -> Self {
        Self {
            secrets_manager: Lane::new(
                UpstreamKind::SecretsManager,
                upstreams.secrets_manager,
                limits.secrets_manager,
                freezes.clone(),
                Arc::clone(&clock),
                Rc::clone(&stats),
            ),
            parameter_store: Lane::new(
                UpstreamKind::ParameterStore,
                upstreams.parameter_store,
                limits.parameter_store,
                freezes.clone(),
                clock,
                stats,
            ),
            freezes,
        }
    }
}

impl Handler<Fetch> for FetchPool {
    type Result = ();

    fn handle(&mut self, fetch: Fetch, _ctx: &mut Self::Context) {
        let Fetch { key, demand, departure, reply } = fetch;
        match key {
            CacheKey::Secret(key) => self.secrets_manager.fetch(key, demand, departure, reply),
            CacheKey::Parameter(key) => self.parameter_store.fetch(key, demand, departure, reply),
        }
    }
}

impl Handler<Promote> for FetchPool {
    type Result = ();

    fn handle(&mut self, Promote { key, demand }: Promote, _ctx: &mut Self::Context) {
        match key {
            CacheKey::Secret(key) => self.secrets_manager.promote(&key, demand),
            CacheKey::Parameter(key) => self.parameter_store.promote(&key, demand),
        }
    }
}

impl Handler<Invoked> for FetchPool {
    type Result = ();

    fn handle(&mut self, _invoked: Invoked, _ctx: &mut Self::Context) {
        self.freezes.look();
    }
}

impl Handler<Stop> for FetchPool {
    type Result = ();

    fn handle(&mut self, _stop: Stop, _ctx: &mut Self::Context) {
        self.secrets_manager.stop();
        self.parameter_store.stop();
    }
}
