//! One binary for all integration tests: it links once.

#![allow(clippy::disallowed_methods, reason = "tests measure with the paused clock")]

mod coalescing;
mod eviction;
mod fetch_pool;
mod freshness;
mod support;
