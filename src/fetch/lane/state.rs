//! A lane's decisions: which fetch is next, how many calls run at once, which fetches share a call,
//! and which have timed out.
//!
//! Pure: no clock, no future, no upstream. The shell ([`Lane`](super::Lane)) reports what happens
//! by `fetch`, `promote`, `ended` and `thawed`. After each of them, and at [`LaneState::wake_at`],
//! it calls [`LaneState::poll`] until that returns nothing more. `now` is the time in which the
//! process could run, counted from any fixed moment.

use std::{collections::BTreeMap, time::Duration};

use crate::fetch::{
    demand::Demand,
    lane::{
        batchable::{Batchable, Group},
        decision::{CallId, Ending, FetchId, Full, LaneLimits, Output, Why},
        scarcity::{Scarcity, Throttled},
    },
};

/// Names that one `GetParameters` call takes.
///
/// Source: the API reference of GetParameters, `Names`.
pub const LARGEST_BATCH: usize = 10;

/// How long a lane asks singly after a batch was refused as a whole: the permission may come later.
pub const SINGLY_FOR: Duration = Duration::from_secs(300);

/// One lane. See the module.
#[derive(Debug)]
pub struct LaneState<K> {
    limits: LaneLimits,
    /// In the order in which their turns come.
    queue: BTreeMap<Place, Fetch<K>>,
    /// At most `limits.permits`.
    calls: BTreeMap<CallId, Call<K>>,
    scarcity: Scarcity,
    next_call: u64,
    /// Until when batches are not tried.
    singly_until: Duration,
    outputs: Vec<Output<K>>,
}

/// What callers wait for goes first; within each kind, order of arrival. A fetch that was put back
/// keeps its number, so it is at the head again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    is_background: bool,
    fetch: FetchId,
}

#[derive(Debug)]
struct Fetch<K> {
    key: K,
    demand: Demand,
    ends: Duration,
    alone: bool,
    was_throttled: bool,
}

#[derive(Debug)]
struct Call<K> {
    left: Duration,
    fetches: Vec<(FetchId, Fetch<K>)>,
}

impl<K: Batchable + Clone + PartialEq> LaneState<K> {
    /// A lane without fetches. `seed` is for the jitter of its pauses.
    pub fn new(limits: LaneLimits, seed: u64) -> Self {
        Self {
            limits,
            queue: BTreeMap::new(),
            calls: BTreeMap::new(),
            scarcity: Scarcity::new(limits.permits, seed),
            next_call: 0,
            singly_until: Duration::ZERO,
            outputs: Vec::new(),
        }
    }

    /// Fetches that wait for their call.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Calls that are open.
    pub fn open_calls(&self) -> usize {
        self.calls.len()
    }

    /// How many calls may be open at most.
    pub fn permits(&self) -> usize {
        self.limits.permits.get()
    }

    /// How many calls may be open now: fewer than the permits while the service throttles.
    pub fn window(&self) -> usize {
        self.scarcity.window()
    }

    /// Whether the service throttles.
    pub fn is_scarce(&self) -> bool {
        self.scarcity.is_on()
    }

    /// How long no call may leave from `now` on.
    pub fn pause(&self, now: Duration) -> Duration {
        self.scarcity.resumes_at().saturating_sub(now)
    }

    /// Whether what arrives together should be polled together.
    pub fn batches(&self, now: Duration) -> bool {
        self.limits.batches && now >= self.singly_until
    }

