//! Serves one key.

use std::{fmt, rc::Rc, sync::Arc, time::Duration};

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, WeakRecipient, WrapFuture,
};
use tokio::sync::oneshot;
use tracing::{error, warn};

use crate::{
    cache::{
        Answer, Entry, Freshness, Lease, LookupResult, MAX_WAITERS, Reply, Settled, Urgency,
        catalogue::count_hit,
        flight::{Flight, Waiter},
        outage::Outage,
        shelf::Shelf,
    },
    clock::{Clock, Moment},
    fetch::{
        error::{FetchError, SharedFetchError},
        pool::{Demand, Departure, Fetch, FetchPool, FetchReply, Fetched, Promote},
    },
    key::CacheKey,
    log::{debug, millis},
    stats::Stats,
};

/// Answers this key: at once if it can, else when a fetch settles.
#[derive(Debug)]
pub struct Get {
    /// How the caller asks.
    pub urgency: Urgency,
    /// Where the answer goes. Dropped unsent it tells the caller that an actor died over it.
    pub reply: Reply,
    /// Tells the registry that this key is in use until the caller is answered.
    pub lease: Lease,
}

impl Message for Get {
    type Result = ();
}

/// Serves one key. At most one fetch is in flight; whoever misses meanwhile waits for it.
///
/// Invariant: while `flight` is `None`, nobody waits. The fetch belongs to the actor, not to the caller
/// who started it: it runs on the actor's context, so a caller that hangs up never cancels it for the
/// others, and an evicted actor lives until its fetch has settled.
pub struct CacheActor {
    key: CacheKey,
    shelf: Rc<Shelf>,
    fetch_pool: Addr<FetchPool>,
    /// Weak: the registry holds this actor, and would never end if it were held by it.
    registry: WeakRecipient<Settled>,
    clock: Arc<dyn Clock>,
    stats: Rc<Stats>,
    outage: Option<Outage>,
    flight: Option<Flight>,
    /// Callers for whom the fetch in flight began too early; the next fetch is theirs.
    latecomers: Vec<Waiter>,
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
    /// An actor that puts this key's answers on `shelf`.
    pub(super) fn new(
        key: CacheKey,
        shelf: Rc<Shelf>,
        fetch_pool: Addr<FetchPool>,
        registry: WeakRecipient<Settled>,
        clock: Arc<dyn Clock>,
        stats: Rc<Stats>,
    ) -> Self {
        Self {
            key,
            shelf,
            fetch_pool,
            registry,
            clock,
            stats,
            outage: None,
            flight: None,
            latecomers: Vec::new(),
        }
    }

    /// What can be said without waiting: a fresh answer, a stale one while fetches are known to fail, or
    /// a failure that is remembered.
    fn at_once(
        &mut self,
        lease: &Lease,
        now: Moment,
        ctx: &mut Context<Self>,
    ) -> Option<LookupResult> {
        match self.shelf.freshness(now) {
            Some(Freshness::Fresh) => {}
            Some(Freshness::EndsSoon) if self.shelf.policy().refresh_ahead => {
                self.fetch_in_background(lease, now, ctx);
            }
            Some(Freshness::EndsSoon) => {}
            Some(Freshness::Stale) if self.is_known_to_fail() => {
                self.fetch_in_background(lease, now, ctx);
                return self.answer_despite_failure(now).map(Ok);
            }
            Some(Freshness::Stale | Freshness::TooOld) => {
                debug!(key = %self.key, age_ms = self.shelf.age(now).map(millis), "expired");
                return self.remembered_failure(now).map(Err);
            }
            None => return self.remembered_failure(now).map(Err),
        }
        count_hit(&self.stats, &self.key, &self.shelf, now);
        self.shelf.answer().map(Ok)
    }

    /// Whether waiting is known to be of no use: the last fetch failed for a reason that passes, or the one
    /// in flight has outlasted the deadline of somebody who waited for it.
    fn is_known_to_fail(&self) -> bool {
        self.outage.as_ref().is_some_and(Outage::is_passing)
            || self.flight.as_ref().is_some_and(|flight| flight.is_overdue)
    }

