//! Knows which actor serves which key.

use std::{fmt, rc::Rc, sync::Arc};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};

use crate::{
    cache::{
        CacheActor, CachePolicy, Catalogue, Get, Reply, Urgency, catalogue::Slot, shelf::Shelf,
    },
    clock::Clock,
    fetch::pool::FetchPool,
    key::{CacheKey, PerUpstream},
    log::debug,
    stats::Stats,
};

/// Answers a key.
#[derive(Debug)]
pub struct Lookup {
    /// What is asked.
    pub key: CacheKey,
    /// How the caller asks.
    pub urgency: Urgency,
    /// Where the answer goes. Dropped unsent it tells the caller that an actor died over it.
    pub reply: Reply,
}

impl Message for Lookup {
    type Result = ();
}

/// A key's fetch has settled, and no further one has begun.
#[derive(Debug)]
pub struct Settled {
    /// Whose fetch.
    pub key: CacheKey,
    /// Whether its actor holds an answer or remembers a failure; without either it need not live on.
    pub is_worth_keeping: bool,
}

impl Message for Settled {
    type Result = ();
}

/// Held by everybody who needs a key's actor: a `Get` on its way, a waiter, a fetch in flight.
///
/// While anybody but the registry holds it the actor is not evicted. So a key never has two actors with
/// a fetch in flight, although an evicted actor would finish its own.
#[derive(Clone)]
pub struct Lease(Arc<()>);

impl Lease {
    pub(crate) fn new() -> Self {
        Self(Arc::new(()))
    }

    pub(super) fn is_out(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}

/// Owns the addresses of all [`CacheActor`]s: starts, finds and evicts them.
///
/// Bound: `capacity` keys that hold an answer, least recently used first out, beside those that wait for
/// their first one, which the pool's queue bounds. Eviction drops the last address, never stops the actor: a stop would lose
/// messages that wait in its mailbox.
pub struct CacheRegistry {
    capacity: usize,
    catalogue: Rc<Catalogue>,
    policy: PerUpstream<CachePolicy>,
    fetch_pool: Addr<FetchPool>,
    clock: Arc<dyn Clock>,
    stats: Rc<Stats>,
}

/// Where a registry's questions go, and where its hits are found.
pub type OpenRegistry = (Addr<CacheRegistry>, Rc<Catalogue>);

impl fmt::Debug for CacheRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheRegistry").field("catalogue", &self.catalogue).finish_non_exhaustive()
    }
}

impl Actor for CacheRegistry {
    type Context = Context<Self>;
}

impl CacheRegistry {
    /// A registry without keys. `capacity` counts keys that hold an answer; zero keeps none.
    pub fn new(
        capacity: usize,
        policy: PerUpstream<CachePolicy>,
        fetch_pool: Addr<FetchPool>,
        clock: Arc<dyn Clock>,
        stats: Rc<Stats>,
    ) -> Self {
        debug!("Creating a new cache with size {capacity}");
        let catalogue = Rc::new(Catalogue::empty(Arc::clone(&clock), Rc::clone(&stats)));
        Self { capacity, catalogue, policy, fetch_pool, clock, stats }
    }

    /// Starts it.
    pub fn open(self) -> OpenRegistry {
        let catalogue = Rc::clone(&self.catalogue);
        (self.start(), catalogue)
    }

    /// The key's actor, started if there is none or if it has died, and a lease on it.
    fn find_or_start(
        &mut self,
        key: CacheKey,
        ctx: &mut Context<Self>,
    ) -> (Addr<CacheActor>, Lease) {
        if let Some(found) = self.find(&key) {
            return found;
        }
        // What an actor that has died left behind.
        self.catalogue.slots().pop(&key);
        let shelf = Rc::new(Shelf::empty(self.policy.get(key.upstream()).for_one_key()));
        let actor = CacheActor::new(
            key.clone(),
            Rc::clone(&shelf),
            self.fetch_pool.clone(),
            ctx.address().downgrade().recipient(),
            Arc::clone(&self.clock),
            Rc::clone(&self.stats),
        )
        .start();
        let slot = Slot::new(actor, shelf);
        let found = slot.lend();
        self.catalogue.slots().put(key, slot);
        found
    }

    fn find(&self, key: &CacheKey) -> Option<(Addr<CacheActor>, Lease)> {
        let mut slots = self.catalogue.slots();
        let slot = slots.get(key)?;
        slot.actor.connected().then(|| slot.lend())
    }

    fn evict_beyond_capacity(&mut self) {
        for key in self.catalogue.idle_beyond(self.capacity) {
            debug!(%key, "evicted");
            self.catalogue.slots().pop(&key);
        }
    }

    fn is_idle(&self, key: &CacheKey) -> bool {
        self.catalogue.slots().peek(key).is_some_and(Slot::is_idle)
    }
}

impl Handler<Lookup> for CacheRegistry {
    type Result = ();

    #[expect(clippy::disallowed_methods, reason = "a lost message drops its reply, which tells")]
    fn handle(&mut self, lookup: Lookup, ctx: &mut Self::Context) {
        let Lookup { key, urgency, reply } = lookup;
        if reply.is_closed() {
            return;
        }
        let (actor, lease) = self.find_or_start(key, ctx);
        actor.do_send(Get { urgency, reply, lease });
    }
}

impl Handler<Settled> for CacheRegistry {
    type Result = ();

    fn handle(&mut self, settled: Settled, _ctx: &mut Self::Context) {
        if let Some(slot) = self.catalogue.slots().peek_mut(&settled.key) {
            slot.is_worth_keeping = settled.is_worth_keeping;
        }
        // Whoever asked since then holds a lease and gets a fetch of its own; its end tells again.
        if !settled.is_worth_keeping && self.is_idle(&settled.key) {
            self.catalogue.slots().pop(&settled.key);
        }
        self.evict_beyond_capacity();
    }
}
