//! `parameters-secrets-wrapper`: puts secrets and parameters into the environment of a command, and
//! becomes it.
//!
//! It reads the environment for references (`reference.rs`), asks the running extension for all of
//! them at once (`ask.rs`), replaces them (`plan.rs`), and execs the command: Lambda's runtime, the
//! next wrapper, or any command on a laptop, where it can start the extension too (`extension.rs`).
//!
//! Every cold start waits for it, so it has no AWS SDK, no async runtime, no thread: sockets of the
//! standard library, and a parser each for HTTP's head and for JSON. It shares no crate with the
//! extension but the few files below.

#[path = "../field.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the extension")]
mod field;
#[path = "../secret.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the extension")]
mod secret;
#[path = "../settings/token.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the extension")]
mod token;

mod arguments;
mod ask;
mod extension;
mod failure;
mod guard;
mod http;
mod plan;
mod reference;
mod run;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::run()
}
