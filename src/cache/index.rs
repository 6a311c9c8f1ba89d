//! Every key and its state, in order of use. Pure like [`KeyState`]: no clock, no message.

use std::fmt;

use lru::LruCache;

use crate::{
    cache::{
        caller::{Caller, CallerId, LookupResult, Urgency},
        entry::Answer,
        event::Event,
        key_state::{Holding, KeyState, Output},
        policy::CachePolicy,
    },
    clock::Moment,
    fetch::{demand::FetchReply, error::SharedFetchError},
    key::{CacheKey, PerUpstream},
};

/// All keys that hold something or have a fetch in flight.
///
/// Bound: `capacity` keys that hold a value or a remembered failure, beside those that wait for
/// their first answer, which the pool's queue bounds. Beyond it keys at rest are evicted, least
/// recently used first, and failures before values. A key with a fetch in flight stays: the next
/// caller would start a second one.
pub struct Index<C> {
    capacity: usize,
    policy: PerUpstream<CachePolicy>,
    keys: LruCache<CacheKey, KeyState<C>>,
    values: usize,
    failures: usize,
}

impl<C> fmt::Debug for Index<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl<C> Index<C> {
    /// Without any key. A `capacity` of zero keeps nothing.
    pub fn new(capacity: usize, policy: PerUpstream<CachePolicy>) -> Self {
        Self { capacity, policy, keys: LruCache::unbounded(), values: 0, failures: 0 }
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
        let policy = self.policy.get(key.upstream());
        // Not a use: no caller has asked.
        let Some(state) = self.keys.peek_mut(key) else { return (Vec::new(), Vec::new()) };
        let before = state.holding();
        let outputs = state.settle(reply, draw, policy, now);
        let (after, is_at_rest) = (state.holding(), state.is_at_rest());
        self.count(before, after);
        if after == Holding::Nothing && is_at_rest {
            self.keys.pop(key);
        }
        self.drop_failures_whose_time_is_over(now);
        (outputs, self.evict_beyond_capacity())
    }

    /// Takes a key out, with the fetch that it has in flight: an actor died over it. Its callers
    /// learn of it by the loss of their replies.
    pub fn forget(&mut self, key: &CacheKey) {
        if let Some(state) = self.keys.pop(key) {
            self.count(state.holding(), Holding::Nothing);
        }
    }

    fn count(&mut self, before: Holding, after: Holding) {
        self.values -= usize::from(before == Holding::Value);
        self.failures -= usize::from(before == Holding::Failure);
        self.values += usize::from(after == Holding::Value);
        self.failures += usize::from(after == Holding::Failure);
    }

    fn drop_failures_whose_time_is_over(&mut self, now: Moment) {
        if self.failures == 0 {
            return;
        }
        let Self { keys, policy, failures, .. } = self;
        keys.retain(|key, state| {
            let is_over = state.is_at_rest() && state.is_over(policy.get(key.upstream()), now);
            *failures -= usize::from(is_over);
            !is_over
        });
    }

    fn evict_beyond_capacity(&mut self) -> Vec<CacheKey> {
        let mut evicted = Vec::new();
        while self.values + self.failures > self.capacity {
            let Some(key) = self.least_needed() else { break };
            if let Some(state) = self.keys.pop(&key) {
                self.count(state.holding(), Holding::Nothing);
            }
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
        let failure = if self.failures > 0 { least(Holding::Failure) } else { None };
        failure.or_else(|| least(Holding::Value))
    }
}
