//! The fetches and calls of one upstream: carries out what [`LaneState`] decides.
//!
//! Owns the fetches that wait for an answer and the calls that are open. Promises that every fetch
//! is answered once: with a value, an error, or its time-out. A fetch that queues costs a key and a
//! channel; only an open call costs a task.

mod batchable;
mod call;
mod decision;
mod scarcity;
mod state;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    select,
    sync::oneshot,
    task::{AbortHandle, spawn_local, yield_now},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

pub use self::{
    batchable::{Batchable, Group},
    decision::{CallId, Ending, FetchId, Full, LaneLimits, Output, Why},
    scarcity::{FIRST_PAUSE, LONGEST_PAUSE, Throttled},
    state::{LARGEST_BATCH, LaneState, SINGLY_FOR},
};
use crate::{
    clock::Clock,
    fetch::{
        demand::{Demand, Departure, FetchReply, Fetched, LONGEST_FETCH},
        error::FetchError,
        lane::call::{Answer, Answers, Asked, ask},
        upstream::Upstream,
    },
    freeze::{FreezeWatch, Open},
    key::UpstreamKind,
    log::{debug, millis},
    secret::SecretValue,
    stats::Stats,
};

/// For how many turns of the event loop a lane that batches gathers. A question needs four from its
/// socket to its lane (its connection, the registry, its key's actor, the pool), and each turn
/// looks at the sockets once: what a caller's other threads have sent by then leaves in the same
/// call. No timer; a turn with nothing to do takes microseconds.
const TURNS_TO_GATHER: usize = 8;

/// One upstream's fetches. See the module.
pub(super) struct Lane<K> {
    kind: UpstreamKind,
    upstream: Rc<dyn Upstream<K>>,
    state: RefCell<LaneState<K>>,
    pending: RefCell<HashMap<FetchId, Pending>>,
    calls: RefCell<HashMap<CallId, AbortHandle>>,
    /// Wakes the lane at the time its state names.
    alarm: RefCell<Option<(Duration, AbortOnDropHandle<()>)>>,
    /// When the service last throttled a call, in awake time, and what it said.
    throttled: RefCell<Option<(Duration, FetchError)>>,
    /// Whether fetches were queued when the log was last told.
    is_saturated: Cell<bool>,
    /// Whether the lane is gathering what is asked at this moment, and will go on afterwards.
    gathers: Cell<bool>,
    stopped: Cell<bool>,
    next_fetch: Cell<u64>,
    limits: LaneLimits,
    freezes: FreezeWatch,
    clock: Arc<dyn Clock>,
    stats: Rc<Stats>,
}

/// A fetch that waits for its answer.
struct Pending {
    reply: oneshot::Sender<FetchReply>,
    departure: Departure,
    /// In awake time.
    arrived: Duration,
    /// In awake time, while its call is open.
    left: Option<Duration>,
    /// What the service said when it throttled the fetch last.
    throttled: Option<FetchError>,
    _open: Open,
}

