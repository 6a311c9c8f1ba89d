//! The index of the cache in a world of its own: callers, a pool and both clocks, without actors or
//! tasks.

use std::{
    cell::Cell,
    collections::VecDeque,
    rc::Rc,
    sync::Arc,
    time::{Duration, SystemTime},
};

use parameters_secrets_extension::{
    cache::{Caller, CallerId, Event, Index, LookupResult, Output, Urgency},
    clock::Moment,
    fetch::{
        demand::{Demand, Departure, FetchReply, Fetched, LONGEST_FETCH},
        error::FetchError,
    },
    key::CacheKey,
    secret::SecretValue,
};
use tokio::time::Instant;

use super::outcome::{Outcome, error_of};

/// A caller, by its place in [`World::callers`].
#[derive(Clone, Debug)]
pub struct Asker {
    number: usize,
    hung_up: Rc<Cell<bool>>,
}

impl Caller for Asker {
    fn still_waits(&self) -> bool {
        !self.hung_up.get()
    }
}

/// One question and what became of it.
pub struct Question {
    pub key: CacheKey,
    pub urgency: Urgency,
    pub asked_at: Moment,
    /// Calls that had left before it.
    pub calls_before: usize,
    pub before: Past,
    pub answer: Option<Answered>,
    id: CallerId,
    deadline: Option<Moment>,
    hung_up: Rc<Cell<bool>>,
}

/// A call that has left.
pub struct Call {
    pub key: CacheKey,
    pub left_at: Moment,
    pub ended: Option<Ended>,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub struct Ended {
    pub at: Moment,
    /// Counted from 1, over all calls.
    pub order: usize,
    pub failed: Option<Failed>,
}

/// How much had happened by some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// Calls that had ended.
    pub ends: usize,
    /// Keys that had been evicted.
    pub evictions: usize,
}

/// What a caller got.
#[derive(Clone, Debug)]
pub struct Answered {
    pub result: LookupResult,
    pub at: Moment,
    pub before: Past,
}

/// What there is to know of an error after it has been handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    pub code: String,
    pub is_refusal: bool,
    pub is_our_own: bool,
}

struct Fetch {
    key: CacheKey,
    demand: Demand,
    departure: Departure,
    times_out: Instant,
    call: Option<OpenCall>,
}

struct OpenCall {
    number: usize,
    outcome: Outcome,
    ends: Instant,
}

/// What differs between worlds.
#[derive(Clone, Copy)]
pub struct Rules {
    pub latency: Duration,
    pub permits: usize,
    pub deadline: Option<Duration>,
}

pub struct World {
    pub index: Index<Asker>,
    pub now: Moment,
    pub callers: Vec<Question>,
    /// In the order in which they left; the first is call 1.
    pub calls: Vec<Call>,
    pub events: Vec<(CacheKey, Event)>,
    /// With how many calls had ended by then.
    pub evicted: Vec<(CacheKey, usize)>,
    rules: Rules,
    /// How the next calls end; then all of them.
    pub script: VecDeque<Outcome>,
    pub hereafter: Outcome,
    fetches: VecDeque<Fetch>,
    last_id: CallerId,
    ends: usize,
    pub was_set_back: bool,
}

