//! Reads the command line and does what it says: without arguments, as Lambda starts it, it serves.

use std::process::ExitCode;

use parameters_secrets_extension::command::Command;

/// musl's own allocator doubles what a new connection costs (docs/decisions/0014).
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Command::from_arguments(std::env::args_os().skip(1)).run()
}
