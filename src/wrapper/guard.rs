//! Stays beside an extension, and ends it when the command has ended.
//!
//! The guard is no child of the command's: one that waits for all of its children would wait for a
//! process that it never started, and that waits for it. So the wrapper starts it through a process
//! that ends at once, and the guard looks for the command by its number, which is the wrapper's.

use std::{
    ffi::OsString,
    io,
    os::fd::OwnedFd,
    path::Path,
    process::{Command, ExitCode},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, test_kill_process},
};

use crate::failure::say;

/// How often it is looked whether the extension still lives, and the command, if the kernel cannot
/// tell of its end.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// Starts this program again, and does not wait for it: it is adopted by init.
pub(crate) fn detach(arguments: &[OsString]) -> ExitCode {
    let started = std::env::current_exe().and_then(|own| Command::new(own).args(arguments).spawn());
    match started {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("cannot start the guard of the extension: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Holds the extension until the command or the extension itself has ended. As long as that takes,
/// the guard's standard output stays open.
pub(crate) fn guard(command: Pid, program: &Path) -> ExitCode {
    // Before the extension is started: the wrapper, which has the number, waits for that. Later the
    // command could have ended, and the number be another process's.
    let command = Watched::new(command);
    // The log goes where no program reads the command's output.
    let mut extension = match Command::new(program).stdout(io::stderr()).spawn() {
        Ok(extension) => extension,
        Err(error) => {
            say(&format!("cannot start {}: {error}", program.display()));
            return ExitCode::FAILURE;
        }
    };
    loop {
        if extension.try_wait().map_or(true, |status| status.is_some()) {
            return ExitCode::FAILURE;
        }
        if command.ends_soon() {
            // It has no client left, and nothing to write down.
            let _ = extension.kill();
            let _ = extension.wait();
            return ExitCode::SUCCESS;
        }
    }
}

/// A process that need not be a child.
struct Watched {
    pid: Pid,
    /// Becomes readable when the process ends. `None` where there is no such thing: on macOS, on a
    /// Linux before 5.3, or in a sandbox that forbids it.
    end: Option<OwnedFd>,
}

impl Watched {
    fn new(pid: Pid) -> Self {
        Self { pid, end: end_of(pid) }
    }

    /// Whether it has ended, or ends within [`LOOK`].
    fn ends_soon(&self) -> bool {
        let mut end = self.end.as_ref().map(|end| PollFd::new(end, PollFlags::IN));
        let has_ended = poll(end.as_mut_slice(), Some(&LOOK)).is_ok_and(|ready| ready > 0);
        // Any other error says that it lives: a command may have changed its user.
        has_ended || self.end.is_none() && test_kill_process(self.pid) == Err(Errno::SRCH)
    }
}

#[cfg(target_os = "linux")]
fn end_of(pid: Pid) -> Option<OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};

    pidfd_open(pid, PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn end_of(_: Pid) -> Option<OwnedFd> {
    None
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use rustix::process::Pid;

    use super::{Watched, end_of};

    fn start() -> (Child, Pid) {
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_child(&child);
        (child, pid)
    }

    #[test]
    fn the_end_of_a_process_is_seen_with_the_kernels_help_or_without() {
        for with_help in [true, false] {
            let (mut child, pid) = start();
            let watched = Watched { pid, end: end_of(pid).filter(|_| with_help) };
            assert!(!watched.ends_soon());
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(watched.ends_soon());
        }
    }

    #[test]
    fn a_process_that_has_ended_before_is_seen_to() {
        let (mut child, pid) = start();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(Watched::new(pid).ends_soon());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_that_its_parent_has_not_waited_for_has_ended_all_the_same() {
        let (mut child, pid) = start();
        let watched = Watched::new(pid);
        child.kill().unwrap();
        while !watched.ends_soon() {}
        child.wait().unwrap();
    }
}
