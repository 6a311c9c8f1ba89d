//! Every key and its state, in order of use. Pure like [`KeyState`]: no clock, no message.

use std::{fmt, mem};

use lru::LruCache;

use crate::{
    cache::{
        caller::{Caller, CallerId, LookupResult, Urgency},
        cost::{cost, cost_of},
        entry::Answer,
        event::Event,
        key_state::{Holding, KeyState, Output},
        policy::{CachePolicy, Capacity},
    },
    clock::Moment,
    fetch::{demand::FetchReply, error::SharedFetchError},
    key::{CacheKey, PerUpstream},
};

/// All keys that hold something or have a fetch in flight.
///
/// Bound: `capacity`, in keys that hold a value or a remembered failure and in bytes, beside those
/// that wait for their first answer, which the pool's queue bounds. Beyond it keys at rest are
/// evicted, least recently used first, and failures before values. A key with a fetch in flight
/// stays: the next caller would start a second one.
pub struct Index<C> {
    capacity: Capacity,
    policy: PerUpstream<CachePolicy>,
    keys: LruCache<CacheKey, KeyState<C>>,
    held: Held,
    /// Whether a value that is too large has been logged: once is enough.
    told_of_too_large: bool,
}

/// What all keys hold together.
#[derive(Debug, Default)]
struct Held {
    values: usize,
    failures: usize,
    bytes: usize,
}

impl Held {
    fn add<C>(&mut self, key: &CacheKey, state: &KeyState<C>) {
        self.bytes += cost(key, state);
        match state.holding() {
            Holding::Nothing => {}
            Holding::Failure => self.failures += 1,
            Holding::Value => self.values += 1,
        }
    }

    fn remove<C>(&mut self, key: &CacheKey, state: &KeyState<C>) {
        self.bytes -= cost(key, state);
        match state.holding() {
            Holding::Nothing => {}
            Holding::Failure => self.failures -= 1,
            Holding::Value => self.values -= 1,
        }
    }

    fn exceeds(&self, capacity: Capacity) -> bool {
        self.values + self.failures > capacity.keys || self.bytes > capacity.bytes
    }
}

impl<C> fmt::Debug for Index<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl<C> Index<C> {
    /// Without any key.
    pub fn new(capacity: Capacity, policy: PerUpstream<CachePolicy>) -> Self {
        let (keys, held) = (LruCache::unbounded(), Held::default());
        Self { capacity, policy, keys, held, told_of_too_large: false }
    }

    /// The key's answer, if giving it is all there is to be done. It counts as use.
    pub fn hit(&mut self, key: &CacheKey, now: impl FnOnce() -> Moment) -> Option<(Answer, Event)> {
        self.keys.get(key)?.hit(self.policy.get(key.upstream()), now())
    }

    /// Keys that hold something or have a fetch in flight.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// What is kept costs so many bytes.
    pub fn bytes(&self) -> usize {
        self.held.bytes
    }
}

impl<C: Caller> Index<C> {
    /// As [`KeyState::ask`].
    pub fn ask(
        &mut self,
        key: &CacheKey,
        asked: (C, CallerId, Urgency),
        now: Moment,
    ) -> Vec<Output<C>> {
        let policy = self.policy.get(key.upstream());
        let state = self.keys.get_or_insert_mut_ref(key, KeyState::default);
        // What it holds stays the same: only the end of a fetch changes that.
        state.ask(asked, policy, now)
    }

    /// As [`KeyState::out_of_time`].
    pub fn out_of_time(
        &mut self,
        key: &CacheKey,
        (caller, id, failure): (C, CallerId, SharedFetchError),
        now: Moment,
    ) -> Vec<Output<C>> {
        let policy = self.policy.get(key.upstream());
        match self.keys.get_mut(key) {
            Some(state) => state.out_of_time((caller, id, failure), policy, now),
            None => vec![Output::Answer(vec![caller], LookupResult::Err(failure))],
        }
    }

    /// As [`KeyState::settle`]; then makes room. Gives the keys that were evicted beside what is to
    /// be done.
    pub fn settle(
        &mut self,
        key: &CacheKey,
        reply: FetchReply,
        draw: f64,
        now: Moment,
    ) -> (Vec<Output<C>>, Vec<CacheKey>) {
        let too_large = self.too_large(key, &reply);
        let policy = *self.policy.get(key.upstream());
        let policy = if too_large.is_some() { policy.keeping_nothing() } else { policy };
        // Not a use: no caller has asked.
        let Some(state) = self.keys.peek_mut(key) else { return (Vec::new(), Vec::new()) };
        self.held.remove(key, state);
        let mut outputs = state.settle(reply, draw, &policy, now);
        self.held.add(key, state);
        if state.holding() == Holding::Nothing && state.is_at_rest() {
            self.keys.pop(key);
        }
        if let Some(event) = too_large
            && !mem::replace(&mut self.told_of_too_large, true)
        {
            outputs.push(Output::Note(event));
        }
        self.drop_failures_whose_time_is_over(now);
        (outputs, self.evict_beyond_capacity())
    }

    /// Takes a key out, with the fetch that it has in flight: its actor has died. Its callers learn
    /// of it by the loss of their replies.
    pub fn forget(&mut self, key: &CacheKey) {
        if let Some(state) = self.keys.pop(key) {
            self.held.remove(key, &state);
        }
    }

    /// The event for a new value that alone costs more than the cache may.
    fn too_large(&self, key: &CacheKey, reply: &FetchReply) -> Option<Event> {
        let limit = self.capacity.bytes;
        let bytes = cost_of(key, reply.as_ref().ok()?.value.len());
        let is_too_large = bytes > limit && self.policy.get(key.upstream()).keeps_values();
        is_too_large.then_some(Event::TooLarge { bytes, limit })
    }

    fn drop_failures_whose_time_is_over(&mut self, now: Moment) {
        if self.held.failures == 0 {
            return;
        }
        let Self { keys, policy, held, .. } = self;
        keys.retain(|key, state| {
            let is_over = state.is_at_rest() && state.is_over(policy.get(key.upstream()), now);
            if is_over {
                held.remove(key, state);
            }
            !is_over
        });
    }

    fn evict_beyond_capacity(&mut self) -> Vec<CacheKey> {
        let mut evicted = Vec::new();
        while self.held.exceeds(self.capacity) {
            let Some(key) = self.least_needed() else { break };
            self.forget(&key);
            evicted.push(key);
        }
        evicted
    }

    /// The least recently used key at rest: with a failure, if there is one, else with a value.
    fn least_needed(&self) -> Option<CacheKey> {
        let least = |held: Holding| {
            let mut at_rest = self.keys.iter().rev().filter(|(_, state)| state.is_at_rest());
            at_rest.find(|(_, state)| state.holding() == held).map(|(key, _)| key.clone())
        };
        let failure = if self.held.failures > 0 { least(Holding::Failure) } else { None };
        failure.or_else(|| least(Holding::Value))
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
