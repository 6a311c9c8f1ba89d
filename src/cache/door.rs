//! The door to the cache: what callers hold instead of addresses.

use std::{cell::RefCell, fmt, sync::Arc};

use actix::Addr;
use tracing::error;

use crate::{
    cache::{CacheRegistry, Lookup, LookupResult},
    fetch::{
        error::FetchError,
        pool::{FetchPool, Stop},
    },
    key::CacheKey,
};

/// Asks the registry, and starts a fresh one should it ever have died.
///
/// A panic in a handler ends its actor. `actix::Supervisor` would not start it again, so the owner of the
/// address does. A lost cache costs fetches; it never costs the function.
pub struct Cache {
    start: Box<dyn Fn() -> CacheActors>,
    actors: RefCell<CacheActors>,
}

/// The two actors that all keys share.
#[derive(Clone, Debug)]
pub struct CacheActors {
    /// Where questions go.
    pub registry: Addr<CacheRegistry>,
    /// Where that registry's actors fetch.
    pub fetch_pool: Addr<FetchPool>,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

impl Cache {
    /// Starts the actors with `start`, now and whenever one of them has died.
    pub fn new(start: impl Fn() -> CacheActors + 'static) -> Self {
        let actors = RefCell::new(start());
        Self { start: Box::new(start), actors }
    }

    /// Answers a key. Asks a second time if an actor died over the first: reading is idempotent.
    ///
    /// # Errors
    ///
    /// Whatever the fetch ended with, shared by all who waited for it.
    pub async fn look_up(&self, key: CacheKey, refresh: bool) -> LookupResult {
        match self.ask(Lookup { key: key.clone(), refresh }).await {
            Err(failure) if matches!(*failure, FetchError::Abandoned) => {
                self.replace_the_dead();
                self.ask(Lookup { key, refresh }).await
            }
            outcome => outcome,
        }
    }

    async fn ask(&self, lookup: Lookup) -> LookupResult {
        let answer = self.actors.borrow().registry.send(lookup);
        answer.await.unwrap_or_else(|_died| Err(Arc::new(FetchError::Abandoned)))
    }

    fn replace_the_dead(&self) {
        let mut actors = self.actors.borrow_mut();
        if !actors.registry.connected() || !actors.fetch_pool.connected() {
            error!("an actor of the cache has died; starting over with an empty cache");
            *actors = (self.start)();
        }
    }

    /// Forgets every value. Fetches in flight go on and answer those who wait for them.
    pub fn start_over(&self) {
        *self.actors.borrow_mut() = (self.start)();
    }

    /// Fails every fetch in flight and every further one, so that whoever waits is answered.
    pub async fn stop(&self) {
        let stopped = self.actors.borrow().fetch_pool.send(Stop);
        // A pool that has died has nothing left to stop.
        let _ = stopped.await;
    }
}
