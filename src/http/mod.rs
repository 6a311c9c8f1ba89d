//! HTTP: what a client asks and how it is answered.

mod authorize;
mod bad_request;
mod batch;
mod local;
pub mod query;
mod reply;
mod routes;
mod snap_start_tokens;
mod wire;

pub use authorize::Authorizer;
pub use bad_request::{BadRequest, Shown};
pub use routes::{Service, routes};
pub use wire::{CountConnections, Drain, HttpActor, Listeners};
