//! One key: what is kept, what has failed, which callers wait. Pure: no actor, no future, no clock
//! of its own.
//!
//! Three things can arrive: a caller asks ([`KeyState::ask`]), a caller's deadline passes
//! ([`KeyState::out_of_time`]), the fetch in flight ends ([`KeyState::settle`]). Each gives what is
//! to be done, in order. [`KeyState::hit`] is the short way: the answer, if there is nothing else
//! to be done.
//!
//! Promises: at most one fetch is in flight, and each caller is answered once. Every waiting caller
//! is answered in [`KeyState::settle`], whatever the end of the fetch: value, error, time-out,
//! panic.

use std::{mem, sync::Arc, time::Duration};

use crate::{
    cache::{
        caller::{Caller, CallerId, LookupResult, Urgency},
        entry::{Answer, Entry, Freshness},
        event::Event,
        failures::{Failure, Setbacks},
        flight::{Flight, Waiters},
        policy::{CachePolicy, MAX_WAITERS},
    },
    clock::Moment,
    fetch::{
        demand::{Demand, Departure, FetchReply, Fetched},
        error::{FetchError, SharedFetchError},
    },
};

/// What a key remembers, and the fetch it waits for.
#[derive(Debug)]
pub struct KeyState<C> {
    memory: Memory,
    /// Boxed: a key at rest has none, and there may be thousands.
    flight: Option<Box<Flight<C>>>,
}

/// What a key knows from the fetches that have ended.
#[derive(Debug)]
enum Memory {
    Nothing,
    /// A value, and what has gone wrong since it came.
    Value {
        entry: Entry,
        setbacks: Option<Box<Setbacks>>,
    },
    /// No value, and why there is none.
    Failure(Box<Failure>),
}

/// What is to be done.
#[derive(Debug)]
pub enum Output<C> {
    /// Give this to each of these callers.
    Answer(Vec<C>, LookupResult),
    /// Fetch the key; the end of the fetch is for [`KeyState::settle`].
    Fetch(Demand, Departure),
    /// Tell the pool that the fetch in flight is needed more than it was.
    Promote(Demand),
    /// Log and count this.
    Note(Event),
}

/// What the index counts a key as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// Nothing that a caller could be given.
    Nothing,
    /// A failure that is answered again.
    Failure,
    /// A value.
    Value,
}

impl<C> Default for KeyState<C> {
    fn default() -> Self {
        Self { memory: Memory::Nothing, flight: None }
    }
}

impl<C> KeyState<C> {
    /// The answer, if giving it is all there is to be done.
    pub fn hit(&self, policy: &CachePolicy, now: Moment) -> Option<(Answer, Event)> {
        let Memory::Value { entry, setbacks } = &self.memory else { return None };
        let is_hit = match entry.freshness(now, policy) {
            Freshness::Fresh => true,
            Freshness::LastFifth => {
                !policy.refresh_ahead || !self.may_fetch_behind(setbacks.as_deref(), now)
            }
            Freshness::Revalidating | Freshness::Stale | Freshness::TooOld => false,
        };
        is_hit.then(|| (entry.answer(), Event::Hit { age: entry.age(now) }))
    }

    /// What it holds for callers to come.
    pub fn holding(&self) -> Holding {
        match self.memory {
            Memory::Nothing => Holding::Nothing,
            Memory::Failure(_) => Holding::Failure,
            Memory::Value { .. } => Holding::Value,
        }
    }

    /// The bytes of what it holds for callers to come: a body, a failure's text, or both; `None` if
    /// it holds nothing.
    pub fn held_bytes(&self) -> Option<usize> {
        match &self.memory {
            Memory::Nothing => None,
            Memory::Failure(failure) => Some(failure.error.text_len()),
            Memory::Value { entry, .. } => {
                let failure = self.setbacks().and_then(Setbacks::failure);
                Some(entry.body_len() + failure.map_or(0, |failure| failure.error.text_len()))
            }
        }
    }

    /// Whether no fetch is in flight; then no caller waits either.
    pub fn is_at_rest(&self) -> bool {
        self.flight.is_none()
    }

