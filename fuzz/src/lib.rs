//! What the programs in `fuzz_targets` do with an input.

// For the wrapper's reference.rs, which knows it as its own.
use parameters_secrets_extension::field;

pub mod targets;

/// As the test suite has it.
#[path = "../../tests/support"]
mod support {
    pub mod reply;
}
