//! HTTP: what a client asks and how it is answered.

mod bad_request;
pub mod query;
