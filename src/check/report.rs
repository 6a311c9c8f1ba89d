//! One line for each step of the check.

use std::{
    fmt,
    io::{self, Write},
    time::Duration,
};

use crate::clock::{Clock, SystemClock};

/// Why a step failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// What is wrong.
    pub(super) why: String,
    /// The one thing to do about it.
    pub(super) to_do: String,
}

impl Failure {
    pub(super) fn new(why: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { why: why.into(), to_do: to_do.into() }
    }
}

/// What a step found out for the next one, and what its line says.
pub(super) type Outcome<T> = Result<(T, String), Failure>;

/// Writes lines to standard output as the steps end, and counts the failures.
#[derive(Default)]
pub(super) struct Report {
    failures: usize,
}

impl Report {
    /// Awaits a step and writes its line. `None` if it failed.
    pub(super) async fn step<T>(
        &mut self,
        what: impl fmt::Display,
        step: impl Future<Output = Outcome<T>>,
    ) -> Option<T> {
        let begun = SystemClock.now().monotonic;
        let outcome = step.await;
        let took = SystemClock.now().monotonic - begun;
        match outcome {
            Ok((found, text)) => {
                line("ok", took, what, &text);
                Some(found)
            }
            Err(failure) => {
                self.failed_after(took, what, &failure);
                None
            }
        }
    }

    /// Writes the line of a failure that took no time.
    pub(super) fn failed(&mut self, what: impl fmt::Display, failure: Failure) {
        self.failed_after(Duration::ZERO, what, &failure);
    }

    fn failed_after(&mut self, took: Duration, what: impl fmt::Display, failure: &Failure) {
        self.failures += 1;
        line("FAILED", took, what, &format!("{} -> {}", failure.why, failure.to_do));
    }

    /// Writes a line about something that works, but is probably not what was meant.
    pub(super) fn warning(&mut self, what: impl fmt::Display, text: &str) {
        line("warning", Duration::ZERO, what, text);
    }

    /// Writes the line of a step that depends on one that failed.
    pub(super) fn skipped(&mut self, what: impl fmt::Display, text: &str) {
        line("skipped", Duration::ZERO, what, text);
    }

    pub(super) fn failures(&self) -> usize {
        self.failures
    }
}

fn line(word: &str, took: Duration, what: impl fmt::Display, text: &str) {
    let took = took.as_millis();
    // The text may come from a service or a variable: it is kept on one line.
    let text = text.replace(char::is_control, " ");
    say(format_args!("{word:<7} {took:>6} ms  {what}: {text}"));
}

/// Writes a line that belongs to no step. A closed output is ignored: there is still the exit code.
pub(super) fn say(text: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{text}");
}
