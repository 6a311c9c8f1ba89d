//! A client that does nothing wrong: it reads one cached value after the other over one connection.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use super::program::{TOKEN, connect};

/// As often as a busy function reads.
const PAUSE: Duration = Duration::from_millis(1);

/// The fewest reads that a 99th percentile is taken of.
const FEWEST: usize = 100;

pub struct Bystander {
    connection: TcpStream,
    request: String,
    answer: Vec<u8>,
}

/// How long each read took.
pub struct Reads(Vec<Duration>);

impl Bystander {
    pub fn new(port: u16) -> Self {
        let request = format!(
            "GET /secretsmanager/get?secretId=bystander-64 HTTP/1.1\r\nHost: localhost\r\n\
             X-Aws-Parameters-Secrets-Token: {TOKEN}\r\n\r\n"
        );
        let mut bystander = Self { connection: connect(port), request, answer: Vec::new() };
        bystander.read(); // the miss
        bystander
    }

    pub fn reads_for(&mut self, duration: Duration) -> Reads {
        let end = Instant::now() + duration;
        let fewest = if duration.is_zero() { 1 } else { FEWEST };
        self.reads(|reads| reads >= fewest && Instant::now() >= end)
    }

    /// Reads until something is so.
    pub fn reads_until(&mut self, is_so: impl Fn() -> bool) -> Reads {
        self.reads(|reads| reads >= FEWEST && is_so())
    }

    fn reads(&mut self, is_over: impl Fn(usize) -> bool) -> Reads {
        let mut took = Vec::new();
        while !is_over(took.len()) {
            let started = Instant::now();
            self.read();
            took.push(started.elapsed());
            thread::sleep(PAUSE);
        }
        Reads(took)
    }

    fn read(&mut self) {
        self.connection.write_all(self.request.as_bytes()).unwrap();
        self.answer.clear();
        let mut chunk = [0; 4_096];
        // Its body is compact JSON, so only its end is followed by nothing.
        while !self.answer.ends_with(br#""ResultMetadata":{}}"#) {
            let length = self.connection.read(&mut chunk).expect("an answer in time");
            assert_ne!(length, 0, "closed after {}", String::from_utf8_lossy(&self.answer));
            self.answer.extend_from_slice(&chunk[..length]);
        }
        assert!(self.answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
}

impl Reads {
    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn p99(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() * 99 / 100).min(sorted.len() - 1)]
    }
}
