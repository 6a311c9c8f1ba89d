//! Settings, port, register, run.

use std::process::ExitCode;

use parameters_secrets_extension::{extension::Boot, settings::Settings};

fn main() -> ExitCode {
    Boot::early(Settings::from_environment()).run()
}
