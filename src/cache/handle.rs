//! The cache as callers hold it.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix::{Actor, Addr, Handler, Message};
use tokio::sync::oneshot;
use tracing::error;

use crate::{
    cache::{
        caller::{CallerId, LookupResult, Reply, Urgency},
        entry::Answer,
        messages::{Get, GetKept},
        registry::{CacheLimits, CacheRegistry},
        shared_index::IndexReader,
    },
    clock::Clock,
    fetch::{
        error::FetchError,
        messages::{Invoked, Stop},
        pool::FetchPool,
    },
    freeze::FreezeWatch,
    key::{CacheKey, PerUpstream},
    stats::Stats,
};

/// The cache: answers hits itself, asks the registry for everything else, and restarts the registry
/// and the pool if either has died.
///
/// A panic in a handler ends its actor. `actix::Supervisor` would not start it again, so the owner
/// of the address does. A lost cache costs fetches, never the function.
pub struct Cache {
    pool: FetchPool,
    limits: Box<dyn Fn() -> CacheLimits>,
    deadline: PerUpstream<Duration>,
    freezes: FreezeWatch,
    clock: Arc<dyn Clock>,
    stats: Rc<Stats>,
    running: RefCell<Running>,
    last_caller: Cell<CallerId>,
}

/// The actors that run now.
struct Running {
    /// Where questions go.
    registry: Addr<CacheRegistry>,
    /// Where that registry's hits are found.
    index: IndexReader,
    /// Where its keys are fetched.
    fetch_pool: Addr<FetchPool>,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

impl Cache {
    /// Starts the pool and a registry over it. `limits` is called now, when either has died, and to
    /// start over. No caller waits longer than `deadline`.
    pub fn new(
        pool: FetchPool,
        limits: impl Fn() -> CacheLimits + 'static,
        deadline: PerUpstream<Duration>,
        freezes: FreezeWatch,
        clock: Arc<dyn Clock>,
        stats: Rc<Stats>,
    ) -> Self {
        let running = Running::start(limits(), pool.clone().start(), &clock, &stats);
        Self {
            pool,
            limits: Box::new(limits),
            deadline,
            freezes,
            clock,
            stats,
            running: RefCell::new(running),
            last_caller: Cell::default(),
        }
    }

    /// Answers a key, within its deadline, which counts only time in which the process could run.
    /// Asks again if an actor died over the first question, which is safe because reading is
    /// idempotent.
    ///
    /// # Errors
    ///
    /// The error that the fetch ended with, shared by all callers that waited for it.
    pub async fn look_up(&self, key: CacheKey, urgency: Urgency) -> LookupResult {
        if urgency == Urgency::Patient
            && let Some(answer) = self.hit(&key)
        {
            return Ok(answer);
        }
        // Boxed, so that the future of a hit stays small.
        Box::pin(self.wait_for(&key, urgency)).await
    }

    async fn wait_for(&self, key: &CacheKey, urgency: Urgency) -> LookupResult {
        let caller = self.last_caller.get().next();
        self.last_caller.set(caller);
        let deadline = *self.deadline.get(key.upstream());
        match self.freezes.timeout(deadline, self.get(key, urgency, caller)).await {
            Some(answer) => answer,
            None => self.out_of_time(key, urgency, caller, deadline).await,
        }
    }

    /// Most questions end here, without a message.
    fn hit(&self, key: &CacheKey) -> Option<Answer> {
        let running = self.running.borrow();
        let (answer, event) = running.index.hit(key, || self.clock.now())?;
        event.record(key, &self.stats);
        Some(answer)
    }

    async fn get(&self, key: &CacheKey, urgency: Urgency, caller: CallerId) -> LookupResult {
        self.ask(|reply| Get { key: key.clone(), urgency, caller, reply }).await
    }

    async fn out_of_time(
        &self,
        key: &CacheKey,
        urgency: Urgency,
        caller: CallerId,
        deadline: Duration,
    ) -> LookupResult {
        match urgency {
            Urgency::Patient => {
                self.ask(|reply| GetKept { key: key.clone(), caller, deadline, reply }).await
            }
            // It accepts no kept value, so there is nothing left to ask for.
            Urgency::Refresh => {
                Err(Arc::new(FetchError::deadline_passed(key.upstream(), deadline)))
            }
        }
    }

    async fn ask<M>(&self, message: impl Fn(Reply) -> M) -> LookupResult
    where
        M: Message<Result = ()> + Send + 'static,
        CacheRegistry: Handler<M>,
    {
        // A dead pool fails every fetch, and a key that has an old value tells no caller of it.
        self.replace_the_dead();
        match self.ask_once(&message).await {
            Err(failure) if matches!(*failure, FetchError::Abandoned) => {
                self.replace_the_dead();
                self.ask_once(&message).await
            }
            outcome => outcome,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a lost message ends its caller's wait")]
    async fn ask_once<M>(&self, message: impl Fn(Reply) -> M) -> LookupResult
    where
        M: Message<Result = ()> + Send + 'static,
        CacheRegistry: Handler<M>,
    {
        let (reply, answer) = oneshot::channel();
        self.running.borrow().registry.do_send(message(reply));
        answer.await.unwrap_or_else(|_died| Err(Arc::new(FetchError::Abandoned)))
    }

    fn replace_the_dead(&self) {
        let mut running = self.running.borrow_mut();
        let pool_lives = running.fetch_pool.connected();
        if pool_lives && running.registry.connected() {
            return;
        }
        error!("an actor of the cache has died; starting over with an empty cache");
        let fetch_pool =
            if pool_lives { running.fetch_pool.clone() } else { self.pool.clone().start() };
        *running = Running::start((self.limits)(), fetch_pool, &self.clock, &self.stats);
    }

    /// An invocation has begun: calls from before a freeze are made again.
    #[expect(clippy::disallowed_methods, reason = "a pool that has died has no call left")]
    pub fn invoked(&self) {
        self.running.borrow().fetch_pool.do_send(Invoked);
    }

    /// Forgets every value, because the environment was restored from a snapshot: whatever the
    /// clocks say, the process was not running. A fetch in flight goes on, under its permit, for
    /// the callers that wait for it; no caller that asks from now on joins it.
    pub fn start_over(&self) {
        self.freezes.restored();
        let mut running = self.running.borrow_mut();
        let fetch_pool = running.fetch_pool.clone();
        *running = Running::start((self.limits)(), fetch_pool, &self.clock, &self.stats);
    }

    /// Fails every fetch in flight and every further one, so that all waiting callers are answered.
    pub async fn stop(&self) {
        let stopped = self.running.borrow().fetch_pool.send(Stop);
        // A pool that has died has nothing left to stop.
        let _ = stopped.await;
    }
}

impl Running {
    fn start(
        limits: CacheLimits,
        fetch_pool: Addr<FetchPool>,
        clock: &Arc<dyn Clock>,
        stats: &Rc<Stats>,
    ) -> Self {
        let (clock, stats) = (Arc::clone(clock), Rc::clone(stats));
        let (registry, index) = CacheRegistry::new(limits, fetch_pool.clone(), clock, stats);
        Self { registry: registry.start(), index, fetch_pool }
    }
}
