//! The command line.
//!
//! Lambda starts an extension without arguments, and everything an extension does is set by
//! environment variables. The flags are for people and pipelines that run the program themselves.

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use crate::{check, core_dumps, extension::Boot, ping, settings::Settings, version::version};

const HELP: &str = "\
parameters-secrets-extension serves secrets and parameters to a Lambda function, from memory.

Usage:
  parameters-secrets-extension                    serve; outside Lambda until SIGTERM or ctrl-C
  parameters-secrets-extension --check [ITEM...]  can values be read from here, and if not, why?
  parameters-secrets-extension --ping             does one serve here? For a container's health check
  parameters-secrets-extension --version          version, target, TLS library
  parameters-secrets-extension --help             this text

An ITEM is secret:NAME-OR-ARN or parameter:/NAME, with further query parameters behind a `?`, as in
PARAMETERS_SECRETS_EXTENSION_PREFETCH. --check reads each and prints no value; it exits with 0 when
nothing failed, else with 1. It does not need a free port and does not register with Lambda, so a function
that has the layer may run it: /opt/extensions/parameters-secrets-extension --check secret:NAME

All settings are environment variables. With PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=store.json it answers
from a file and needs no AWS. docs/settings.md has the whole list.
";

/// What the program is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Run as the extension.
    Serve,
    /// Print the usage.
    Help,
    /// Print the version, the target and the TLS library.
    Version,
    /// Find out whether values can be read from here: these items, besides what every read needs.
    Check(Vec<String>),
    /// Find out whether an extension serves on this machine's port.
    Ping,
    /// Anything else, which the error repeats.
    Unknown(String),
}

impl Command {
    /// Reads the arguments behind the program's own name.
    pub fn from_arguments(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let mut arguments =
            arguments.into_iter().map(|argument| argument.to_string_lossy().into_owned());
        let Some(first) = arguments.next() else { return Self::Serve };
        match (first.as_str(), arguments.next()) {
            ("--check", item) => Self::Check(item.into_iter().chain(arguments).collect()),
            ("--help" | "-h", None) => Self::Help,
            ("--ping", None) => Self::Ping,
            ("--version" | "-V", None) => Self::Version,
            ("--help" | "-h" | "--ping" | "--version" | "-V", Some(second)) => {
                Self::Unknown(second)
            }
            _ => Self::Unknown(first),
        }
    }

    /// Runs the command. The exit code is 0, 1 if it failed, or 2 if it was not understood.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Serve => {
                core_dumps::turn_off();
                Boot::early(Settings::from_environment()).run()
            }
            Self::Check(items) => {
                core_dumps::turn_off();
                check::run(Settings::from_environment(), &items)
            }
            Self::Ping => match ping::ping(Settings::from_environment().settings.http_port) {
                Ok(()) => print(io::stdout(), "it serves\n", ExitCode::SUCCESS),
                Err(error) => {
                    print(io::stderr(), &format!("it does not serve: {error}\n"), ExitCode::FAILURE)
                }
            },
            Self::Help => print(io::stdout(), HELP, ExitCode::SUCCESS),
            Self::Version => print(io::stdout(), &format!("{}\n", version()), ExitCode::SUCCESS),
            Self::Unknown(argument) => {
                let text = format!("unknown argument {argument:?}: try --help\n");
                print(io::stderr(), &text, ExitCode::from(2))
            }
        }
    }
}

/// A closed output is not a failure of the command.
fn print(mut to: impl Write, text: &str, exit_code: ExitCode) -> ExitCode {
    let _ = to.write_all(text.as_bytes());
    exit_code
}

#[cfg(test)]
mod tests {
    use super::Command;

    fn of(arguments: &[&str]) -> Command {
        Command::from_arguments(arguments.iter().map(Into::into))
    }

    #[test]
    fn without_arguments_it_serves_as_lambda_starts_it() {
        assert_eq!(of(&[]), Command::Serve);
    }

    #[test]
    fn a_check_takes_any_number_of_items() {
        assert_eq!(of(&["--check"]), Command::Check(vec![]));
        let items = ["secret:db", "parameter:/a"];
        assert_eq!(
            of(&["--check", "secret:db", "parameter:/a"]),
            Command::Check(items.map(str::to_owned).into())
        );
    }

    #[test]
    fn a_ping_takes_nothing() {
        assert_eq!(of(&["--ping"]), Command::Ping);
    }

    #[test]
    fn help_and_version_have_short_forms() {
        assert_eq!((of(&["--help"]), of(&["-h"])), (Command::Help, Command::Help));
        assert_eq!((of(&["--version"]), of(&["-V"])), (Command::Version, Command::Version));
    }

    #[test]
    fn anything_else_is_named() {
        assert_eq!(of(&["check"]), Command::Unknown("check".into()));
        assert_eq!(of(&["--ping", "now"]), Command::Unknown("now".into()));
        assert_eq!(of(&["--version", "now"]), Command::Unknown("now".into()));
    }
}
