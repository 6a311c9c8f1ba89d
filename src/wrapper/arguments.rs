//! The command line: the wrapper's own options, then the command, whose arguments are not read.

use std::{ffi::OsString, path::PathBuf};

use rustix::process::Pid;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Resolve the environment and become the command.
    Run(Arguments),
    /// Start this program with these arguments and end; for the wrapper's own use.
    Detach(Vec<OsString>),
    /// Stay beside an extension until the command has ended; for the wrapper's own use.
    Guard {
        command: Pid,
        program: PathBuf,
    },
    Help,
    Version,
    /// The command line cannot be understood; the text says why.
    Misuse(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Start an extension over this file for as long as the command lives.
    pub(crate) local_store: Option<PathBuf>,
    /// The program and its arguments; never empty.
    pub(crate) command: Vec<OsString>,
}

/// The option for [`Task::Detach`].
pub(crate) const DETACH: &str = "--detach";

/// The option for [`Task::Guard`].
pub(crate) const GUARD: &str = "--guard-extension";

pub(crate) const HELP: &str = "\
Puts secrets and parameters into a command's environment, then becomes the command.

  parameters-secrets-wrapper COMMAND [ARGUMENT...]
  parameters-secrets-wrapper --local-store FILE -- COMMAND [ARGUMENT...]

In the environment, ${secret:ID} and ${parameter:NAME} stand for values of Secrets Manager and
Parameter Store, ${secret:ID#field} for one field of a JSON value. They are read through the
parameters-secrets-extension that runs beside the command, all at once.

  --local-store FILE   outside Lambda: starts the extension over this JSON file, on a free port,
                       for as long as the command runs
  --help, --version

In Lambda it is set as AWS_LAMBDA_EXEC_WRAPPER, or stands before the command of a container image.
";

impl Task {
    /// Reads the arguments behind the program's own name.
    pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let mut arguments = arguments.into_iter();
        let mut local_store = None;
        let mut command = Vec::new();
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--help" | "-h") => return Self::Help,
                Some("--version") => return Self::Version,
                Some("--local-store") => match arguments.next() {
                    Some(file) => local_store = Some(PathBuf::from(file)),
                    None => return Self::Misuse("--local-store needs a file".into()),
                },
                Some(DETACH) => return Self::Detach(arguments.collect()),
                Some(GUARD) => return Self::guard(arguments),
                Some("--") => break,
                Some(option) if option.starts_with('-') => {
                    return Self::Misuse(format!("there is no option {option:?}"));
                }
                _ => {
                    command.push(argument);
                    break;
                }
            }
        }
        command.extend(arguments);
        if command.is_empty() {
            return Self::Misuse("there is no command to start".into());
        }
        Self::Run(Arguments { local_store, command })
    }

    fn guard(mut arguments: impl Iterator<Item = OsString>) -> Self {
        let number = arguments.next().and_then(|number| number.to_str()?.parse().ok());
        let command = number.filter(|&number| number > 0).and_then(Pid::from_raw);
        match (command, arguments.next()) {
            (Some(command), Some(program)) => Self::Guard { command, program: program.into() },
            _ => Self::Misuse(format!("{GUARD} needs a process and a program")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Task};

    fn read(arguments: &[&str]) -> Task {
        Task::read(arguments.iter().map(Into::into))
    }

    fn run(local_store: Option<&str>, command: &[&str]) -> Task {
        let command = command.iter().map(Into::into).collect();
        Task::Run(Arguments { local_store: local_store.map(Into::into), command })
    }

    #[test]
    fn the_first_word_that_is_no_option_begins_the_command() {
        assert_eq!(read(&["node", "--help", "--", "x"]), run(None, &["node", "--help", "--", "x"]));
        assert_eq!(read(&["--", "--odd", "--"]), run(None, &["--odd", "--"]));
        assert_eq!(
            read(&["--local-store", "s.json", "--", "npm", "test"]),
            run(Some("s.json"), &["npm", "test"])
        );
        assert_eq!(read(&["--local-store", "s.json", "npm"]), run(Some("s.json"), &["npm"]));
    }

    #[test]
    fn an_argument_that_is_empty_or_not_utf_8_is_passed_on() {
        use std::{ffi::OsString, os::unix::ffi::OsStringExt};

        let odd = OsString::from_vec(vec![0xff]);
        let command = vec!["a".into(), "".into(), odd.clone()];
        let task = Task::read(command.clone());
        assert_eq!(task, Task::Run(Arguments { local_store: None, command }));
        let task = Task::read([odd.clone()]);
        assert_eq!(task, Task::Run(Arguments { local_store: None, command: vec![odd] }));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (arguments, expected) in [
            (&[][..], "there is no command to start"),
            (&["--"], "there is no command to start"),
            (&["--local-store"], "--local-store needs a file"),
            (&["--local-stroe", "x"], "there is no option \"--local-stroe\""),
        ] {
            assert_eq!(read(arguments), Task::Misuse(expected.into()));
        }
    }

    #[test]
    fn help_and_version_are_for_the_wrapper_only_before_the_command() {
        assert_eq!(read(&["--help"]), Task::Help);
        assert_eq!(read(&["--local-store", "x", "--version"]), Task::Version);
        assert_eq!(read(&["a", "--version"]), run(None, &["a", "--version"]));
    }
}
