//! Bounds upstream calls: how many run at once, how many wait and for how long, and which is next.

use std::{fmt, rc::Rc, sync::Arc};

use actix::{Actor, Context, Handler};

use crate::{
    clock::Clock,
    fetch::{
        lane::{Lane, LaneLimits},
        messages::{Fetch, Invoked, Promote, Stop},
        upstream::Upstreams,
    },
    freeze::FreezeWatch,
    key::{CacheKey, ParameterKey, PerUpstream, SecretKey, UpstreamKind},
    stats::Stats,
};

/// Fetches that may wait for their call to one upstream; the next one gets `Overloaded`.
///
/// A Lambda environment has at most 1,024 threads, so a handler whose every thread asks for another
/// key is still served.
pub const MAX_QUEUED: usize = 1_024;

/// Caps upstream calls: a lane per upstream.
///
/// Each call runs in a task of its own, so that a panic in it is one call's failure and a hanging
/// one holds nothing but its permit, until its time-out.
///
/// Clones share the lanes: an actor that is started from a clone, after one that has died, goes on
/// with that one's calls and queue.
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
        let Self { secrets_manager, parameter_store, freezes: _ } = self;
        secrets_manager.stop();
        parameter_store.stop();
    }
}
