//! From the command line to the command.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

use crate::{
    arguments::{Arguments, HELP, Task},
    ask::Extension,
    extension,
    failure::{Failure, NAME, say},
    guard,
    http::Deadline,
    plan::Plan,
    settings::{IN_SNAPSHOT, NEXT_WRAPPER, Settings},
};

/// The exit codes of shells for a command that does not exist (127), or that cannot be started
/// (126).
const NOT_FOUND: u8 = 127;
const NOT_STARTED: u8 = 126;

/// For a command line that cannot be understood.
const MISUSED: u8 = 2;

pub(crate) fn run() -> ExitCode {
    match Task::read(std::env::args_os().skip(1)) {
        Task::Help => print(HELP),
        Task::Version => print(&format!("{NAME} {}\n", env!("CARGO_PKG_VERSION"))),
        Task::Misuse(what) => {
            say(&format!("{what}; see {NAME} --help"));
            ExitCode::from(MISUSED)
        }
        Task::Detach(arguments) => guard::detach(&arguments),
        Task::Guard { command, program } => guard::guard(command, &program),
        Task::Run(arguments) => start(arguments),
    }
}

#[expect(clippy::disallowed_methods, reason = "the environment is what the wrapper works on")]
fn start(arguments: Arguments) -> ExitCode {
    let environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    // What is not UTF-8 holds no reference; it is passed on untouched, as everything is that is not
    // set.
    let variables: BTreeMap<&str, &str> = environment
        .iter()
        .filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
        .collect();
    let mut settings = Settings::read(&variables);
    settings.warnings.iter().for_each(|line| say(line));
    let failure = become_the_command(arguments, &variables, &mut settings);
    failure.report(settings.runtime_api.as_deref());
    ExitCode::from(failure.code)
}

/// Returns only if that is not possible.
fn become_the_command(
    arguments: Arguments,
    variables: &BTreeMap<&str, &str>,
    settings: &mut Settings,
) -> Failure {
    let resolved = match resolve(&arguments, variables, settings) {
        Ok(resolved) => resolved,
        Err(failure) => return failure,
    };
    let next_wrapper = settings.next_wrapper.as_ref().map(OsString::from);
    let mut words = next_wrapper.into_iter().chain(arguments.command);
    let program = words.next().unwrap_or_default();
    let error = Command::new(&program)
        .args(words)
        .envs(resolved)
        // A wrapper that is wrapped again starts what it wraps, not itself.
        .env_remove(NEXT_WRAPPER)
        .exec();
    let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_STARTED };
    Failure { lines: vec![format!("cannot start {}: {error}", program.display())], code }
}

/// The variables to set.
fn resolve(
    arguments: &Arguments,
    variables: &BTreeMap<&str, &str>,
    settings: &mut Settings,
) -> Result<Vec<(String, OsString)>, Failure> {
    let mut set = Vec::new();
    if let Some(store) = &arguments.local_store {
        if settings.runtime_api.is_some() {
            return Err(
                "--local-store is for outside Lambda, which starts the layer's extension itself"
                    .to_owned()
                    .into(),
            );
        }
        set.extend(extension::start(store, settings)?);
    }
    let plan = Plan::new(variables, settings);
    for name in &plan.broken {
        say(&format!(
            "{name}: something in it begins like a reference but is not one; it is left as it is"
        ));
    }
    let sources = plan.sources();
    if !sources.is_empty() && settings.is_snap_start && !settings.in_snapshot {
        return Err(format!(
            "the values of {} references would lie in the SnapStart snapshot, readable for as long as it \
             exists and never renewed: read them in the handler, or set {IN_SNAPSHOT}=TRUE",
            sources.len()
        )
        .into());
    }
    let answers = if sources.is_empty() {
        BTreeMap::new()
    } else {
        let Some(token) = &settings.token else {
            return Err(
                "neither AWS_SESSION_TOKEN nor PARAMETERS_SECRETS_EXTENSION_TOKEN is set: without a token the \
                 extension refuses every request"
                    .to_owned()
                    .into(),
            );
        };
        let time_out = settings.time_out;
        let deadline = Deadline::after(time_out);
        Extension { port: settings.port, token, deadline, time_out }.ask(&sources)?
    };
    set.extend(plan.resolve(&answers).map_err(|lines| Failure { lines, code: 1 })?);
    Ok(set)
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_closed) => ExitCode::FAILURE,
    }
}
