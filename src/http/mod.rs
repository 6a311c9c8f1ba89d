//! The HTTP interface: routes, authorization, queries and replies, over the server in `wire`.
//!
//! Owns the order of the checks and every byte of a reply. Knows nothing of AWS or of how values
//! are kept: it asks [`Cache`](crate::cache::Cache).

mod authorize;
mod bad_request;
mod batch;
mod local;
pub mod query;
mod reply;
mod routes;
mod snap_start_tokens;
mod token_file;
mod wire;

pub use authorize::Authorizer;
pub use bad_request::{BadRequest, Shown};
pub use routes::{Service, routes};
pub(crate) use wire::MAX_CONNECTIONS;
pub use wire::{CountConnections, Drain, HttpActor, Listeners};
