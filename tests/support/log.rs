//! The log of one test, as the extension would write it.

use std::{
    io, panic,
    sync::{Arc, Mutex},
    thread,
};

use parameters_secrets_extension::{
    log::{log_panics, subscriber},
    settings::LogLevel,
};
use tracing::subscriber::DefaultGuard;

/// Everything that is logged on this thread at DEBUG for as long as it lives.
pub struct Log {
    written: Written,
    _subscribed: DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub fn capture() -> Self {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = subscriber(LogLevel::Debug, move || writer.clone());
        Self { written, _subscribed: tracing::subscriber::set_default(subscriber) }
    }

    /// Captures panics of this thread too, as [`log_panics`] writes them. They are told as before
    /// all the same: failed assertions are panics, and other threads run other tests.
    pub fn capture_with_panics() -> Self {
        let theirs = panic::take_hook();
        log_panics();
        let ours = panic::take_hook();
        let this_thread = thread::current().id();
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == this_thread {
                ours(info);
            }
            theirs(info);
        }));
        Self::capture()
    }

    /// All that was written.
    pub fn text(&self) -> String {
        String::from_utf8(self.written.0.lock().unwrap().clone()).unwrap()
    }

    /// What was written since the last time, line by line, without prefix and time.
    pub fn take_lines(&self) -> Vec<String> {
        let written = std::mem::take(&mut *self.written.0.lock().unwrap());
        let text = String::from_utf8(written).unwrap();
        let message = |line: &str| line.splitn(4, ' ').nth(3).unwrap().to_owned();
        text.lines().map(message).collect()
    }
}
