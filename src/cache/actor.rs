//! Passes messages to the state of one key, and carries out what it decides.

use std::{fmt, rc::Rc, sync::Arc};

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, WeakRecipient, WrapFuture,
};
use tokio::sync::oneshot;

use crate::{
    cache::{
        caller::Reply,
        event::Event,
        key_state::Output,
        messages::{AtRest, Get, GetKept},
        shared_index::SharedIndex,
    },
    clock::Clock,
    fetch::{
        demand::{Demand, Departure, FetchReply},
        error::FetchError,
        messages::{Fetch, Promote},
        pool::FetchPool,
    },
    key::CacheKey,
    stats::Stats,
};

/// Serves one key while it has a fetch in flight: turns a message into one call of the key's state,
/// and carries out its outputs, in order.
///
/// The fetch runs on its context: it belongs to the actor, not to the caller that caused it, and
/// keeps the actor alive until it has settled. An actor that dies during its fetch removes the key
/// from the index, so that its callers learn of it and no later one waits for a fetch that never
/// ends.
pub struct CacheActor {
    key: CacheKey,
    index: SharedIndex,
    fetch_pool: Addr<FetchPool>,
    /// Weak: the registry holds this actor, and would never end if the actor held the registry.
    registry: WeakRecipient<AtRest>,
    clock: Arc<dyn Clock>,
    stats: Rc<Stats>,
    is_fetching: bool,
}

impl fmt::Debug for CacheActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheActor").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Actor for CacheActor {
    type Context = Context<Self>;
}

impl CacheActor {
    pub(super) fn new(
        key: CacheKey,
        index: SharedIndex,
        fetch_pool: Addr<FetchPool>,
        registry: WeakRecipient<AtRest>,
        clock: Arc<dyn Clock>,
        stats: Rc<Stats>,
    ) -> Self {
        Self { key, index, fetch_pool, registry, clock, stats, is_fetching: false }
    }

    fn carry_out(&mut self, outputs: Vec<Output<Reply>>, ctx: &mut Context<Self>) {
        // From here on: the key waits for its fetch already, and a panic before it is sent must not
        // let it wait for ever.
        self.is_fetching |= outputs.iter().any(|output| matches!(output, Output::Fetch(..)));
        for output in outputs {
            match output {
                Output::Answer(callers, answer) => {
                    for caller in callers {
                        // Fails only if the caller has hung up.
                        let _ = caller.send(answer.clone());
                    }
                }
                Output::Fetch(demand, departure) => self.fetch(demand, departure, ctx),
                Output::Promote(demand) => self.promote(demand),
                Output::Note(event) => event.record(&self.key, &self.stats),
            }
        }
        if !self.is_fetching {
            self.tell_the_registry();
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a lost message ends its caller's wait")]
    fn fetch(&mut self, demand: Demand, departure: Departure, ctx: &mut Context<Self>) {
        let (reply, ended) = oneshot::channel();
        self.fetch_pool.do_send(Fetch { key: self.key.clone(), demand, departure, reply });
        ctx.spawn(ended.into_actor(self).map(|reply, actor, ctx| {
            actor.settle(reply.unwrap_or(Err(FetchError::Abandoned)), ctx);
        }));
    }

    fn settle(&mut self, reply: FetchReply, ctx: &mut Context<Self>) {
        let (draw, now) = (fastrand::f64(), self.clock.now());
        let (outputs, evicted) = self.index.borrow_mut().settle(&self.key, reply, draw, now);
        self.is_fetching = false;
        self.carry_out(outputs, ctx);
        for key in evicted {
            Event::Evicted.record(&key, &self.stats);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a pool that has died has nothing to promote")]
    fn promote(&self, demand: Demand) {
        self.fetch_pool.do_send(Promote { key: self.key.clone(), demand });
    }

    fn tell_the_registry(&self) {
        // A registry that has ended has no actors to forget.
        let Some(registry) = self.registry.upgrade() else { return };
        // A mailbox always has room for one message of each sender.
        let _ = registry.try_send(AtRest { key: self.key.clone() });
    }
}

impl Drop for CacheActor {
    fn drop(&mut self) {
        if self.is_fetching {
            self.index.borrow_mut().forget(&self.key);
        }
    }
}

impl Handler<Get> for CacheActor {
    type Result = ();

    fn handle(&mut self, get: Get, ctx: &mut Self::Context) {
        let Get { key: _, urgency, caller, reply } = get;
        let now = self.clock.now();
        let outputs = self.index.borrow_mut().ask(&self.key, (reply, caller, urgency), now);
        self.carry_out(outputs, ctx);
    }
}

impl Handler<GetKept> for CacheActor {
    type Result = ();

    fn handle(&mut self, get: GetKept, ctx: &mut Self::Context) {
        let GetKept { key: _, caller, deadline, reply } = get;
        let failure = Arc::new(FetchError::deadline_passed(self.key.upstream(), deadline));
        let now = self.clock.now();
        let outputs = self.index.borrow_mut().out_of_time(&self.key, (reply, caller, failure), now);
        self.carry_out(outputs, ctx);
    }
}
