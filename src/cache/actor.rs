//! Carries messages to and from the state of the keys. It decides nothing.

use std::{
    cell::{RefCell, RefMut},
    fmt,
    rc::Rc,
    sync::Arc,
};

use actix::{Actor, Addr, AsyncContext, Context, Handler};
use tokio::sync::oneshot;

use crate::{
    cache::{
        caller::Reply,
        entry::Answer,
        event::Event,
        index::Index,
        key_state::Output,
        messages::{Get, GetKept, Settled},
        policy::CachePolicy,
    },
    clock::{Clock, Moment},
    fetch::{
        error::FetchError,
        pool::{Demand, Departure, Fetch, FetchPool, Promote},
    },
    key::{CacheKey, PerUpstream},
    log::debug,
    stats::Stats,
};

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct CacheLimits {
    /// Keys that may hold a value or a remembered failure; zero keeps nothing.
    pub capacity: usize,
    /// How long values and failures are used.
    pub policy: PerUpstream<CachePolicy>,
}

/// Answers every key. It owns the index, turns a message into one call of it, and does what comes
/// out, in order.
pub struct CacheActor {
    index: SharedIndex,
    fetch_pool: Addr<FetchPool>,
    clock: Arc<dyn Clock>,
    stats: Rc<Stats>,
}

/// The index as the actor has it. No borrow outlives a call, so it is never found borrowed.
struct SharedIndex(Rc<RefCell<Index<Reply>>>);

/// The index as callers have it: they find hits, and change nothing but the order of use.
pub(super) struct IndexReader(Rc<RefCell<Index<Reply>>>);

impl IndexReader {
    pub(super) fn hit(
        &self,
        key: &CacheKey,
        now: impl FnOnce() -> Moment,
    ) -> Option<(Answer, Event)> {
        self.0.borrow_mut().hit(key, now)
    }
}

impl SharedIndex {
    fn borrow_mut(&self) -> RefMut<'_, Index<Reply>> {
        self.0.borrow_mut()
    }
}

impl fmt::Debug for CacheActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheActor").finish_non_exhaustive()
    }
}

impl Actor for CacheActor {
    type Context = Context<Self>;
}

impl CacheActor {
    /// An actor without keys, which fetches from this pool, and a reader of its index.
    pub(super) fn new(
        limits: CacheLimits,
        fetch_pool: Addr<FetchPool>,
        clock: Arc<dyn Clock>,
        stats: Rc<Stats>,
    ) -> (Self, IndexReader) {
        let CacheLimits { capacity, policy } = limits;
        debug!("Creating a new cache with size {capacity}");
        let index = Rc::new(RefCell::new(Index::new(capacity, policy)));
        let reader = IndexReader(Rc::clone(&index));
        (Self { index: SharedIndex(index), fetch_pool, clock, stats }, reader)
    }

    fn carry_out(&self, key: &CacheKey, outputs: Vec<Output<Reply>>, ctx: &Context<Self>) {
        for output in outputs {
            match output {
                Output::Answer(callers, answer) => {
                    for caller in callers {
                        // Fails only for a caller who hung up meanwhile.
                        let _ = caller.send(answer.clone());
                    }
                }
                Output::Fetch(demand, departure) => {
                    self.fetch(key.clone(), demand, departure, ctx.address());
                }
                Output::Promote(demand) => self.promote(key.clone(), demand),
                Output::Note(event) => event.record(key, &self.stats),
            }
        }
    }

    /// Fetches in a task of its own. It holds this actor's address: an actor that has been replaced
    /// lives until its last fetch has settled, for the callers who wait for it.
    #[expect(clippy::disallowed_methods, reason = "a lost message drops its reply, which tells")]
    fn fetch(&self, key: CacheKey, demand: Demand, departure: Departure, own: Addr<Self>) {
        let (reply, ended) = oneshot::channel();
        self.fetch_pool.do_send(Fetch { key: key.clone(), demand, departure, reply });
        actix::spawn(async move {
            let reply = ended.await.unwrap_or(Err(FetchError::Abandoned));
            own.do_send(Settled { key, reply });
        });
    }

    #[expect(clippy::disallowed_methods, reason = "a pool that has died has nothing to promote")]
    fn promote(&self, key: CacheKey, demand: Demand) {
        self.fetch_pool.do_send(Promote { key, demand });
    }
}

impl Handler<Get> for CacheActor {
    type Result = ();

    fn handle(&mut self, get: Get, ctx: &mut Self::Context) {
        let Get { key, urgency, caller, reply } = get;
        if reply.is_closed() {
            return;
        }
        let now = self.clock.now();
        let outputs = self.index.borrow_mut().ask(&key, (reply, caller, urgency), now);
        self.carry_out(&key, outputs, ctx);
    }
}

impl Handler<GetKept> for CacheActor {
    type Result = ();

    fn handle(&mut self, get: GetKept, ctx: &mut Self::Context) {
        let GetKept { key, caller, deadline, reply } = get;
        let failure = Arc::new(FetchError::deadline_passed(key.upstream(), deadline));
        let now = self.clock.now();
        let outputs = self.index.borrow_mut().out_of_time(&key, (reply, caller, failure), now);
        self.carry_out(&key, outputs, ctx);
    }
}

impl Handler<Settled> for CacheActor {
    type Result = ();

    fn handle(&mut self, settled: Settled, ctx: &mut Self::Context) {
        let Settled { key, reply } = settled;
        let (draw, now) = (fastrand::f64(), self.clock.now());
        let (outputs, evicted) = self.index.borrow_mut().settle(&key, reply, draw, now);
        self.carry_out(&key, outputs, ctx);
        for key in evicted {
            Event::Evicted.record(&key, &self.stats);
        }
    }
}
