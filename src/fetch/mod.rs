//! Fetches: upstream calls, bounded.

pub mod aws;
mod client_cell;
pub mod error;
mod go_json;
mod http_pool;
mod lane;
pub mod local_store;
pub mod parameter_store;
pub mod pool;
pub mod record;
mod sdk_error;
pub mod secrets_manager;
pub mod upstream;
mod user_agent;
