//! Fetches: upstream calls, bounded.

pub mod error;
pub mod upstream;
