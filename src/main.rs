//! Reads the command line and does what it says: without arguments, as Lambda starts it, it serves.

use std::process::ExitCode;

use parameters_secrets_extension::command::Command;

fn main() -> ExitCode {
    Command::from_arguments(std::env::args_os().skip(1)).run()
}
