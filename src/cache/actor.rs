//! Serves one key.

use std::{rc::Rc, sync::Arc};

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, Recipient, Response,
    WrapFuture,
};
use tokio::sync::oneshot;
use tracing::{debug, error};

use crate::{
    cache::{
        Answer, CachePolicy, Entry, Lease, LookupResult, MAX_WAITERS, REFRESH_WINDOW, Settled,
    },
    clock::{Clock, Moment},
    fetch::{
        error::FetchError,
        pool::{Fetch, FetchPool, FetchReply},
    },
    key::CacheKey,
    stats::{Stats, millis},
};

/// Answers this key: at once from a fresh entry, else when a fetch settles.
#[derive(Debug)]
pub struct Get {
    /// Whether the entry must not be used: the caller knows that it is out of date.
    pub refresh: bool,
    /// Tells the registry that this key is in use until the caller is answered.
    pub lease: Lease,
}

impl Message for Get {
    type Result = LookupResult;
}

/// Serves one key. At most one fetch is in flight; whoever misses meanwhile waits for it.
///
/// Invariant: while `flight` is `None`, nobody waits. The fetch belongs to the actor, not to the caller
/// who started it: it runs on the actor's context, so a caller that hangs up never cancels it for the
/// others, and an evicted actor lives until its fetch has settled.
pub struct CacheActor {
    key: CacheKey,
    policy: CachePolicy,
    fetch_pool: Addr<FetchPool>,
    registry: Recipient<Settled>,
    clock: Rc<dyn Clock>,
    stats: Rc<Stats>,
    entry: Option<Entry>,
    flight: Option<Flight>,
    /// Callers for whom the fetch in flight began too early; the next fetch is theirs.
    latecomers: Vec<Waiter>,
}

/// The fetch in flight and who waits for it, in order of arrival.
struct Flight {
    begun: Moment,
    is_refresh: bool,
    waiters: Vec<Waiter>,
}

struct Waiter {
    reply: oneshot::Sender<LookupResult>,
    _lease: Lease,
}

impl Flight {
    /// Whether a caller who asks at `now` may have this fetch's value: it must not be older than an
    /// entry may be. A fetch can be that old when the environment was frozen meanwhile.
    fn may_answer(&self, refresh: bool, now: Moment, policy: &CachePolicy) -> bool {
        let Some(age) = now.age_since(self.begun) else { return false };
        if refresh {
            return self.is_refresh && age < REFRESH_WINDOW;
        }
        !policy.keeps_answers() || age < policy.ttl
    }
}

impl std::fmt::Debug for CacheActor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CacheActor").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Actor for CacheActor {
    type Context = Context<Self>;
}

impl CacheActor {
    /// An actor that holds nothing yet.
    pub fn new(
        key: CacheKey,
        policy: CachePolicy,
        fetch_pool: Addr<FetchPool>,
        registry: Recipient<Settled>,
        clock: Rc<dyn Clock>,
        stats: Rc<Stats>,
    ) -> Self {
        Self {
            key,
            policy,
            fetch_pool,
            registry,
            clock,
            stats,
            entry: None,
            flight: None,
            latecomers: Vec::new(),
        }
    }

    fn hit(&self, now: Moment) -> Option<Answer> {
        let entry = self.entry.as_ref()?;
        if entry.is_fresh(now, &self.policy) {
            self.stats.hit();
            debug!(key = %self.key, age_ms = entry.age(now).map(millis), "hit");
            return Some(entry.answer());
        }
        debug!(key = %self.key, age_ms = entry.age(now).map(millis), "expired");
        None
    }

    /// Lets a caller wait: for the fetch in flight, for the next one, or for one it starts.
    fn enlist(&mut self, get: Get, now: Moment, ctx: &mut Context<Self>) -> EnlistResult {
        self.make_room_for_a_waiter()?;
        let (reply, answer) = oneshot::channel();
        let waiter = Waiter { reply, _lease: get.lease };
        match &mut self.flight {
            None => {
                self.stats.miss();
                debug!(key = %self.key, refresh = get.refresh, "miss");
                let flight = Flight { begun: now, is_refresh: get.refresh, waiters: vec![waiter] };
                self.start_fetch(flight, ctx);
            }
            Some(flight) if flight.may_answer(get.refresh, now, &self.policy) => {
                flight.waiters.push(waiter);
                self.stats.coalesced();
                debug!(key = %self.key, waiting = flight.waiters.len(), "joined a fetch in flight");
            }
            Some(_) => {
                self.latecomers.push(waiter);
                if self.latecomers.len() == 1 {
                    self.stats.miss();
                } else {
                    self.stats.coalesced();
                }
                debug!(
                    key = %self.key,
                    waiting = self.latecomers.len(),
                    "waits for a newer fetch than the one in flight"
                );
            }
        }
        Ok(answer)
    }

