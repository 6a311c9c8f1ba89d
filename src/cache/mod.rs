//! The cache: the state of every key, an actor that carries messages to it, and what callers hold
//! of both.
//!
//! What a key answers is decided in `key_state.rs`, which is pure; `docs/behaviour.md` says it in a
//! table.

mod actor;
mod caller;
mod entry;
mod event;
mod failures;
mod flight;
mod handle;
mod index;
mod key_state;
mod messages;
mod policy;

pub use actor::{CacheActor, CacheLimits};
pub use caller::{Caller, CallerId, LookupResult, Reply, Urgency};
pub use entry::{Answer, Entry, Freshness};
pub use event::Event;
pub use failures::{FIRST_PAUSE, KNOWN_FOR, LONGEST_PAUSE};
pub use handle::Cache;
pub use index::Index;
pub use key_state::{Holding, KeyState, Output};
pub use messages::{Get, GetKept, Settled};
pub use policy::{CachePolicy, LAST_FIFTH, MAX_WAITERS};
