use std::{
    io::{BufRead, BufReader},
    iter,
    sync::mpsc,
    time::Instant,
};

use super::*;
use crate::log::output::Output;

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
fn an_output_that_is_not_read_makes_no_caller_wait_and_its_gap_is_logged() {
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

/// Panics over the first write, and hands on every other one.
struct PanicsFirst {
    has_panicked: bool,
    output: mpsc::Sender<String>,
}

impl Write for PanicsFirst {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !mem::replace(&mut self.has_panicked, true) {
            std::panic::resume_unwind(Box::new("as told"));
        }
        let _ = self.output.send(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_panic_of_the_output_costs_the_lines_of_one_write_and_no_other() {
    let (output, written) = mpsc::channel();
    let output = PanicsFirst { has_panicked: false, output };
    let (mut writer, drain) = start(LogFormat::Text, LogLevel::Debug, output).unwrap();
    // Each on its own: lines that wait together are written together.
    let mut line = String::new();
    while line.is_empty() {
        writer.write_all(LINE).unwrap();
        line = written.recv_timeout(Duration::from_millis(10)).unwrap_or_default();
    }
    assert!(line.as_bytes().starts_with(LINE), "{line}");
    drop(drain);
}

#[test]
fn an_output_that_is_closed_hurts_no_caller() {
    let mut test = start_test();
    drop(test.permit);
    test.writer.write_all(LINE).unwrap();
    test.writer.write_all(LINE).unwrap();
    drop(test.drain);
}

#[test]
fn a_full_pipe_that_does_not_block_gets_every_line_whole_once_it_is_read() {
    let (reader, pipe) = io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&pipe, true).unwrap();
    let (mut writer, drain) = start(LogFormat::Text, LogLevel::Debug, Output(pipe)).unwrap();
    // More than a pipe has room for, and as much as the log has.
    let count = MAX_WAITING / LINE.len();
    for _ in 0..count {
        writer.write_all(LINE).unwrap();
    }
    // In vain, but the thread has come upon the full pipe before anything is read.
    drop(drain);

    let line = String::from_utf8(LINE.trim_ascii_end().to_vec()).unwrap();
    let read = BufReader::new(reader).lines().map_while(Result::ok);
    assert!(read.eq(iter::repeat_n(line, count)));
}
