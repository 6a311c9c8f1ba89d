//! The cache: the state of every key, an actor for each key that has a fetch in flight, a registry
//! of both, and the [`Cache`] that callers hold.
//!
//! Owns what is kept and for how long. Promises that callers that miss together share one fetch,
//! and that each of them is answered once. Knows neither HTTP nor AWS.
//!
//! What a key answers is decided in `key_state.rs`, which is pure; `docs/behaviour.md` has it as a
//! table.

mod actor;
mod caller;
mod cost;
mod entry;
mod event;
mod failures;
mod flight;
mod handle;
mod index;
mod key_state;
mod messages;
mod policy;
mod registry;
mod shared_index;

pub use actor::CacheActor;
pub use caller::{Caller, CallerId, LookupResult, Reply, Urgency};
pub use cost::{EACH_KEY, cost, cost_of};
pub use entry::{Answer, Entry, Freshness};
pub use event::Event;
pub use failures::{FIRST_PAUSE, KNOWN_FOR, LONGEST_PAUSE};
pub use handle::Cache;
pub use index::Index;
pub use key_state::{Holding, KeyState, Output};
pub use messages::{AtRest, Get, GetKept};
pub use policy::{CachePolicy, Capacity, LAST_FIFTH, MAX_WAITERS};
pub use registry::{CacheLimits, CacheRegistry};
