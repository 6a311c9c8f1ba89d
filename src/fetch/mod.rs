//! Fetches: upstream calls, bounded.

pub mod error;
mod go_json;
pub mod record;
pub mod upstream;
