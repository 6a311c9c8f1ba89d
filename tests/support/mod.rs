//! What tests are made of.

pub mod cache;
pub mod clock;
pub mod upstream;
