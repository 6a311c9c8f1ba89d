//! Writes lines to standard output, without a wait for the thread that logs.
//!
//! Owns a buffer of lines and the thread that writes it. Standard output may be a pipe whose reader
//! has stopped reading: a write to it then blocks for as long as the reader likes. So a caller only
//! adds to the buffer. A line for which the buffer has no room is dropped, and the log says how
//! many were.

use std::{
    io::{self, Write},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing::{subscriber::with_default, warn};

use crate::{
    log::subscriber::subscriber_in,
    settings::{LogFormat, LogLevel},
};

/// The bytes of lines that may wait: a burst of a thousand callers at DEBUG.
const MAX_WAITING: usize = 1024 * 1024;

/// The bytes that an empty buffer keeps allocated.
const KEPT_CAPACITY: usize = 16 * 1024;

/// How long the process waits for unwritten lines before it exits. Lambda kills it 2 s after
/// SHUTDOWN, and pending answers have taken 0.4 s of that.
const LONGEST_DRAIN: Duration = Duration::from_millis(500);

/// Writing needs little; the default would be 2 MB of address space.
const STACK_SIZE: usize = 64 * 1024;

/// Takes lines, one for each write.
#[derive(Clone, Debug)]
pub(super) struct LineWriter(Arc<Queue>);

/// Lets the waiting lines be written when it is dropped, for half a second at most.
#[must_use = "lines that still wait are lost at exit"]
#[derive(Debug)]
pub struct Drain(Arc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// Signals new lines to the thread, and the end of a write to [`Drain`].
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    /// Lines dropped since the thread last took the buffer. After the first one all others are
    /// dropped too, so that the line about them stands where they are missing.
    dropped: u64,
    is_writing: bool,
    has_ended: bool,
}

/// Starts the thread that writes to `output`. Its own line, about those that were dropped, has this
/// format and level.
pub(super) fn start(
    format: LogFormat,
    level: LogLevel,
    output: impl Write + Send + 'static,
) -> io::Result<(LineWriter, Drain)> {
    let queue = Arc::new(Queue::default());
    let written = Arc::clone(&queue);
    thread::Builder::new()
        .name("log".to_owned())
        .stack_size(STACK_SIZE)
        .spawn(move || written.write_to(output, |dropped| gap(format, level, dropped)))?;
    Ok((LineWriter(Arc::clone(&queue)), Drain(queue)))
}

impl Write for LineWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.has_ended = true;
        self.0.changed.notify_all();
        let is_unwritten = |waiting: &mut Waiting| waiting.is_writing || waiting.has_any();
        let _ = self.0.changed.wait_timeout_while(waiting, LONGEST_DRAIN, is_unwritten);
    }
}

impl Waiting {
    fn has_any(&self) -> bool {
        !self.lines.is_empty() || self.dropped > 0
    }
}

impl Queue {
    /// Ignores poisoning: a panic under the lock leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8]) {
        let mut waiting = self.lock();
        let was_empty = !waiting.has_any();
        if waiting.dropped > 0 || waiting.lines.len() + line.len() > MAX_WAITING {
            waiting.dropped += 1;
        } else {
            waiting.lines.extend_from_slice(line);
        }
        // A thread that is writing looks again by itself.
        if was_empty && !waiting.is_writing {
            self.changed.notify_all();
        }
    }

    /// Runs until [`Drain`] is dropped and everything is written.
    fn write_to(&self, mut output: impl Write, gap: impl Fn(u64) -> Vec<u8>) {
        let mut lines = Vec::new();
        loop {
            let mut waiting = self.lock();
            waiting.is_writing = false;
            while !waiting.has_any() {
                if waiting.has_ended {
                    self.changed.notify_all();
                    return;
                }
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            mem::swap(&mut waiting.lines, &mut lines);
            let dropped = mem::take(&mut waiting.dropped);
            waiting.is_writing = true;
            drop(waiting);
            if dropped > 0 {
                lines.extend_from_slice(&gap(dropped));
            }
            // A closed output is not reported: there is nowhere to report it. One that panics loses
            // these lines, and the thread goes on with the next ones.
            let write = || output.write_all(&lines).and_then(|()| output.flush());
            let _ = catch_unwind(AssertUnwindSafe(write));
            lines.clear();
            lines.shrink_to(KEPT_CAPACITY);
        }
    }
}

/// The line that stands where lines are missing.
fn gap(format: LogFormat, level: LogLevel, count: u64) -> Vec<u8> {
    let queue = Arc::new(Queue::default());
    let writer = LineWriter(Arc::clone(&queue));
    with_default(subscriber_in(format, level, move || writer.clone()), || {
        warn!(count, "lines were dropped here: standard output was not read");
    });
    mem::take(&mut queue.lock().lines)
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