    /// Settleds callers who hung up, and refuses the next one only if that was not enough.
    fn make_room_for_a_waiter(&mut self) -> Result<(), Arc<FetchError>> {
        if self.waiting() < MAX_WAITERS {
            return Ok(());
        }
        for waiters in
            self.flight.iter_mut().map(|flight| &mut flight.waiters).chain([&mut self.latecomers])
        {
            waiters.retain(|waiter| !waiter.reply.is_closed());
        }
        if self.waiting() < MAX_WAITERS {
            return Ok(());
        }
        Err(Arc::new(FetchError::Overloaded("too many callers wait for this key already")))
    }

    fn waiting(&self) -> usize {
        self.flight.as_ref().map_or(0, |flight| flight.waiters.len()) + self.latecomers.len()
    }

    fn start_fetch(&mut self, flight: Flight, ctx: &mut Context<Self>) {
        debug_assert!(self.flight.is_none(), "one fetch in flight per key");
        self.flight = Some(flight);
        let fetch = self.fetch_pool.send(Fetch { key: self.key.clone() });
        ctx.spawn(fetch.into_actor(self).map(|reply, actor, ctx| {
            actor.settle(reply.unwrap_or_else(|_gone| Err(FetchError::Abandoned)), ctx);
        }));
    }

    /// Ends the fetch: keeps a value, answers every waiter, starts what the latecomers need. The only
    /// place where anybody who waited is answered, on every path: value, error, time-out, panic.
    fn settle(&mut self, reply: FetchReply, ctx: &mut Context<Self>) {
        let Some(flight) = self.flight.take() else { return };
        let outcome = self.conclude(reply, &flight);
        for waiter in flight.waiters {
            // Fails only for a caller who hung up meanwhile.
            let _ = waiter.reply.send(outcome.clone());
        }
        if !self.latecomers.is_empty() {
            let waiters = std::mem::take(&mut self.latecomers);
            let flight = Flight { begun: self.clock.now(), is_refresh: true, waiters };
            self.start_fetch(flight, ctx);
        } else {
            // A mailbox always has room for one message of each sender. A registry that has died knows
            // no keys any more.
            let holds_answer = self.entry.is_some();
            let _ = self.registry.try_send(Settled { key: self.key.clone(), holds_answer });
        }
    }

    fn conclude(&mut self, reply: FetchReply, flight: &Flight) -> LookupResult {
        let answered = flight.waiters.len();
        match reply {
            Ok(fetched) => {
                debug!(
                    key = %self.key,
                    upstream = %self.key.upstream(),
                    queued_ms = millis(fetched.queued),
                    took_ms = millis(fetched.took),
                    answered,
                    "fetch done"
                );
                let entry = Entry::new(fetched.body, flight.begun);
                let answer = entry.answer();
                if self.policy.keeps_answers() {
                    debug!("Caching {} with key {}", self.key.noun(), self.key);
                    self.entry = Some(entry);
                }
                Ok(answer)
            }
            Err(failure) => {
                error!(
                    key = %self.key,
                    answered,
                    "{} request encountered an error: {}: {failure}",
                    self.key.operation(),
                    failure.code(),
                );
                Err(Arc::new(failure))
            }
        }
    }
}

type EnlistResult = Result<oneshot::Receiver<LookupResult>, Arc<FetchError>>;

impl Handler<Get> for CacheActor {
    /// Hits are answered inline, without a future.
    type Result = Response<LookupResult>;

    fn handle(&mut self, get: Get, ctx: &mut Self::Context) -> Self::Result {
        let now = self.clock.now();
        if !get.refresh
            && let Some(answer) = self.hit(now)
        {
            return Response::reply(Ok(answer));
        }
        match self.enlist(get, now, ctx) {
            Ok(answer) => Response::fut(async move {
                // The reply is dropped unsent only if this actor ends first.
                answer.await.unwrap_or_else(|_ended| Err(Arc::new(FetchError::Abandoned)))
            }),
            Err(refused) => Response::reply(Err(refused)),
        }
    }
}
