//! One input a run, for everything that reads bytes of others. A target panics at what must not be:
//! a crash, a promise that is broken.
//!
//! The corpora beside this folder are readable: each file is one input as it comes over the wire,
//! or from the disk.

pub mod connection;
pub mod extensions_api;
pub mod local_store;
pub mod query;
pub mod reference;
pub mod upstream;