    /// Whether it holds nothing but a failure whose time is over.
    pub fn is_over(&self, policy: &CachePolicy, now: Moment) -> bool {
        match &self.memory {
            Memory::Failure(failure) => !failure.is_remembered(now, policy.error_ttl),
            Memory::Nothing | Memory::Value { .. } => false,
        }
    }

    fn setbacks(&self) -> Option<&Setbacks> {
        match &self.memory {
            Memory::Value { setbacks, .. } => setbacks.as_deref(),
            Memory::Nothing | Memory::Failure(_) => None,
        }
    }

    fn may_fetch_behind(&self, setbacks: Option<&Setbacks>, now: Moment) -> bool {
        self.flight.is_none() && setbacks.is_none_or(|setbacks| setbacks.may_try_again(now))
    }
}

impl<C: Caller> KeyState<C> {
    /// A caller asks. It is answered at once if it can be, else when a fetch settles.
    pub fn ask(
        &mut self,
        (caller, id, urgency): (C, CallerId, Urgency),
        policy: &CachePolicy,
        now: Moment,
    ) -> Vec<Output<C>> {
        let mut out = Vec::new();
        let at_once = match urgency {
            Urgency::Patient => self.at_once(id, policy, now, &mut out),
            Urgency::Refresh => None,
        };
        match at_once {
            Some(answer) => out.push(Output::Answer(vec![caller], answer)),
            None => self.wait(caller, id, urgency, policy, now, &mut out),
        }
        out
    }

    /// The deadline of a caller that asked before has passed. It gets a kept value, or else this
    /// failure.
    pub fn out_of_time(
        &mut self,
        (caller, id, failure): (C, CallerId, SharedFetchError),
        policy: &CachePolicy,
        now: Moment,
    ) -> Vec<Output<C>> {
        let mut out = Vec::new();
        if let Some(flight) = &mut self.flight {
            flight.outlasts(id);
        }
        let answer = self.answer_instead(1, policy, now, &mut out).ok_or(failure);
        out.push(Output::Answer(vec![caller], answer));
        out
    }

    /// The fetch in flight has ended. Keeps a value, answers all callers that waited for it, and
    /// starts the next one if callers came too late for it. `draw` is that of
    /// [`CachePolicy::ttl_of_one_value`].
    pub fn settle(
        &mut self,
        reply: FetchReply,
        draw: f64,
        policy: &CachePolicy,
        now: Moment,
    ) -> Vec<Output<C>> {
        let mut out = Vec::new();
        let Some(flight) = self.flight.take() else { return out };
        let Flight { departure, waiters, latecomers, last_caller, .. } = *flight;
        match reply {
            Ok(fetched) => {
                let born = departure.left_at().unwrap_or(now);
                self.succeed(
                    fetched,
                    (born, policy.ttl_of_one_value(draw)),
                    waiters,
                    policy,
                    &mut out,
                );
            }
            Err(failure) => self.fail(Arc::new(failure), waiters, policy, now, &mut out),
        }
        if !latecomers.is_empty() {
            let demand = self.demand_of(&latecomers, policy, now);
            self.start_fetch(Flight::new(demand, latecomers, last_caller.next()), &mut out);
        }
        out
    }

    /// The answer that needs no waiting, if there is one, and the fetch behind it.
    fn at_once(
        &mut self,
        id: CallerId,
        policy: &CachePolicy,
        now: Moment,
        out: &mut Vec<Output<C>>,
    ) -> Option<LookupResult> {
        let entry = match &self.memory {
            Memory::Nothing => return None,
            Memory::Failure(failure) => return remembered(failure, policy, now, out),
            Memory::Value { entry, .. } => entry,
        };
        match entry.freshness(now, policy) {
            Freshness::Fresh => {}
            Freshness::LastFifth => {
                if policy.refresh_ahead {
                    self.fetch_behind(id, now, out);
                }
            }
            Freshness::Revalidating => {
                self.fetch_behind(id, now, out);
                return self.answer_instead(1, policy, now, out).map(Ok);
            }
            Freshness::Stale if self.is_known_to_fail(now) => {
                self.fetch_behind(id, now, out);
                return self.answer_instead(1, policy, now, out).map(Ok);
            }
            Freshness::Stale => {
                out.push(Output::Note(Event::Expired { age: entry.age(now) }));
                return None;
            }
            Freshness::TooOld => {
                out.push(Output::Note(Event::Expired { age: entry.age(now) }));
                let failure = self.setbacks().and_then(Setbacks::failure);
                return failure.and_then(|failure| remembered(failure, policy, now, out));
            }
        }
        let Memory::Value { entry, .. } = &self.memory else { return None };
        out.push(Output::Note(Event::Hit { age: entry.age(now) }));
        Some(Ok(entry.answer()))
    }

