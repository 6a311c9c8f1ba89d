//! Lines on their way to standard output.
//!
//! Owns the bytes that wait and the thread that writes them. Standard output may be a pipe whose reader
//! has stopped reading: a write to it then lasts as long as the reader likes. So a caller only adds to a
//! buffer and never waits. A line for which there is no room is dropped, and the log says how many were.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing::{subscriber::with_default, warn};

use crate::{
    log::subscriber::subscriber_in,
    settings::{LogFormat, LogLevel},
};

/// How many bytes of lines may wait: a burst of a thousand callers at DEBUG.
const MAX_WAITING: usize = 1024 * 1024;

/// What a buffer keeps allocated once it is empty.
const KEPT_CAPACITY: usize = 16 * 1024;

/// How long the end of the process waits for the lines that were not written yet. Lambda kills 2 s after
/// SHUTDOWN, and the answers under way have had 0.4 s of them.
const LONGEST_DRAIN: Duration = Duration::from_millis(500);

/// Writing needs next to nothing.
const STACK_SIZE: usize = 64 * 1024;

/// Takes lines, one a write.
#[derive(Clone, Debug)]
pub(super) struct LineWriter(Arc<Queue>);

/// Writes what still waits when it is dropped, for half a second at most.
#[must_use = "lines that still wait are lost at exit"]
#[derive(Debug)]
pub struct Drain(Arc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// Tells the thread of lines, and [`Drain`] of the end of a write.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    /// Since lines were taken last. The first one dropped makes all later ones be dropped too, so that
    /// the line about it stands where they are missing.
    dropped: u64,
    is_writing: bool,
    has_ended: bool,
}

/// Starts the thread that writes to `output`. What it has to say itself has this format and level.
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
    /// A thread that panicked with the lock held left nothing half done.
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
        // While it writes, the thread looks again by itself.
        if was_empty && !waiting.is_writing {
            self.changed.notify_all();
        }
    }

    /// Until [`Drain`] is dropped and everything is written.
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
            // An output that is closed takes no line; there is nowhere to say so.
            let _ = output.write_all(&lines).and_then(|()| output.flush());
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
