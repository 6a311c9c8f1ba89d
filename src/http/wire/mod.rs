//! The server under the interface: the listener, connections, and the seams where actix-http parses and
//! writes.

mod actor;
mod connection;
mod connections;
mod head_end;
mod listeners;
mod refusal;
mod upgrade;

pub use actor::{CountConnections, Drain, HttpActor};
pub use listeners::Listeners;
pub(in crate::http) use refusal::BAD_REQUEST;