    /// A fetch arrives. Its number must be larger than every earlier one's.
    ///
    /// # Errors
    ///
    /// The queue is full. A fetch that a caller waits for takes the place of the last one in the
    /// background.
    pub fn fetch(
        &mut self,
        fetch: FetchId,
        key: K,
        demand: Demand,
        now: Duration,
    ) -> Result<(), Full> {
        // One that can leave at once takes no place in the queue.
        let leaves_at_once = self.queue.is_empty() && self.may_call(demand, now);
        let need_not_wait = demand == Demand::OldValueWillDo && self.pauses(now);
        if self.queue.len() >= self.limits.max_queued && !leaves_at_once && !need_not_wait {
            let last = self.queue.last_key_value().map(|(place, _)| *place);
            match last.filter(|last| last.is_background && demand.waits()) {
                Some(last) => {
                    self.queue.remove(&last);
                    self.outputs.push(Output::Fail(last.fetch, Why::Displaced));
                }
                None => return Err(Full),
            }
        }
        let ends = now.saturating_add(self.limits.time_out);
        let new = Fetch { key, demand, ends, alone: false, was_throttled: false };
        self.queue.insert(Place::of(fetch, demand), new);
        self.end_what_need_not_wait(now);
        Ok(())
    }

    /// More depends on the fetches of this key than before.
    pub fn promote(&mut self, key: &K, demand: Demand, now: Duration) {
        let queued = self.queue.iter().filter(|(_, fetch)| fetch.key == *key);
        let places: Vec<_> = queued.map(|(place, _)| *place).collect();
        for place in places {
            if let Some(mut fetch) = self.queue.remove(&place) {
                fetch.demand = fetch.demand.max(demand);
                self.queue.insert(Place::of(place.fetch, fetch.demand), fetch);
            }
        }
        let called = self.calls.values_mut().flat_map(|call| &mut call.fetches);
        for (_, fetch) in called.filter(|(_, fetch)| fetch.key == *key) {
            fetch.demand = fetch.demand.max(demand);
        }
        self.end_what_need_not_wait(now);
    }

    /// A call has ended; `endings` has how, for each of its fetches. A fetch that is not named
    /// counts as unanswered.
    ///
    /// Returns whether the service began or ceased to throttle.
    pub fn ended(
        &mut self,
        call: CallId,
        endings: &[(FetchId, Ending)],
        now: Duration,
    ) -> Option<Throttled> {
        let call = self.calls.remove(&call)?;
        let change = self.learn(&call, endings, now);
        for (id, mut fetch) in call.fetches {
            let ending = endings.iter().find(|(fetch, _)| *fetch == id);
            match ending.map_or(Ending::Unanswered, |(_, ending)| *ending) {
                Ending::Answered | Ending::Failed => {}
                Ending::Throttled { .. } if fetch.demand < Demand::NewValueOnly => {
                    self.outputs.push(Output::Fail(id, Why::OldValueWillDo));
                }
                Ending::Throttled { .. } => {
                    fetch.was_throttled = true;
                    self.queue.insert(Place::of(id, fetch.demand), fetch);
                }
                Ending::Unanswered | Ending::BatchRefused => {
                    fetch.alone = true;
                    self.queue.insert(Place::of(id, fetch.demand), fetch);
                }
            }
        }
        self.end_what_need_not_wait(now);
        change
    }

    /// The process was frozen: a pause that was on is over.
    pub fn thawed(&mut self) {
        self.scarcity.resume();
    }

    /// When to poll next, if nothing happens before.
    pub fn wake_at(&self) -> Option<Duration> {
        let queued = self.queue.values().map(|fetch| fetch.ends);
        let called = self.calls.values().flat_map(|call| &call.fetches);
        let ends = queued.chain(called.map(|(_, fetch)| fetch.ends)).min();
        let resumes = (!self.queue.is_empty()).then(|| self.scarcity.resumes_at());
        let resumes = resumes.filter(|at| !at.is_zero() && self.calls.len() < self.window());
        ends.into_iter().chain(resumes).min()
    }