    /// Starts a fetch that nobody waits for, unless one runs or the pause after a failure is not over.
    fn fetch_in_background(&mut self, lease: &Lease, now: Moment, ctx: &mut Context<Self>) {
        let may_try = self.outage.as_ref().is_none_or(|outage| outage.may_try_again(now));
        if self.flight.is_none() && may_try {
            debug!(key = %self.key, "fetching ahead");
            self.start_fetch(Flight::new(now, false, lease.clone()), ctx);
        }
    }

    fn remembered_failure(&self, now: Moment) -> Option<SharedFetchError> {
        let failure = self.outage.as_ref()?.remembered(now, self.shelf.policy().error_ttl)?;
        debug!(key = %self.key, code = failure.code(), "remembered failure");
        Some(failure)
    }

    /// The kept value instead of a failure, if it may be given. One warning per outage tells of it.
    fn answer_despite_failure(&mut self, now: Moment) -> Option<Answer> {
        let answer = self.shelf.answer_despite_failure(now)?;
        let Some(age) = answer.stale_age else { return Some(answer) };
        self.stats.stale();
        if let Some(failure) = self.outage.as_mut().and_then(Outage::take_warning) {
            warn!(
                key = %self.key,
                age_s = age.as_secs(),
                "answering with an old value, because fetches fail: {}: {failure}",
                failure.code(),
            );
        }
        Some(answer)
    }

    /// What there is for a caller whose deadline has come.
    fn without_waiting(&mut self, deadline: Duration, now: Moment) -> LookupResult {
        if let Some(flight) = &mut self.flight {
            flight.is_overdue |= flight.has_run_for(deadline, now);
        }
        self.answer_despite_failure(now)
            .ok_or_else(|| Arc::new(FetchError::deadline_passed(self.key.upstream(), deadline)))
    }

    /// Lets a caller wait: for the fetch in flight, for the next one, or for one it starts.
    fn enlist(&mut self, waiter: Waiter, now: Moment, ctx: &mut Context<Self>) {
        if let Err(refused) = self.make_room_for_a_waiter() {
            return waiter.answer(Err(refused));
        }
        match &mut self.flight {
            None => {
                self.stats.miss();
                debug!(key = %self.key, refresh = waiter.refresh, "miss");
                let mut flight = Flight::new(now, waiter.refresh, waiter.lease.clone());
                flight.waiters.push(waiter);
                self.start_fetch(flight, ctx);
            }
            Some(flight) if flight.may_answer(waiter.refresh, now, self.shelf.policy()) => {
                flight.waiters.push(waiter);
                self.stats.coalesced();
                debug!(key = %self.key, waiting = flight.waiters.len(), "joined a fetch in flight");
                self.promote();
            }
            Some(_) => {
                if self.latecomers.is_empty() {
                    self.stats.miss();
                } else {
                    self.stats.coalesced();
                }
                self.latecomers.push(waiter);
                debug!(
                    key = %self.key,
                    waiting = self.latecomers.len(),
                    "waits for a newer fetch than the one in flight"
                );
            }
        }
    }

    /// A caller waits for the fetch in flight now.
    #[expect(clippy::disallowed_methods, reason = "a pool that has died drops the fetch's reply")]
    fn promote(&self) {
        let Some(flight) = &self.flight else { return };
        let (key, demand) = (self.key.clone(), self.demand(flight));
        self.fetch_pool.do_send(Promote { key, demand });
    }

    /// Forgets callers who hung up, and refuses the next one only if that was not enough.
    fn make_room_for_a_waiter(&mut self) -> Result<(), SharedFetchError> {
        if self.waiting() < MAX_WAITERS {
            return Ok(());
        }
        if let Some(flight) = &mut self.flight {
            flight.waiters.retain(Waiter::still_waits);
        }
        self.latecomers.retain(Waiter::still_waits);
        if self.waiting() < MAX_WAITERS {
            return Ok(());
        }
        Err(Arc::new(FetchError::Overloaded("too many callers wait for this key already")))
    }

    fn waiting(&self) -> usize {
        self.flight.as_ref().map_or(0, |flight| flight.waiters.len()) + self.latecomers.len()
    }

