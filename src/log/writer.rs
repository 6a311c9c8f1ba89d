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
    log::subscriber_in,
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
mod tests {
    use std::{sync::mpsc, time::Instant};

    use super::*;

    const LINE: &[u8] = b"a line of the log\n";

    /// Lets each write wait for a permit, and then keeps what was written.
    struct Pipe {
        permits: mpsc::Receiver<()>,
        written: mpsc::Sender<String>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.permits.recv().map_err(|_gone| io::ErrorKind::BrokenPipe)?;
            let _ = self.written.send(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Test {
        writer: LineWriter,
        drain: Drain,
        permit: mpsc::Sender<()>,
        written: mpsc::Receiver<String>,
    }

    fn start_test() -> Test {
        let (permit, permits) = mpsc::channel();
        let (sender, written) = mpsc::channel();
        let (writer, drain) =
            start(LogFormat::Text, LogLevel::Debug, Pipe { permits, written: sender }).unwrap();
        Test { writer, drain, permit, written }
    }

    impl Test {
        fn log(&mut self, line: &[u8]) {
            self.writer.write_all(line).unwrap();
        }

        fn let_one_write_pass(&self) -> String {
            self.permit.send(()).unwrap();
            self.written.recv_timeout(Duration::from_secs(10)).unwrap()
        }
    }

    #[test]
    fn lines_come_out_in_order_and_whole() {
        let mut test = start_test();
        test.log(b"first\n");
        assert_eq!(test.let_one_write_pass(), "first\n");
        test.log(b"second\n");
        assert_eq!(test.let_one_write_pass(), "second\n");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "bounds how long the test may take")]
    fn an_output_that_is_not_read_makes_no_caller_wait_and_its_gap_is_told() {
        let mut test = start_test();
        let started = Instant::now();
        // The first lines may be taken at once, and then wait within a write.
        let lines = 2 * MAX_WAITING / LINE.len() + 10;
        for _ in 0..lines {
            test.log(LINE);
        }
        assert!(started.elapsed() < Duration::from_secs(10));

        // A writer that starts late finds the gap's beginning, and another gap after its first write.
        let (mut kept, mut told) = (0, 0);
        while kept + told < lines {
            for line in test.let_one_write_pass().lines() {
                if line.as_bytes() == LINE.trim_ascii_end() {
                    kept += 1;
                    continue;
                }
                let (start, count) = line.split_once(" count=").unwrap();
                let text = " WARN lines were dropped here: standard output was not read";
                assert!(start.starts_with("[parameters-secrets-extension] "), "{line}");
                assert!(start.ends_with(text), "{line}");
                told += count.parse::<usize>().unwrap();
            }
        }
        assert_eq!(kept + told, lines);
        assert!(told > 0);

        test.log(b"afterwards\n");
        assert_eq!(test.let_one_write_pass(), "afterwards\n");
    }

    #[test]
    fn what_waits_at_the_end_is_written() {
        let mut test = start_test();
        test.log(b"the last line\n");
        test.permit.send(()).unwrap();
        drop(test.drain);

        assert_eq!(test.written.try_recv().unwrap(), "the last line\n");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "bounds how long the test may take")]
    fn an_output_that_is_never_read_does_not_hold_up_the_end() {
        let mut test = start_test();
        test.log(LINE);
        let started = Instant::now();
        drop(test.drain);

        let took = started.elapsed();
        assert!(took >= LONGEST_DRAIN && took < LONGEST_DRAIN * 10, "{took:?}");
    }

    #[test]
    fn an_output_that_is_closed_hurts_no_caller() {
        let mut test = start_test();
        drop(test.permit);
        test.writer.write_all(LINE).unwrap();
        test.writer.write_all(LINE).unwrap();
        drop(test.drain);
    }
}
