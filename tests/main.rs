//! One binary for all integration tests: it links once.

#![allow(unreachable_pub, reason = "modules of one test crate")]
#![allow(clippy::disallowed_methods, reason = "tests measure with the paused clock")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

// The wrapper's reference.rs, which a fuzz target includes, knows it as its own.
use parameters_secrets_extension::field;

mod actix_contract;
mod actors_doc;
mod bad_input;
mod batch;
mod batching;
mod behaviour_of_the_pool;
mod behaviour_of_the_whole_cache;
mod behaviour_table;
mod coalescing;
mod deadline;
mod documentation;
mod eviction;
mod fetch_pool;
mod freeze;
mod freshness;
mod fuzzing;
mod hit_cost;
mod http_connections;
mod http_errors;
mod http_success;
mod http_tokens;
mod key_cost;
mod key_state;
mod lifecycle;
mod log_hygiene;
mod model;
mod model_of_the_whole_cache;
mod one_field;
mod one_key_per_question;
mod outages;
mod panics;
mod prefetch;
mod refresh_ahead;
mod remembered_errors;
mod restore;
mod scarcity;
mod soak;
mod stale_while_revalidate;
mod summary;
mod support;
mod tls;
mod watching;
