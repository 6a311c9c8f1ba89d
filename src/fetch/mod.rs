//! Fetches: upstream calls, bounded.

pub mod aws;
pub mod body;
pub mod demand;
pub mod error;
pub mod lane;
pub mod local_store;
pub mod messages;
pub mod pool;
pub mod upstream;
