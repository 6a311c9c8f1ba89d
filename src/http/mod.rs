//! HTTP: what a client asks and how it is answered.

mod actor;
mod authorize;
mod bad_request;
mod connection;
mod connections;
mod head_end;
pub mod query;
mod refusal;
mod reply;
mod routes;

pub use actor::{CountConnections, Drain, HttpActor, bind};
pub use authorize::{Authorizer, CurrentToken};
pub use bad_request::{BadRequest, Shown};
pub use routes::{Service, configure};
