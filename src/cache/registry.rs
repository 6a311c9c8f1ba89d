//! Owns the state of every key, and the actor of each key that has a fetch in flight.

use std::{collections::HashMap, fmt, rc::Rc, sync::Arc};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, dev::ToEnvelope};

use crate::{
    cache::{
        actor::CacheActor,
        index::Index,
        messages::{AtRest, Get, GetKept},
        policy::{CachePolicy, Capacity},
        shared_index::{IndexReader, SharedIndex, share},
    },
    clock::Clock,
    fetch::pool::FetchPool,
    key::{CacheKey, PerUpstream},
    log::debug,
    stats::Stats,
};

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct CacheLimits {
    /// How much is kept.
    pub capacity: Capacity,
    /// How long values and failures are used.
    pub policy: PerUpstream<CachePolicy>,
}

/// Owns the index, and passes each question on to the actor of its key.
///
/// A key has an actor while it has a fetch in flight; at rest it is a state in the index. Bound: as
/// many actors as there are such keys, which the pool's queue bounds.
pub struct CacheRegistry {
    index: SharedIndex,
    actors: HashMap<CacheKey, Addr<CacheActor>>,
    fetch_pool: Addr<FetchPool>,
    clock: Arc<dyn Clock>,
    stats: Rc<Stats>,
}

impl fmt::Debug for CacheRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheRegistry").finish_non_exhaustive()
    }
}

impl Actor for CacheRegistry {
    type Context = Context<Self>;
}

impl CacheRegistry {
    /// A registry without keys, whose actors fetch from this pool, and a reader of its index.
    pub(super) fn new(
        limits: CacheLimits,
        fetch_pool: Addr<FetchPool>,
        clock: Arc<dyn Clock>,
        stats: Rc<Stats>,
    ) -> (Self, IndexReader) {
        let CacheLimits { capacity, policy } = limits;
        debug!("Creating a new cache with size {}", capacity.keys);
        let (index, reader) = share(Index::new(capacity, policy));
        (Self { index, actors: HashMap::new(), fetch_pool, clock, stats }, reader)
    }

    #[expect(clippy::disallowed_methods, reason = "a lost message ends its caller's wait")]
    fn pass_on<M>(&mut self, key: &CacheKey, question: M, ctx: &Context<Self>)
    where
        M: Message<Result = ()> + Send + 'static,
        CacheActor: Handler<M>,
        Context<CacheActor>: ToEnvelope<CacheActor, M>,
    {
        // An actor that died has removed its key from the index; the next one starts afresh.
        let running = self.actors.get(key).filter(|actor| actor.connected());
        if let Some(actor) = running {
            return actor.do_send(question);
        }
        let actor = CacheActor::new(
            key.clone(),
            self.index.clone(),
            self.fetch_pool.clone(),
            ctx.address().downgrade().recipient(),
            Arc::clone(&self.clock),
            Rc::clone(&self.stats),
        )
        .start();
        actor.do_send(question);
        self.actors.insert(key.clone(), actor);
    }
}

impl Handler<Get> for CacheRegistry {
    type Result = ();

    fn handle(&mut self, get: Get, ctx: &mut Self::Context) {
        if !get.reply.is_closed() {
            self.pass_on(&get.key.clone(), get, ctx);
        }
    }
}

impl Handler<GetKept> for CacheRegistry {
    type Result = ();

    fn handle(&mut self, get: GetKept, ctx: &mut Self::Context) {
        self.pass_on(&get.key.clone(), get, ctx);
    }
}

impl Handler<AtRest> for CacheRegistry {
    type Result = ();

    /// Drops the key's address. A question that is in the actor's mailbox already is still
    /// answered, and a fetch that it starts keeps the actor alive.
    fn handle(&mut self, AtRest { key }: AtRest, _ctx: &mut Self::Context) {
        self.actors.remove(&key);
    }
}
