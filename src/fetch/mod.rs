//! Fetches: calls to the upstreams, within bounds.
//!
//! Owns the pool with a lane for each upstream, the AWS clients, the local store, and the JSON of a
//! response body. Promises that every fetch ends, and that no more calls are open than there are
//! permits. Knows nothing of callers or of what is kept.

pub mod aws;
pub mod body;
pub mod demand;
pub mod error;
pub mod lane;
pub mod local_store;
pub mod messages;
pub mod pool;
pub mod upstream;
