//! The door to the cache: what callers hold instead of addresses.

use std::{cell::RefCell, fmt, rc::Rc, sync::Arc, time::Duration};

use actix::{Actor, Addr};
use tokio::sync::oneshot;
use tracing::error;

use crate::{
    cache::{Answer, CacheRegistry, Catalogue, Lookup, LookupResult, OpenRegistry, Urgency},
    fetch::{
        error::FetchError,
        pool::{FetchPool, Invoked, Stop},
    },
    freeze::FreezeWatch,
    key::{CacheKey, PerUpstream},
};

/// Asks the registry, and starts a fresh one should it ever have died.
///
/// A panic in a handler ends its actor. `actix::Supervisor` would not start it again, so the owner of the
/// address does. A lost cache costs fetches; it never costs the function.
pub struct Cache {
    pool: FetchPool,
    open_registry: Box<dyn Fn(Addr<FetchPool>) -> OpenRegistry>,
    actors: RefCell<Actors>,
    deadline: PerUpstream<Option<Duration>>,
    freezes: FreezeWatch,
}

/// The two actors that all keys share.
struct Actors {
    /// Where questions go.
    registry: Addr<CacheRegistry>,
    /// Where that registry's hits are found.
    catalogue: Rc<Catalogue>,
    /// Where that registry's actors fetch.
    fetch_pool: Addr<FetchPool>,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

impl Cache {
    /// Starts the pool, and a registry over it with `open_registry`: now, whenever one of them has died,
    /// and to start over. Nobody waits for an answer longer than `deadline`, if there is one.
    pub fn new(
        pool: FetchPool,
        open_registry: impl Fn(Addr<FetchPool>) -> OpenRegistry + 'static,
        deadline: PerUpstream<Option<Duration>>,
        freezes: FreezeWatch,
    ) -> Self {
        let fetch_pool = pool.clone().start();
        let (registry, catalogue) = open_registry(fetch_pool.clone());
        let actors = RefCell::new(Actors { registry, catalogue, fetch_pool });
        Self { pool, open_registry: Box::new(open_registry), actors, deadline, freezes }
    }

    /// Answers a key, within its deadline, which counts only time in which the process could run. Asks again if an actor died over the first question, which is
    /// safe because reading is idempotent.
    ///
    /// # Errors
    ///
    /// Whatever the fetch ended with, shared by all who waited for it.
    pub async fn look_up(&self, key: CacheKey, refresh: bool) -> LookupResult {
        if !refresh && let Some(answer) = self.hit(&key) {
            return Ok(answer);
        }
        // Boxed: a hit does not pay for the size of what it does not need.
        Box::pin(self.wait_for(key, refresh)).await
    }

    async fn wait_for(&self, key: CacheKey, refresh: bool) -> LookupResult {
        let urgency = if refresh { Urgency::Refresh } else { Urgency::Patient };
        let Some(deadline) = *self.deadline.get(key.upstream()) else {
            return self.ask_until_answered(key, urgency).await;
        };
        let answer = self.ask_until_answered(key.clone(), urgency);
        match self.freezes.timeout(deadline, answer).await {
            Some(answer) => answer,
            // A refresh takes no old value, so there is nothing left to ask for.
            None if refresh => Err(Arc::new(FetchError::deadline_passed(key.upstream(), deadline))),
            None => self.ask_until_answered(key, Urgency::OutOfTime(deadline)).await,
        }
    }

    /// Most questions end here, without a message.
    fn hit(&self, key: &CacheKey) -> Option<Answer> {
        self.actors.borrow().catalogue.hit(key)
    }

    async fn ask_until_answered(&self, key: CacheKey, urgency: Urgency) -> LookupResult {
        match self.ask(key.clone(), urgency).await {
            Err(failure) if matches!(*failure, FetchError::Abandoned) => {
                self.replace_the_dead();
                self.ask(key, urgency).await
            }
            outcome => outcome,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a lost message drops its reply, which tells")]
    async fn ask(&self, key: CacheKey, urgency: Urgency) -> LookupResult {
        let (reply, answer) = oneshot::channel();
        self.actors.borrow().registry.do_send(Lookup { key, urgency, reply });
        answer.await.unwrap_or_else(|_died| Err(Arc::new(FetchError::Abandoned)))
    }

    fn replace_the_dead(&self) {
        let mut actors = self.actors.borrow_mut();
        let pool_lives = actors.fetch_pool.connected();
        if pool_lives && actors.registry.connected() {
            return;
        }
        error!("an actor of the cache has died; starting over with an empty cache");
        if !pool_lives {
            actors.fetch_pool = self.pool.clone().start();
        }
        self.reopen(&mut actors);
    }

    fn reopen(&self, actors: &mut Actors) {
        (actors.registry, actors.catalogue) = (self.open_registry)(actors.fetch_pool.clone());
    }

    /// An invocation has begun: calls from before a freeze are made again.
    #[expect(clippy::disallowed_methods, reason = "a pool that has died has no call left")]
    pub fn invoked(&self) {
        self.actors.borrow().fetch_pool.do_send(Invoked);
    }

    /// Forgets every value. A fetch in flight goes on, under its permit, for those who wait for it; nobody
    /// who asks from now on joins it. Whatever the clocks say, the process was not running.
    pub fn start_over(&self) {
        self.freezes.restored();
        self.reopen(&mut self.actors.borrow_mut());
    }

    /// Fails every fetch in flight and every further one, so that whoever waits is answered.
    pub async fn stop(&self) {
        let stopped = self.actors.borrow().fetch_pool.send(Stop);
        // A pool that has died has nothing left to stop.
        let _ = stopped.await;
    }
}
