//! What happened so far, counted where it happens.
//!
//! Everything runs on one thread, so counting is a plain add: no atomics on the hit path.

use std::{cell::Cell, time::Duration};

use serde::Serialize;
use tracing::info;

use crate::log::millis;

/// Live counters, shared by all actors.
#[derive(Debug, Default)]
pub struct Stats {
    hits: Cell<u64>,
    misses: Cell<u64>,
    coalesced: Cell<u64>,
    stale: Cell<u64>,
    upstream_calls: Cell<u64>,
    failed_fetches: Cell<u64>,
    throttled: Cell<u64>,
    longest_queue: Cell<usize>,
    slowest_fetch: Cell<Duration>,
}

/// The counters at one moment, in the shape `GET /stats` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StatsSnapshot {
    /// Callers answered from a fresh entry.
    pub hits: u64,
    /// Callers whose question started a fetch.
    pub misses: u64,
    /// Callers that joined a fetch which another one had started.
    pub coalesced: u64,
    /// Callers that got a value past its TTL, because fetches failed or took too long.
    pub stale: u64,
    /// Calls to an upstream; one may be for several parameters.
    pub upstream_calls: u64,
    /// Fetches that ended without a value.
    pub failed_fetches: u64,
    /// Calls that the upstream throttled.
    pub throttled: u64,
    /// Calls that callers did not cause: hits and coalesced callers.
    pub calls_saved: u64,
    /// The most fetches that ever waited for a permit of one upstream.
    pub longest_queue: usize,
    /// The longest fetch, waiting for a permit included, in milliseconds.
    pub slowest_fetch_ms: u64,
}

impl Stats {
    pub(crate) fn hit(&self) {
        add_one(&self.hits);
    }

    pub(crate) fn miss(&self) {
        add_one(&self.misses);
    }

    pub(crate) fn coalesced(&self) {
        add_one(&self.coalesced);
    }

    pub(crate) fn stale(&self, callers: usize) {
        self.stale.set(self.stale.get() + callers as u64);
    }

    pub(crate) fn upstream_call(&self) {
        add_one(&self.upstream_calls);
    }

    pub(crate) fn fetch_failed(&self) {
        add_one(&self.failed_fetches);
    }

    pub(crate) fn throttled(&self) {
        add_one(&self.throttled);
    }

    pub(crate) fn fetch_took(&self, took: Duration) {
        self.slowest_fetch.set(self.slowest_fetch.get().max(took));
    }

    pub(crate) fn queue_length(&self, length: usize) {
        self.longest_queue.set(self.longest_queue.get().max(length));
    }

    /// The counters now.
    pub fn snapshot(&self) -> StatsSnapshot {
        StatsSnapshot {
            hits: self.hits.get(),
            misses: self.misses.get(),
            coalesced: self.coalesced.get(),
            stale: self.stale.get(),
            upstream_calls: self.upstream_calls.get(),
            failed_fetches: self.failed_fetches.get(),
            throttled: self.throttled.get(),
            calls_saved: self.hits.get() + self.coalesced.get(),
            longest_queue: self.longest_queue.get(),
            slowest_fetch_ms: millis(self.slowest_fetch.get()),
        }
    }
}

impl StatsSnapshot {
    /// Logs one INFO line that sums up an environment's life, by which to tune the pool.
    pub fn log_summary(&self) {
        info!(
            hits = self.hits,
            misses = self.misses,
            coalesced = self.coalesced,
            stale = self.stale,
            upstream_calls = self.upstream_calls,
            failed_fetches = self.failed_fetches,
            throttled = self.throttled,
            calls_saved = self.calls_saved,
            longest_queue = self.longest_queue,
            slowest_fetch_ms = self.slowest_fetch_ms,
            "summary"
        );
    }
}

fn add_one(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}