impl World {
    pub fn new(index: Index<Asker>, rules: Rules) -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        Self {
            index,
            now: Moment { monotonic: Instant::now(), wall },
            callers: Vec::new(),
            calls: Vec::new(),
            events: Vec::new(),
            evicted: Vec::new(),
            rules,
            script: VecDeque::new(),
            hereafter: Outcome::Value,
            fetches: VecDeque::new(),
            last_id: CallerId::default(),
            ends: 0,
            was_set_back: false,
        }
    }

    /// Asks, and gives the number of the caller.
    pub fn ask(&mut self, key: &CacheKey, urgency: Urgency) -> usize {
        let (number, hung_up) = (self.callers.len(), Rc::new(Cell::new(false)));
        self.last_id = self.last_id.next();
        self.callers.push(Question {
            key: key.clone(),
            urgency,
            asked_at: self.now,
            calls_before: self.calls.len(),
            before: self.past(),
            answer: None,
            id: self.last_id,
            deadline: self.rules.deadline.map(|deadline| self.after(deadline)),
            hung_up: Rc::clone(&hung_up),
        });
        let now = self.now;
        let hit = if urgency == Urgency::Patient { self.index.hit(key, || now) } else { None };
        match hit {
            Some((answer, event)) => {
                self.events.push((key.clone(), event));
                self.answer(number, Ok(answer));
            }
            None => {
                let asker = Asker { number, hung_up };
                let outputs = self.index.ask(key, (asker, self.last_id, urgency), now);
                self.carry_out(key, outputs);
            }
        }
        number
    }

    pub fn hang_up(&mut self, number: usize) {
        self.callers[number].hung_up.set(true);
    }

    /// Only the wall clock goes on.
    pub fn freeze(&mut self, duration: Duration) {
        self.now.wall += duration;
    }

    /// The wall clock is set back.
    pub fn set_back(&mut self, duration: Duration) {
        self.now.wall -= duration;
        self.was_set_back = true;
    }

    /// The pool makes the open calls again.
    pub fn calls_are_made_again(&mut self) {
        for fetch in &mut self.fetches {
            let Some(call) = &mut fetch.call else { continue };
            self.calls.push(Call { key: fetch.key.clone(), left_at: self.now, ended: None });
            call.number = self.calls.len();
            call.ends = self.now.monotonic + self.rules.latency;
            fetch.departure.leaves(self.now);
        }
    }

    /// Both clocks go on, and what is due on the way happens when it is due.
    pub fn advance(&mut self, duration: Duration) {
        let end = self.now.monotonic + duration;
        while let Some(due) = self.next_due().filter(|due| *due <= end) {
            self.pass(due.saturating_duration_since(self.now.monotonic));
            self.end_fetches();
            self.end_patience();
        }
        self.pass(end - self.now.monotonic);
    }

    pub fn fetches_in_flight(&self) -> usize {
        self.fetches.len()
    }

    pub fn open_calls(&self) -> usize {
        self.fetches.iter().filter(|fetch| fetch.call.is_some()).count()
    }

    fn past(&self) -> Past {
        Past { ends: self.ends, evictions: self.evicted.len() }
    }

    pub fn has_hung_up(&self, number: usize) -> bool {
        self.callers[number].hung_up.get()
    }

    fn after(&self, duration: Duration) -> Moment {
        Moment { monotonic: self.now.monotonic + duration, wall: self.now.wall + duration }
    }

    fn pass(&mut self, duration: Duration) {
        self.now = self.after(duration);
    }

    fn next_due(&self) -> Option<Instant> {
        let fetches = self.fetches.iter().map(Fetch::ends);
        let deadlines = self.callers.iter().filter_map(Question::open_deadline);
        fetches.chain(deadlines).min()
    }

    fn end_fetches(&mut self) {
        let now = self.now.monotonic;
        while let Some(at) = self.fetches.iter().position(|fetch| fetch.ends() <= now) {
            let Some(fetch) = self.fetches.remove(at) else { return };
            let reply = self.reply_of(&fetch);
            let (outputs, evicted) = self.index.settle(&fetch.key, reply, 0.0, self.now);
            self.carry_out(&fetch.key, outputs);
            self.evicted.extend(evicted.into_iter().map(|key| (key, self.ends)));
            self.make_calls();
        }
    }

    fn reply_of(&mut self, fetch: &Fetch) -> FetchReply {
        let Some(open) = &fetch.call else {
            return Err(FetchError::Overloaded("it queued for too long"));
        };
        let timed_out = FetchError::Timeout {
            upstream: fetch.key.upstream(),
            after: LONGEST_FETCH,
            hint: "as told",
        };
        let error =
            if open.ends > self.now.monotonic { Some(timed_out) } else { error_of(&open.outcome) };
        let failed = error.as_ref().map(|error| Failed {
            code: error.code().to_owned(),
            is_refusal: error.is_refusal(),
            is_our_own: error.is_our_own(),
        });
        self.ends += 1;
        self.calls[open.number - 1].ended = Some(Ended { at: self.now, order: self.ends, failed });
        error.map_or(Ok(()), Err).map(|()| Fetched {
            value: SecretValue::new(format!("call {}", open.number)),
            queued: Duration::ZERO,
            took: self.rules.latency,
        })
    }

    fn end_patience(&mut self) {
        let now = self.now;
        for number in 0..self.callers.len() {
            let question = &mut self.callers[number];
            if question.open_deadline().is_none_or(|deadline| deadline > now.monotonic) {
                continue;
            }
            question.deadline = None;
            let key = question.key.clone();
            let error = FetchError::deadline_passed(key.upstream(), Duration::ZERO);
            // What waits in the index is not answered any more, as if the caller had hung up.
            question.hung_up = Rc::new(Cell::new(question.hung_up.replace(true)));
            if question.urgency == Urgency::Refresh {
                self.answer(number, Err(Arc::new(error)));
                continue;
            }
            let asker = Asker { number, hung_up: Rc::clone(&question.hung_up) };
            let asked = (asker, question.id, Arc::new(error));
            let outputs = self.index.out_of_time(&key, asked, now);
            self.carry_out(&key, outputs);
        }
    }

    fn answer(&mut self, number: usize, result: LookupResult) {
        let answered = Answered { result, at: self.now, before: self.past() };
        let earlier = self.callers[number].answer.replace(answered);
        assert!(earlier.is_none(), "a caller is answered once");
    }

    fn carry_out(&mut self, key: &CacheKey, outputs: Vec<Output<Asker>>) {
        for output in outputs {
            match output {
                Output::Answer(askers, answer) => {
                    for asker in askers.into_iter().filter(Caller::still_waits) {
                        self.answer(asker.number, answer.clone());
                    }
                }
                Output::Fetch(demand, departure) => {
                    let is_alone = self.fetches.iter().all(|fetch| fetch.key != *key);
                    assert!(is_alone, "one fetch in flight per key");
                    self.fetches.push_back(Fetch {
                        key: key.clone(),
                        demand,
                        departure,
                        times_out: self.now.monotonic + LONGEST_FETCH,
                        call: None,
                    });
                }
                Output::Promote(demand) => {
                    let mut fetches = self.fetches.iter_mut();
                    let fetch = fetches.find(|fetch| fetch.key == *key).expect("one is in flight");
                    assert!(demand > fetch.demand, "a promotion raises the demand");
                    fetch.demand = demand;
                }
                Output::Note(event) => self.events.push((key.clone(), event)),
            }
        }
        self.make_calls();
    }

    /// Calls leave in order of arrival, as permits are free.
    fn make_calls(&mut self) {
        while self.open_calls() < self.rules.permits {
            let Some(fetch) = self.fetches.iter_mut().find(|fetch| fetch.call.is_none()) else {
                return;
            };
            let outcome = self.script.pop_front().unwrap_or(self.hereafter.clone());
            let never = matches!(outcome, Outcome::Hang);
            let takes = if never { LONGEST_FETCH * 1_000 } else { self.rules.latency };
            self.calls.push(Call { key: fetch.key.clone(), left_at: self.now, ended: None });
            let (number, ends) = (self.calls.len(), self.now.monotonic + takes);
            fetch.departure.leaves(self.now);
            fetch.call = Some(OpenCall { number, outcome, ends });
        }
    }
}

impl Fetch {
    fn ends(&self) -> Instant {
        self.call.as_ref().map_or(self.times_out, |call| call.ends.min(self.times_out))
    }
}

impl Question {
    fn open_deadline(&self) -> Option<Instant> {
        let is_open = self.answer.is_none() && !self.hung_up.get();
        self.deadline.filter(|_| is_open).map(|deadline| deadline.monotonic)
    }
}
