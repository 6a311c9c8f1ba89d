//! What the extension logs during a test, at the level that a user sees by default.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use parameters_secrets_extension::{log::subscriber, settings::LogLevel};
use tracing::subscriber::{DefaultGuard, set_default};

/// Gathers the lines of this thread from its start until it is dropped.
pub struct CapturedLog {
    lines: Lines,
    _guard: DefaultGuard,
}

impl CapturedLog {
    pub fn start() -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        let _guard = set_default(subscriber(LogLevel::Info, move || writer.clone()));
        Self { lines, _guard }
    }

    /// The lines of this level, without what stands before their text.
    pub fn lines(&self, level: &str) -> Vec<String> {
        let log = String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap();
        let of_level = |line: &str| Some(line.split_once(&format!(" {level} "))?.1.to_owned());
        log.lines().filter_map(of_level).collect()
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
