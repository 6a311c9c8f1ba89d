//! An upstream that does what a test says, and counts.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};

use futures_util::future::LocalBoxFuture;
use parameters_secrets_extension::{
    fetch::upstream::{BatchAnswer, Upstream, UpstreamAnswer},
    key::{CacheKey, ParameterKey, SecretKey},
    secret::SecretValue,
};
use tokio::time::{Instant, sleep};

use super::eventually;
pub use super::outcome::{Outcome, error_of};

/// Counts calls and answers them as told: first from the script, then with values.
#[derive(Clone, Default)]
pub struct FakeUpstream(Rc<RefCell<Inner>>);

struct Inner {
    latency: Duration,
    batch: fn(Vec<ParameterKey>) -> BatchAnswer,
    batches: Vec<Vec<String>>,
    always: Option<Outcome>,
    script: VecDeque<Outcome>,
    calls: Vec<(CacheKey, Instant)>,
    in_flight: Vec<CacheKey>,
    peak: usize,
    ever_twice_in_flight: bool,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            batch: each_with_its_name,
            batches: Vec::new(),
            always: None,
            script: VecDeque::new(),
            calls: Vec::new(),
            in_flight: Vec::new(),
            peak: 0,
            ever_twice_in_flight: false,
        }
    }
}

impl FakeUpstream {
    pub fn new() -> Self {
        Self::default()
    }

    /// Every call from now on takes this long.
    pub fn taking(self, latency: Duration) -> Self {
        self.0.borrow_mut().latency = latency;
        self
    }

    /// Every call from now on ends so.
    pub fn always(self, outcome: Outcome) -> Self {
        self.0.borrow_mut().always = Some(outcome);
        self
    }

    /// As `always`, in the middle of a test.
    pub fn hereafter(&self, outcome: Outcome) {
        self.0.borrow_mut().always = Some(outcome);
    }

    /// The next call that has no outcome yet ends so.
    pub fn then(&self, outcome: Outcome) {
        self.0.borrow_mut().script.push_back(outcome);
    }

    /// Batches are answered so.
    pub fn answering_batches(self, batch: fn(Vec<ParameterKey>) -> BatchAnswer) -> Self {
        self.0.borrow_mut().batch = batch;
        self
    }

    /// The names of each batch so far.
    pub fn batches(&self) -> Vec<Vec<String>> {
        self.0.borrow().batches.clone()
    }

    pub fn calls(&self) -> usize {
        self.0.borrow().calls.len()
    }

    /// Waits until there have been so many calls.
    pub async fn calls_are(&self, count: usize) {
        eventually(async || self.calls() == count).await;
    }

    pub fn called_keys(&self) -> Vec<CacheKey> {
        self.0.borrow().calls.iter().map(|(key, _)| key.clone()).collect()
    }

    /// When each call began.
    pub fn called_at(&self) -> Vec<Instant> {
        self.0.borrow().calls.iter().map(|(_, at)| *at).collect()
    }

    pub fn in_flight(&self) -> usize {
        self.0.borrow().in_flight.len()
    }

    pub fn peak(&self) -> usize {
        self.0.borrow().peak
    }

    /// Whether two calls for one key ever ran at the same time.
    pub fn ever_twice_in_flight(&self) -> bool {
        self.0.borrow().ever_twice_in_flight
    }

    fn call(&self, key: CacheKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        let (number, outcome, latency, guard) = {
            let mut inner = self.0.borrow_mut();
            inner.ever_twice_in_flight |= inner.in_flight.contains(&key);
            inner.calls.push((key.clone(), Instant::now()));
            inner.in_flight.push(key.clone());
            inner.peak = inner.peak.max(inner.in_flight.len());
            let always = inner.always.clone();
            let outcome = inner.script.pop_front().or(always).unwrap_or(Outcome::Value);
            let guard = InFlight { upstream: self.clone(), key };
            (inner.calls.len(), outcome, inner.latency, guard)
        };
        Box::pin(async move {
            let _guard = guard;
            if !latency.is_zero() {
                sleep(latency).await;
            }
            match outcome {
                Outcome::Hang => std::future::pending().await,
                // A panic like any other, without the hook's words on the screen.
                Outcome::Panic => std::panic::resume_unwind(Box::new("as told")),
                outcome => error_of(&outcome)
                    .map_or_else(|| Ok(SecretValue::new(format!("call {number}"))), Err),
            }
        })
    }
}

struct InFlight {
    upstream: FakeUpstream,
    key: CacheKey,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut inner = self.upstream.0.borrow_mut();
        let position = inner.in_flight.iter().position(|key| *key == self.key).unwrap();
        inner.in_flight.swap_remove(position);
    }
}

impl Upstream<SecretKey> for FakeUpstream {
    fn fetch(&self, key: SecretKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        self.call(CacheKey::Secret(key))
    }
}

impl Upstream<ParameterKey> for FakeUpstream {
    fn fetch(&self, key: ParameterKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        self.call(CacheKey::Parameter(key))
    }

    fn fetch_together(&self, keys: Vec<ParameterKey>) -> LocalBoxFuture<'static, BatchAnswer> {
        let names = keys.iter().map(|key| key.name.clone()).collect();
        self.0.borrow_mut().batches.push(names);
        let (batch, latency) = (self.0.borrow().batch, self.0.borrow().latency);
        Box::pin(async move {
            sleep(latency).await;
            batch(keys)
        })
    }
}

/// Answers each key with its name.
fn each_with_its_name(keys: Vec<ParameterKey>) -> BatchAnswer {
    Ok(keys.into_iter().map(|key| Some(SecretValue::new(key.name))).collect())
}

/// An upstream that answers every key with what a function says.
#[derive(Clone)]
pub struct AnswerWith<F>(pub F);

impl<F: Fn(CacheKey) -> UpstreamAnswer> Upstream<SecretKey> for AnswerWith<F> {
    fn fetch(&self, key: SecretKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        Box::pin(std::future::ready((self.0)(CacheKey::Secret(key))))
    }
}

impl<F: Fn(CacheKey) -> UpstreamAnswer> Upstream<ParameterKey> for AnswerWith<F> {
    fn fetch(&self, key: ParameterKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        Box::pin(std::future::ready((self.0)(CacheKey::Parameter(key))))
    }
}