impl<K> Lane<K>
where
    K: Batchable + Clone + PartialEq + Display + 'static,
{
    pub(super) fn new(
        kind: UpstreamKind,
        upstream: Rc<dyn Upstream<K>>,
        limits: LaneLimits,
        freezes: FreezeWatch,
        clock: Arc<dyn Clock>,
        stats: Rc<Stats>,
    ) -> Rc<Self> {
        Rc::new(Self {
            kind,
            upstream,
            state: RefCell::new(LaneState::new(limits, fastrand::u64(..))),
            pending: RefCell::default(),
            calls: RefCell::default(),
            alarm: RefCell::default(),
            throttled: RefCell::default(),
            is_saturated: Cell::new(false),
            gathers: Cell::new(false),
            stopped: Cell::new(false),
            next_fetch: Cell::new(0),
            limits,
            freezes,
            clock,
            stats,
        })
    }

    /// Takes a fetch. Its reply is sent later, or at once if the queue is full.
    pub(super) fn fetch(
        self: &Rc<Self>,
        key: K,
        demand: Demand,
        departure: Departure,
        reply: oneshot::Sender<FetchReply>,
    ) {
        if self.stopped.get() {
            return self.refuse(reply, FetchError::Stopping);
        }
        let open = self.freezes.open();
        let arrived = self.freezes.awake();
        let id = FetchId(self.next_fetch.get());
        self.next_fetch.set(id.0 + 1);
        if let Err(Full) = self.state.borrow_mut().fetch(id, key, demand, arrived) {
            return self.refuse(reply, overloaded());
        }
        let pending =
            Pending { reply, departure, arrived, left: None, throttled: None, _open: open };
        self.pending.borrow_mut().insert(id, pending);
        if self.state.borrow().batches(arrived) {
            self.gather_and_go_on();
        } else {
            self.outlives_a_panic(|| self.go_on());
        }
    }

    /// More depends on the fetches of this key than before.
    pub(super) fn promote(self: &Rc<Self>, key: &K, demand: Demand) {
        self.outlives_a_panic(|| {
            self.state.borrow_mut().promote(key, demand, self.freezes.awake());
            self.go_on();
        });
    }

    /// Fails every fetch, and every further one.
    pub(super) fn stop(&self) {
        self.stopped.set(true);
        self.end_all(&FetchError::Stopping);
    }

    /// Does some work. A panic in it would leave calls that hold their permits for ever and fetches
    /// that are never answered: it ends all of them, and the lane starts over.
    fn outlives_a_panic(&self, work: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            self.end_all(&FetchError::Panicked);
        }
    }

    fn end_all(&self, error: &FetchError) {
        *self.state.borrow_mut() = LaneState::new(self.limits, fastrand::u64(..));
        self.throttled.take();
        self.alarm.take();
        self.calls.take().into_values().for_each(|call| call.abort());
        for fetch in self.pending.take().into_values() {
            self.refuse(fetch.reply, error.clone());
        }
    }

    /// What is asked at the same moment can leave in one call; nothing waits any longer.
    fn gather_and_go_on(self: &Rc<Self>) {
        if !self.gathers.replace(true) {
            let lane = Rc::clone(self);
            spawn_local(async move {
                for _ in 0..TURNS_TO_GATHER {
                    yield_now().await;
                }
                lane.gathers.set(false);
                lane.outlives_a_panic(|| lane.go_on());
            });
        }
    }

    /// Carries out what the state decides, until it has nothing more to do.
    fn go_on(self: &Rc<Self>) {
        loop {
            let now = self.freezes.awake();
            let Some(output) = self.state.borrow_mut().poll(now) else { break };
            match output {
                Output::Call(call, asked) => self.make(call, asked, now),
                Output::Fail(fetch, why) => self.fail(fetch, why, now),
                Output::Cancel(call) => {
                    if let Some(call) = self.calls.borrow_mut().remove(&call) {
                        call.abort();
                    }
                }
            }
        }
        self.log_saturation();
        self.set_alarm();
    }

    fn make(self: &Rc<Self>, call: CallId, asked: Asked<K>, now: Duration) {
        self.stats.upstream_call();
        let moment = self.clock.now();
        let (permits, queued) = (self.permits(), self.state.borrow().queued());
        for (id, key) in &asked {
            if let Some(pending) = self.pending.borrow_mut().get_mut(id) {
                pending.departure.leaves(moment);
                pending.left = Some(now);
            }
            let together = (asked.len() > 1).then_some(asked.len());
            debug!(%key, upstream = %self.kind, %permits, queued, together, "fetch started");
        }
        let lane = Rc::clone(self);
        let task = spawn_local(async move {
            let answers = ask(&*lane.upstream, &lane.freezes, &asked, || lane.asks_again(&asked));
            let answers = AssertUnwindSafe(answers).catch_unwind().await;
            let answers = answers.unwrap_or_else(|_panic| {
                let panicked = || Answer::Error(FetchError::Panicked);
                asked.iter().map(|(id, _)| (*id, panicked())).collect()
            });
            lane.outlives_a_panic(|| lane.ended(call, answers));
        });
        self.calls.borrow_mut().insert(call, task.abort_handle());
    }

    /// A call is made again, after a freeze: its values are born only now.
    fn asks_again(&self, asked: &Asked<K>) {
        self.stats.upstream_call();
        let moment = self.clock.now();
        for (id, key) in asked {
            if let Some(pending) = self.pending.borrow_mut().get_mut(id) {
                pending.departure.leaves(moment);
            }
            debug!(%key, upstream = %self.kind, "asking again: frozen since the call began");
        }
    }

    /// A call has ended: its fetches are answered, or put back.
    fn ended(self: &Rc<Self>, call: CallId, answers: Answers) {
        self.calls.borrow_mut().remove(&call);
        let now = self.freezes.awake();
        let endings: Vec<_> = answers.iter().map(|(id, answer)| (*id, answer.ending())).collect();
        let change = self.state.borrow_mut().ended(call, &endings, now);
        self.log_throttling(change, now);
        let refused = answers.iter().find_map(|(_, answer)| match answer {
            Answer::BatchRefused(code) => Some(code),
            _ => None,
        });
        if let Some(code) = refused {
            warn!(
                upstream = %self.kind,
                %code,
                "a batch was refused as a whole; asking singly for {} s. Does the role allow \
                 ssm:GetParameters on these parameters?",
                SINGLY_FOR.as_secs()
            );
        }
        for (id, answer) in answers {
            match answer {
                Answer::Value(value) => self.answer(id, Ok(value), now),
                Answer::Error(error) if error.is_throttling() => {
                    self.throttled.replace(Some((now, error.clone())));
                    self.put_back(id, Some(error));
                }
                Answer::Error(error) => self.answer(id, Err(error), now),
                Answer::Nothing | Answer::BatchRefused(_) => self.put_back(id, None),
            }
        }
        self.go_on();
    }

    /// The fetch waits for its call again, with what the service said if it throttled this one.
    fn put_back(&self, id: FetchId, throttled: Option<FetchError>) {
        if let Some(pending) = self.pending.borrow_mut().get_mut(&id) {
            pending.departure.put_back();
            pending.left = None;
            pending.throttled = throttled.or(pending.throttled.take());
        }
    }

    fn fail(&self, id: FetchId, why: Why, now: Duration) {
        let moment = self.clock.now();
        let Some(pending) = self.pending.borrow_mut().remove(&id) else { return };
        // The key hears of it a turn later: a refresh that asks meanwhile must not join.
        pending.departure.leaves(moment);
        let error = self.why_failed(&pending, why, now);
        self.reply(pending, Err(error), now);
    }

    fn why_failed(&self, pending: &Pending, why: Why, now: Duration) -> FetchError {
        let (upstream, after) = (self.kind, self.limits.time_out);
        let queued_for_most_of_its_time =
            pending.left.is_none_or(|left| now.saturating_sub(left) < after / 2);
        let others = self.throttled.borrow().clone().filter(|(at, _)| {
            queued_for_most_of_its_time && *at + LONGEST_FETCH >= pending.arrived
        });
        let throttled = pending.throttled.clone().or_else(|| others.map(|(_, error)| error));
        match (why, throttled) {
            (Why::Displaced, _) => overloaded(),
            (Why::OldValueWillDo, Some(error)) => error,
            (Why::Throttled | Why::NoAnswer, Some(error)) => error.with_advice(upstream),
            (Why::NoAnswer, None) => {
                let hint = if queued_for_most_of_its_time {
                    "the fetch queued for most of that time; \
                     raise PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS"
                } else {
                    "the service did not answer; does a missing route, a security group, a \
                     network ACL or a proxy hold it up?"
                };
                FetchError::Timeout { upstream, after, hint }
            }
            (Why::Queued | Why::Throttled | Why::OldValueWillDo, _) => {
                FetchError::Queued { upstream, after }
            }
        }
    }

    fn answer(&self, id: FetchId, answer: Result<SecretValue, FetchError>, now: Duration) {
        // A fetch that timed out before its call ended has its answer.
        if let Some(pending) = self.pending.borrow_mut().remove(&id) {
            self.reply(pending, answer, now);
        }
    }

    fn refuse(&self, reply: oneshot::Sender<FetchReply>, error: FetchError) {
        self.stats.fetch_failed();
        send(reply, Err(error));
    }

    fn reply(&self, pending: Pending, answer: Result<SecretValue, FetchError>, now: Duration) {
        self.stats.fetch_took(now.saturating_sub(pending.arrived));
        if answer.is_err() {
            self.stats.fetch_failed();
        }
        let left = pending.left.unwrap_or(now);
        send(
            pending.reply,
            answer.map(|value| Fetched {
                value,
                queued: left.saturating_sub(pending.arrived),
                took: now.saturating_sub(left),
            }),
        );
    }

    /// Wakes the lane when its state wants it, and after a freeze, which ends a pause.
    fn set_alarm(self: &Rc<Self>) {
        let wake_at = self.state.borrow().wake_at();
        let is_set_for = self.alarm.borrow().as_ref().map(|(at, _)| *at);
        if wake_at == is_set_for {
            return;
        }
        *self.alarm.borrow_mut() = wake_at.map(|at| {
            let lane = Rc::downgrade(self);
            let (freezes, generation) = (self.freezes.clone(), self.freezes.generation());
            let rings = async move {
                let rings = async {
                    select! {
                        () = freezes.sleep(at.saturating_sub(freezes.awake())) => false,
                        () = freezes.frozen_since(generation) => true,
                    }
                };
                // One that panics rings early: the lane looks at the time again, and sets another.
                let thawed = AssertUnwindSafe(rings).catch_unwind().await.unwrap_or(false);
                let Some(lane) = lane.upgrade() else { return };
                if thawed {
                    lane.state.borrow_mut().thawed();
                }
                // Not dropped here: this task would end itself.
                let done = lane.alarm.take();
                lane.outlives_a_panic(|| lane.go_on());
                drop(done.map(|(_, task)| task.detach()));
            };
            (at, AbortOnDropHandle::new(spawn_local(rings)))
        });
    }

    fn log_saturation(&self) {
        let queued = self.state.borrow().queued();
        self.stats.queue_length(queued);
        let what = match (self.is_saturated.replace(queued > 0), queued > 0) {
            (false, true) => "pool saturated",
            (true, false) => "pool drained",
            _ => return,
        };
        debug!(upstream = %self.kind, permits = %self.permits(), queued, "{what}");
    }

    fn log_throttling(&self, change: Option<Throttled>, now: Duration) {
        let Some(change) = change else { return };
        let state = self.state.borrow();
        let (window, pause_ms) = (state.window(), millis(state.pause(now)));
        match change {
            Throttled::Begins => {
                self.stats.throttled();
                info!(
                    upstream = %self.kind,
                    "the service throttles; calls go one at a time, with pauses, until it answers"
                );
            }
            Throttled::Continues => self.stats.throttled(),
            Throttled::Ends => {
                debug!(upstream = %self.kind, window, "the service no longer throttles");
                return;
            }
        }
        debug!(upstream = %self.kind, window, pause_ms, queued = state.queued(), "throttled");
    }

    fn permits(&self) -> String {
        let state = self.state.borrow();
        format!("{}/{}", state.open_calls(), state.permits())
    }
}

fn overloaded() -> FetchError {
    FetchError::Overloaded(
        "too many fetches queue for this service already; \
         PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS sets how many run at once",
    )
}

/// A key's actor that has ended waits for no reply.
fn send(reply: oneshot::Sender<FetchReply>, answer: FetchReply) {
    let _ = reply.send(answer);
}
