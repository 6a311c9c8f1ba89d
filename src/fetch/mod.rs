//! Fetches: upstream calls, bounded.

pub mod error;
mod go_json;
pub mod local_store;
pub mod record;
pub mod upstream;
