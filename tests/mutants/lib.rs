//! The parts of the program that decide, without its actors: what `tests/mutants/run` mutates.
//! Every module is the program's own file, at its own path.

#![allow(dead_code, unused_imports, reason = "the actors, which use the rest, are not here")]

extern crate self as parameters_secrets_extension;

pub mod cache {
    mod caller;
    mod cost;
    mod entry;
    mod event;
    mod failures;
    mod flight;
    mod index;
    mod key_state;
    mod policy;

    pub use caller::{Caller, CallerId, LookupResult, Reply, Urgency};
    pub use cost::{EACH_KEY, cost, cost_of};
    pub use entry::{Answer, Entry, Freshness};
    pub use event::Event;
    pub use failures::{FIRST_PAUSE, KNOWN_FOR, LONGEST_PAUSE};
    pub use index::Index;
    pub use key_state::{Holding, KeyState, Output};
    pub use policy::{CachePolicy, Capacity, LAST_FIFTH, MAX_WAITERS};
}
pub mod clock;
pub mod fetch {
    pub mod demand;
    pub mod error;
    pub mod lane {
        mod batchable;
        mod decision;
        mod scarcity;
        mod state;

        pub use batchable::{Batchable, Group};
        pub use scarcity::{FIRST_PAUSE, LONGEST_PAUSE, Throttled};
        pub use decision::{CallId, Ending, FetchId, Full, LaneLimits, Output, Why};
        pub use state::{LARGEST_BATCH, LaneState, SINGLY_FOR};
    }
}
pub mod freeze;
pub mod key;
pub mod secret;
pub mod stats;

/// What the files above want of the log.
mod log {
    use std::time::Duration;

    macro_rules! debug {
        ($($event:tt)+) => {
            ::tracing::debug!($($event)+)
        };
    }
    pub(crate) use debug;

    pub(crate) fn millis(duration: Duration) -> u64 {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
#[path = "../tests/behaviour_table.rs"]
mod behaviour_table;
#[cfg(test)]
#[path = "../tests/key_state.rs"]
mod key_state;
#[cfg(test)]
#[path = "../tests/model.rs"]
mod model;
#[cfg(test)]
#[path = "../tests/support"]
mod support {
    pub mod behaviour;
    pub mod config;
    pub mod outcome;
    pub mod world;
}
