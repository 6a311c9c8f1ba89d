//! The HTTP server under the interface: listeners, connections, and corrections to what actix-http
//! reads and writes.
//!
//! Owns every socket of a client. Promises that each request that arrives gets one answer, also
//! where actix-http cannot parse it, and that the number of connections and the size of a head are
//! bounded.

mod actor;
mod closable;
mod connection;
mod connections;
mod head_end;
mod listeners;
mod refusal;
mod turns;
mod upgrade;

pub use actor::{CountConnections, Drain, HttpActor};
pub(crate) use connections::MAX_CONNECTIONS;
pub use listeners::Listeners;
pub(in crate::http) use refusal::BAD_REQUEST;
