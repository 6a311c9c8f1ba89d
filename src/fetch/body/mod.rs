//! The finished JSON: what a client gets, byte for byte, made once when an upstream has answered.

mod go_json;
mod record;

pub use record::{ParameterRecord, SecretRecord};