    /// Whether it is known that waiting is useless: the upstream has failed of late, or the fetch
    /// in flight has outlasted the deadline of a caller.
    fn is_known_to_fail(&self, now: Moment) -> bool {
        self.setbacks().is_some_and(|setbacks| setbacks.is_known_to_fail(now))
            || self.flight.as_ref().is_some_and(|flight| flight.is_known_to_fail(now))
    }

    /// Starts a fetch that no caller waits for, unless one runs or the pause after a setback is not
    /// over.
    fn fetch_behind(&mut self, id: CallerId, now: Moment, out: &mut Vec<Output<C>>) {
        if !self.may_fetch_behind(self.setbacks(), now) {
            return;
        }
        out.push(Output::Note(Event::FetchingAhead));
        let flight = Flight::new(Demand::Background, Waiters::none(), id);
        let is_attempt = self.is_known_to_fail(now);
        self.start_fetch(if is_attempt { flight.into_attempt(now) } else { flight }, out);
    }

    /// The kept value in place of a newer one, for this number of callers, if it may be given.
    /// Warns once in an outage.
    fn answer_instead(
        &mut self,
        callers: usize,
        policy: &CachePolicy,
        now: Moment,
        out: &mut Vec<Output<C>>,
    ) -> Option<Answer> {
        let Memory::Value { entry, setbacks } = &mut self.memory else { return None };
        let answer = entry.answer_instead(now, policy)?;
        if let Some(age) = answer.stale_age {
            let warning = setbacks.as_mut().and_then(|setbacks| setbacks.take_warning());
            out.push(Output::Note(Event::OldValue { age, callers, warning }));
        }
        Some(answer)
    }

    /// Lets a caller wait: for the fetch in flight, for the next one, or for one that it starts.
    fn wait(
        &mut self,
        caller: C,
        id: CallerId,
        urgency: Urgency,
        policy: &CachePolicy,
        now: Moment,
        out: &mut Vec<Output<C>>,
    ) {
        if !self.has_room_for_a_waiter() {
            let kept = match urgency {
                Urgency::Patient => self.answer_instead(1, policy, now, out),
                Urgency::Refresh => None,
            };
            let refused =
                || Arc::new(FetchError::Overloaded("too many callers wait for this key already"));
            return out.push(Output::Answer(vec![caller], kept.ok_or_else(refused)));
        }
        let mut alone = Waiters::none();
        alone.push(caller, urgency);
        let demand = self.demand_of(&alone, policy, now);
        let Some(flight) = &mut self.flight else {
            out.push(Output::Note(Event::Miss(urgency)));
            return self.start_fetch(Flight::new(demand, alone, id), out);
        };
        flight.last_caller = id;
        if flight.may_answer(urgency, now, policy) {
            flight.waiters.append(alone);
            out.push(Output::Note(Event::Joined { waiting: flight.waiters.len() }));
            if demand > flight.demand {
                flight.demand = demand;
                out.push(Output::Promote(demand));
            }
        } else {
            flight.latecomers.append(alone);
            out.push(Output::Note(Event::TooLateToJoin { waiting: flight.latecomers.len() }));
        }
    }