    /// What depends on this fetch's answer.
    fn demand(&self, flight: &Flight) -> Demand {
        let has_an_old_value = self.shelf.answer_despite_failure(self.clock.now()).is_some();
        match &flight.waiters[..] {
            [] => Demand::NobodyWaits,
            waiters if has_an_old_value && !waiters.iter().any(|waiter| waiter.refresh) => {
                Demand::OldValueWillDo
            }
            _ => Demand::NewValueOnly,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a lost message drops its reply, which tells")]
    fn start_fetch(&mut self, flight: Flight, ctx: &mut Context<Self>) {
        debug_assert!(self.flight.is_none(), "one fetch in flight per key");
        let demand = self.demand(&flight);
        self.flight = Some(flight);
        let (reply, answer) = oneshot::channel();
        let (key, departure) = (self.key.clone(), Departure::default());
        self.fetch_pool.do_send(Fetch { key, demand, departure, reply });
        ctx.spawn(answer.into_actor(self).map(|reply, actor, ctx| {
            actor.settle(reply.unwrap_or_else(|_gone| Err(FetchError::Abandoned)), ctx);
        }));
    }

    /// Ends the fetch: keeps a value, answers every waiter, starts what the latecomers need. The only
    /// place where anybody who waited is answered, on every path: value, error, time-out, panic.
    fn settle(&mut self, reply: FetchReply, ctx: &mut Context<Self>) {
        let Some(flight) = self.flight.take() else { return };
        let now = self.clock.now();
        match reply {
            Ok(fetched) => self.succeed(fetched, flight),
            Err(failure) => self.fail(failure, flight, now),
        }
        if let Some(first) = self.latecomers.first() {
            let mut flight = Flight::new(now, true, first.lease.clone());
            flight.waiters = std::mem::take(&mut self.latecomers);
            self.start_fetch(flight, ctx);
            return;
        }
        self.tell_the_registry();
    }

    fn is_worth_keeping(&self) -> bool {
        let remembers = self.outage.is_some() && !self.shelf.policy().error_ttl.is_zero();
        !self.shelf.is_empty() || remembers
    }

    fn tell_the_registry(&self) {
        // A registry that has ended knows no keys any more.
        let Some(registry) = self.registry.upgrade() else { return };
        let is_worth_keeping = self.is_worth_keeping();
        let settled = Settled { key: self.key.clone(), is_worth_keeping };
        // A mailbox always has room for one message of each sender.
        let _ = registry.try_send(settled);
    }

    fn succeed(&mut self, fetched: Fetched, flight: Flight) {
        let Fetched { value, queued, took } = fetched;
        debug!(
            key = %self.key,
            upstream = %self.key.upstream(),
            queued_ms = millis(queued),
            took_ms = millis(took),
            answered = flight.waiters.len(),
            "fetch done"
        );
        self.outage = None;
        let entry = Entry::new(value, flight.begun);
        for waiter in flight.waiters {
            waiter.answer(Ok(entry.answer()));
        }
        if self.shelf.policy().keeps_answers() {
            debug!("Caching {} with key {}", self.key.noun(), self.key);
            self.shelf.put(entry);
        }
    }

    fn fail(&mut self, failure: FetchError, flight: Flight, now: Moment) {
        error!(
            key = %self.key,
            answered = flight.waiters.len(),
            "{} request encountered an error: {}: {failure}",
            self.key.operation(),
            failure.code(),
        );
        if failure.is_refusal() {
            // Gone, or not allowed any more: its old value must not come back in a later outage.
            self.shelf.clear();
        }
        let failure = Arc::new(failure);
        self.outage = Some(Outage::after(self.outage.take(), Arc::clone(&failure), now));
        for waiter in flight.waiters {
            let instead = if waiter.refresh { None } else { self.answer_despite_failure(now) };
            waiter.answer(instead.ok_or_else(|| Arc::clone(&failure)));
        }
    }
}

impl Handler<Get> for CacheActor {
    type Result = ();

    fn handle(&mut self, get: Get, ctx: &mut Self::Context) {
        let now = self.clock.now();
        let at_once = match get.urgency {
            Urgency::Patient => self.at_once(&get.lease, now, ctx),
            Urgency::OutOfTime(after) => Some(self.without_waiting(after, now)),
            Urgency::Refresh => None,
        };
        match at_once {
            Some(answer) => {
                Waiter::new(get).answer(answer);
                if self.flight.is_none() && !self.is_worth_keeping() {
                    self.tell_the_registry();
                }
            }
            None => self.enlist(Waiter::new(get), now, ctx),
        }
    }
}
