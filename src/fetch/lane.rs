//! One upstream's permits, and the queue for them.

use std::{cell::Cell, rc::Rc, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::{
    clock::{Clock, Moment},
    fetch::{
        error::FetchError,
        pool::{FetchReply, Fetched, PoolLimits},
        upstream::{UpstreamAnswer, Upstreams},
    },
    key::{CacheKey, UpstreamKind},
    log::debug,
    stats::Stats,
};

/// A call younger than this when an invocation begins was hardly frozen: it may be INIT's.
const OLDEST_CALL_KEPT: Duration = Duration::from_secs(1);

/// The way to one upstream: so many calls at once, so many waiting, each so long.
pub(super) struct Lane {
    kind: UpstreamKind,
    upstreams: Upstreams,
    limits: PoolLimits,
    permits: Arc<Semaphore>,
    queued: Cell<usize>,
    invoked: Notify,
    clock: Arc<dyn Clock>,
    stats: Rc<Stats>,
}

/// A place in a lane: a permit, or a place in the queue for one.
pub(super) enum Place {
    Permit(OwnedSemaphorePermit),
    Queued(QueuedGuard),
}

/// Counts one queued fetch for as long as it lives, so that an aborted one leaves the queue too.
pub(super) struct QueuedGuard(Rc<Lane>);

impl QueuedGuard {
    fn new(lane: Rc<Lane>) -> Self {
        lane.queued.set(lane.queued.get() + 1);
        lane.stats.queue_length(lane.queued.get());
        Self(lane)
    }
}

impl Drop for QueuedGuard {
    fn drop(&mut self) {
        self.0.queued.set(self.0.queued.get() - 1);
        if self.0.queued.get() == 0 {
            self.0.log_state("pool drained");
        }
    }
}

impl Lane {
    pub(super) fn new(
        kind: UpstreamKind,
        upstreams: Upstreams,
        limits: PoolLimits,
        clock: Arc<dyn Clock>,
        stats: Rc<Stats>,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(limits.permits.get()));
        let (queued, invoked) = (Cell::new(0), Notify::new());
        Self { kind, upstreams, limits, permits, queued, invoked, clock, stats }
    }

    /// Takes a permit or a place in the queue, or refuses.
    ///
    /// Decided when the fetch arrives, so that the queue's length is exact. Whoever queues goes first.
    pub(super) fn take_a_place(self: &Rc<Self>) -> Result<Place, FetchError> {
        if self.queued.get() == 0
            && let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned()
        {
            return Ok(Place::Permit(permit));
        }
        if self.queued.get() >= self.limits.max_queued {
            return Err(FetchError::Overloaded(
                "too many fetches queue for this service already; \
                 PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS sets how many run at once",
            ));
        }
        let guard = QueuedGuard::new(Rc::clone(self));
        if self.queued.get() == 1 {
            self.log_state("pool saturated");
        }
        Ok(Place::Queued(guard))
    }

    /// Waits for a permit if it must, then asks the upstream; ends at the lane's time-out.
    pub(super) async fn fetch(self: Rc<Self>, key: CacheKey, place: Place) -> FetchReply {
        let arrived = self.clock.now().monotonic;
        let deadline = arrived + self.limits.time_out;
        let _permit = match place {
            Place::Permit(permit) => permit,
            Place::Queued(_guard) => self.wait_for_permit(deadline).await?,
        };
        let started = self.clock.now().monotonic;
        debug!(
            %key,
            upstream = %self.kind,
            permits = %self.permits_taken(),
            queued = self.queued.get(),
            "fetch started"
        );
        let answer = timeout_at(deadline, self.ask(key)).await;
        let ended = self.clock.now().monotonic;
        self.stats.fetch_took(ended - arrived);
        let outcome = answer.unwrap_or_else(|_elapsed| {
            Err(self.timed_out("the service did not answer; is there a route to its endpoint?"))
        });
        if outcome.is_err() {
            self.stats.fetch_failed();
        }
        Ok(Fetched { value: outcome?, queued: started - arrived, took: ended - started })
    }

    /// Asks the upstream, and again if an invocation begins while an old call is still open.
    async fn ask(&self, key: CacheKey) -> UpstreamAnswer {
        loop {
            self.stats.upstream_call();
            let asked = self.clock.now();
            tokio::select! {
                answer = self.upstreams.fetch(key.clone()) => return answer,
                () = self.outlives_an_invocation(asked) => {
                    debug!(%key, upstream = %self.kind, "asking again: frozen since the call began");
                }
            }
        }
    }

    /// Resolves when an invocation begins that cannot have begun when `asked` was.
    ///
    /// A call left open when the environment was frozen has no connection any more, and maybe no timer
    /// that would tell: the monotonic clock may not have moved.
    async fn outlives_an_invocation(&self, asked: Moment) {
        loop {
            self.invoked.notified().await;
            let age = self.clock.now().age_since(asked);
            if age.is_none_or(|age| age >= OLDEST_CALL_KEPT) {
                return;
            }
        }
    }

    /// An invocation has begun: the environment may have been frozen until now.
    pub(super) fn invoked(&self) {
        self.invoked.notify_waiters();
    }

    async fn wait_for_permit(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, FetchError> {
        match timeout_at(deadline, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            // Nobody closes the semaphore.
            Ok(Err(_closed)) => Err(FetchError::Stopping),
            Err(_elapsed) => Err(self.timed_out(
                "the fetch was still waiting for a free connection; \
                 raise PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS",
            )),
        }
    }

    fn timed_out(&self, hint: &'static str) -> FetchError {
        FetchError::Timeout { upstream: self.kind, after: self.limits.time_out, hint }
    }

    fn permits_taken(&self) -> String {
        let permits = self.limits.permits.get();
        format!("{}/{permits}", permits - self.permits.available_permits())
    }

    fn log_state(&self, what: &'static str) {
        debug!(
            upstream = %self.kind,
            permits = %self.permits_taken(),
            queued = self.queued.get(),
            "{what}"
        );
    }
}