    /// What these callers need of a fetch.
    fn demand_of(&self, waiters: &Waiters<C>, policy: &CachePolicy, now: Moment) -> Demand {
        let has_old_value = matches!(
            &self.memory,
            Memory::Value { entry, .. } if entry.freshness(now, policy) != Freshness::TooOld
        );
        if has_old_value && waiters.refreshing.is_empty() {
            Demand::OldValueWillDo
        } else {
            Demand::NewValueOnly
        }
    }

    /// Forgets callers that have hung up, if there is no room without.
    fn has_room_for_a_waiter(&mut self) -> bool {
        let Some(flight) = &mut self.flight else { return true };
        flight.make_room();
        flight.waiting() < MAX_WAITERS
    }

    fn start_fetch(&mut self, flight: Flight<C>, out: &mut Vec<Output<C>>) {
        debug_assert!(self.flight.is_none(), "one fetch in flight per key");
        out.push(Output::Fetch(flight.demand, flight.departure.clone()));
        self.flight = Some(Box::new(flight));
    }

    fn succeed(
        &mut self,
        fetched: Fetched,
        (born, ttl): (Moment, Duration),
        waiters: Waiters<C>,
        policy: &CachePolicy,
        out: &mut Vec<Output<C>>,
    ) {
        let Fetched { value, queued, took } = fetched;
        out.push(Output::Note(Event::Fetched { queued, took, answered: waiters.len() }));
        let entry = Entry::new(value, born, ttl);
        let answer = entry.answer();
        self.memory = if policy.keeps_values() {
            out.push(Output::Note(Event::Kept));
            Memory::Value { entry, setbacks: None }
        } else {
            Memory::Nothing
        };
        answer_all(waiters.patient, Ok(answer.clone()), out);
        answer_all(waiters.refreshing, Ok(answer), out);
    }

    fn fail(
        &mut self,
        failure: SharedFetchError,
        waiters: Waiters<C>,
        policy: &CachePolicy,
        now: Moment,
        out: &mut Vec<Output<C>>,
    ) {
        let answered = waiters.len();
        out.push(Output::Note(if failure.is_our_own() && answered == 0 {
            Event::GivenUp(Arc::clone(&failure))
        } else {
            Event::Failed { failure: Arc::clone(&failure), answered }
        }));
        self.memory = mem::replace(&mut self.memory, Memory::Nothing).after(&failure, policy, now);
        if !waiters.patient.is_empty() {
            let instead = self.answer_instead(waiters.patient.len(), policy, now, out);
            answer_all(waiters.patient, instead.ok_or_else(|| Arc::clone(&failure)), out);
        }
        answer_all(waiters.refreshing, Err(failure), out);
    }
}

impl Memory {
    /// What is remembered after a fetch that failed. What was deleted or forbidden upstream must
    /// not come back in a later outage; a failure of this program's own says nothing about the key.
    fn after(self, error: &SharedFetchError, policy: &CachePolicy, now: Moment) -> Self {
        let failure = Failure { error: Arc::clone(error), at: now };
        match self {
            Self::Value { entry, setbacks } if error.is_our_own() => {
                Self::Value { entry, setbacks: Some(Setbacks::one_more(setbacks, now)) }
            }
            same if error.is_our_own() => same,
            Self::Value { entry, setbacks }
                if !error.is_refusal() && entry.freshness(now, policy) != Freshness::TooOld =>
            {
                let setbacks = Some(Setbacks::with_failure(setbacks, failure));
                Self::Value { entry, setbacks }
            }
            _ if policy.error_ttl.is_zero() => Self::Nothing,
            _ => Self::Failure(Box::new(failure)),
        }
    }
}

fn remembered<C>(
    failure: &Failure,
    policy: &CachePolicy,
    now: Moment,
    out: &mut Vec<Output<C>>,
) -> Option<LookupResult> {
    let is_remembered = failure.is_remembered(now, policy.error_ttl);
    is_remembered.then(|| {
        out.push(Output::Note(Event::RememberedFailure(Arc::clone(&failure.error))));
        Err(Arc::clone(&failure.error))
    })
}

fn answer_all<C>(callers: Vec<C>, answer: LookupResult, out: &mut Vec<Output<C>>) {
    if !callers.is_empty() {
        out.push(Output::Answer(callers, answer));
    }
}
