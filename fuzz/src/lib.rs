//! What the programs in `fuzz_targets` do with an input.

// For the wrapper's reference.rs, which knows it as its own.
use parameters_secrets_extension::field;

pub mod targets;

/// As the test suite has it.
#[path = "../../tests/support"]
#[allow(dead_code, reason = "the suite asks a reply for more")]
mod support {
    pub mod reply;
}
