//! Starts an extension for as long as the command lives: on a laptop and in CI, where there is no
//! Lambda.
//!
//! The command takes this process's place, so that signals, the terminal and the exit code are its
//! own. What stays beside it is a guard (`guard.rs`), which holds the extension and ends it when
//! the command has ended.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, PipeReader, Read},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio, id},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{
    arguments::{DETACH, GUARD},
    ask::Extension,
    failure::Failure,
    http::Deadline,
    settings::{PORT, SESSION_TOKEN, Settings},
    token::{AGENTS_VARIABLE, OWN_VARIABLE},
};

const PROGRAM: &str = "parameters-secrets-extension";
const STORE: &str = "PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE";
const LOG_LEVEL: &str = "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL";

/// How soon it is asked again whether the extension serves.
const RETRY: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// A free port may be taken before the extension binds it: it is an error only if that happens this
/// often in a row.
const PORTS_TRIED: u32 = 3;

/// Starts the extension over `store` and waits until it serves.
///
/// Returns what the command needs to reach it; `settings` is told the same.
///
/// # Errors
///
/// There is no extension to start, or it ended at once: then its own log has said why.
pub(crate) fn start(
    store: &Path,
    settings: &mut Settings,
) -> Result<[(String, OsString); 2], Failure> {
    let program = find_program();
    // One that is set stays: it belongs to credentials that the command may need.
    let token = match settings.token.take() {
        Some(token) => token,
        None => new_token().map_err(|error| format!("cannot make a token: {error}"))?,
    };
    for _ in 0..PORTS_TRIED {
        let port = free_port().map_err(|error| format!("cannot find a free port: {error}"))?;
        let environment = [
            (PORT.to_owned(), port.to_string().into()),
            (SESSION_TOKEN.to_owned(), token.clone().into()),
        ];
        let guard = start_guard(&program, store, &environment)
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let extension = Extension {
            port,
            token: &token,
            deadline: Deadline::after(settings.time_out),
            time_out: settings.time_out,
        };
        if wait_until_it_serves(&extension, &guard)? {
            (settings.port, settings.token) = (port, Some(token));
            return Ok(environment);
        }
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Err(Failure::from(format!(
                "{PROGRAM} ended before it served; its log says why"
            )));
        }
    }
    Err(Failure::from(format!("{PORTS_TRIED} free ports in a row were taken by others at once")))
}

/// False if the extension ended instead, and with it its guard.
fn wait_until_it_serves(extension: &Extension<'_>, guard: &PipeReader) -> Result<bool, Failure> {
    loop {
        if extension.is_ours() {
            return Ok(true);
        }
        let mut guard = [PollFd::new(guard, PollFlags::IN)];
        if poll(&mut guard, Some(&RETRY)).is_ok_and(|ready| ready > 0) {
            return Ok(false);
        }
        if extension.deadline.left().is_none() {
            let millis = extension.time_out.as_millis();
            return Err(Failure::from(format!("{PROGRAM} does not serve after {millis} ms")));
        }
    }
}

/// Returns what comes to its end when the guard ends.
fn start_guard(
    program: &Path,
    store: &Path,
    environment: &[(String, OsString)],
) -> io::Result<PipeReader> {
    let (end, held_by_the_guard) = io::pipe()?;
    let mut guard = Command::new(std::env::current_exe()?);
    guard.arg(DETACH).arg(GUARD).arg(id().to_string()).arg(program);
    guard.envs(environment.iter().map(|(name, value)| (name, value))).env(STORE, store);
    // It would warn that they do not count beside the session token.
    guard.env_remove(OWN_VARIABLE).env_remove(AGENTS_VARIABLE);
    if !is_set(LOG_LEVEL) {
        // What a command prints is read by people and programs; there is nothing to say while all
        // is well.
        guard.env(LOG_LEVEL, "WARN");
    }
    // A group of its own: ctrl-C is for the command.
    guard.stdin(Stdio::null()).stdout(held_by_the_guard).process_group(0);
    // That it could not start the guard is known by the pipe's end, too.
    let _ = guard.spawn()?.wait();
    Ok(end)
}

#[expect(clippy::disallowed_methods, reason = "whether it is set is all that is asked")]
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Beside this program, where the layer has it, or wherever `PATH` leads.
fn find_program() -> PathBuf {
    let own_folder = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.to_owned()));
    let places = own_folder
        .into_iter()
        .flat_map(|folder| [folder.join(PROGRAM), folder.join("../extensions").join(PROGRAM)]);
    places.into_iter().find(|place| place.is_file()).unwrap_or_else(|| PROGRAM.into())
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// 128 bits that cannot be guessed.
fn new_token() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