    /// What is to be done next, if anything.
    pub fn poll(&mut self, now: Duration) -> Option<Output<K>> {
        if now >= self.scarcity.resumes_at() {
            self.scarcity.resume();
        }
        if self.outputs.is_empty() {
            self.end_what_is_over(now);
        }
        if !self.outputs.is_empty() {
            return Some(self.outputs.remove(0));
        }
        let (place, first) = self.queue.first_key_value()?;
        if !self.may_call(first.demand, now) {
            return None;
        }
        let place = *place;
        let together = self.together_with(place, now);
        let fetches: Vec<_> = together
            .into_iter()
            .filter_map(|place| Some((place.fetch, self.queue.remove(&place)?)))
            .collect();
        let keys = fetches.iter().map(|(id, fetch)| (*id, fetch.key.clone())).collect();
        let call = CallId(self.next_call);
        self.next_call += 1;
        self.calls.insert(call, Call { left: now, fetches });
        Some(Output::Call(call, keys))
    }

    /// Work that no caller waits for leaves one call free for those that callers do wait for.
    fn may_call(&self, demand: Demand, now: Duration) -> bool {
        let window = self.window();
        let window = if demand.waits() { window } else { window.saturating_sub(1).max(1) };
        self.calls.len() < window && !self.pauses(now)
    }

    fn pauses(&self, now: Duration) -> bool {
        now < self.scarcity.resumes_at()
    }

    /// What leaves in the call of the fetch at `first`: itself, and what may share the call.
    fn together_with(&self, first: Place, now: Duration) -> Vec<Place> {
        let mut together = vec![first];
        let Some(group) = self.shared_group(&self.queue[&first], now) else { return together };
        let mut names = vec![group.name];
        for (place, fetch) in self.queue.range(first..).skip(1) {
            if together.len() == LARGEST_BATCH {
                break;
            }
            if let Some(other) = self.shared_group(fetch, now)
                && other.with_decryption == group.with_decryption
                && !names.contains(&other.name)
            {
                names.push(other.name);
                together.push(*place);
            }
        }
        together
    }

    fn shared_group<'a>(&self, fetch: &'a Fetch<K>, now: Duration) -> Option<Group<'a>> {
        fetch.key.group().filter(|_| self.batches(now) && !fetch.alone)
    }

    fn learn(
        &mut self,
        call: &Call<K>,
        endings: &[(FetchId, Ending)],
        now: Duration,
    ) -> Option<Throttled> {
        let mut answered = false;
        for (_, ending) in endings {
            match ending {
                Ending::Throttled { retry_after } => {
                    return self.scarcity.throttled(call.left, now, *retry_after);
                }
                Ending::BatchRefused => self.singly_until = now + SINGLY_FOR,
                Ending::Answered | Ending::Unanswered => answered = true,
                Ending::Failed => {}
            }
        }
        if answered { self.scarcity.answered() } else { None }
    }

    /// In a pause no caller waits that can have an old value. Its key is fetched again later, in
    /// the background.
    fn end_what_need_not_wait(&mut self, now: Duration) {
        if !self.pauses(now) {
            return;
        }
        let need_not = |fetch: &mut Fetch<K>| fetch.demand == Demand::OldValueWillDo;
        for (place, _) in self.queue.extract_if(.., |_, fetch| need_not(fetch)) {
            self.outputs.push(Output::Fail(place.fetch, Why::OldValueWillDo));
        }
    }

    fn end_what_is_over(&mut self, now: Duration) {
        let is_scarce = self.is_scarce();
        let over = |fetch: &mut Fetch<K>| fetch.ends <= now;
        for (place, fetch) in self.queue.extract_if(.., |_, fetch| over(fetch)) {
            let was_throttled = fetch.was_throttled || is_scarce;
            let why = if was_throttled { Why::Throttled } else { Why::Queued };
            self.outputs.push(Output::Fail(place.fetch, why));
        }
        for (call, open) in &mut self.calls {
            for (id, _) in open.fetches.extract_if(.., |(_, fetch)| over(fetch)) {
                self.outputs.push(Output::Fail(id, Why::NoAnswer));
            }
            if open.fetches.is_empty() {
                self.outputs.push(Output::Cancel(*call));
            }
        }
        self.calls.retain(|_, call| !call.fetches.is_empty());
    }
}

impl Place {
    fn of(fetch: FetchId, demand: Demand) -> Self {
        Self { is_background: !demand.waits(), fetch }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
