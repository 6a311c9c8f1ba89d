//! What the extension logs during a test.

use std::{
    io::{self, Write},
    panic,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use parameters_secrets_extension::{
    log::{log_panics, subscriber},
    settings::LogLevel,
};
use tracing::{
    Dispatch,
    subscriber::{DefaultGuard, set_default},
};

/// A subscriber that is always there. While there is but one, tracing asks only the thread that
/// first comes by an event whether it is wanted, and that may be another test's.
static BYSTANDER: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::new(subscriber(LogLevel::Error, io::sink)));

/// Gathers the lines of this thread from its start until it is dropped.
pub struct CapturedLog {
    lines: Lines,
    _guard: DefaultGuard,
}

impl CapturedLog {
    /// At the level that a user sees by default.
    pub fn start() -> Self {
        Self::at(LogLevel::Info)
    }

    pub fn at_debug() -> Self {
        Self::at(LogLevel::Debug)
    }

    /// At DEBUG, with the panics of this thread, as [`log_panics`] writes them. They are told as
    /// before all the same: failed assertions are panics, and other threads run other tests.
    pub fn at_debug_with_panics() -> Self {
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
        Self::at_debug()
    }

    pub fn at(level: LogLevel) -> Self {
        LazyLock::force(&BYSTANDER);
        let lines = Lines::default();
        let writer = lines.clone();
        let _guard = set_default(subscriber(level, move || writer.clone()));
        Self { lines, _guard }
    }

    /// All that was written.
    pub fn text(&self) -> String {
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of this level, without what stands before their text.
    pub fn lines(&self, level: &str) -> Vec<String> {
        let of_level = |line: &str| Some(line.split_once(&format!(" {level} "))?.1.to_owned());
        self.text().lines().filter_map(of_level).collect()
    }

    /// The lines since the last time, from their level on.
    pub fn take_lines(&self) -> Vec<String> {
        let from_level_on = |line: &str| line.splitn(4, ' ').nth(3).unwrap().to_owned();
        let lines = self.text().lines().map(from_level_on).collect();
        self.lines.0.lock().unwrap().clear();
        lines
    }
}

/// A log in which a line panics: a bug in whatever writes it, without the hook's words on the
/// screen.
pub struct PanickingLog {
    left: Arc<AtomicUsize>,
    _guard: DefaultGuard,
}

impl PanickingLog {
    /// The line of this number from now on, at DEBUG, panics.
    pub fn at(line: usize) -> Self {
        LazyLock::force(&BYSTANDER);
        let left = Arc::new(AtomicUsize::new(line));
        let writer = PanickingWriter(Arc::clone(&left));
        let _guard = set_default(subscriber(LogLevel::Debug, move || writer.clone()));
        Self { left, _guard }
    }

    /// Whether that line has not come yet.
    pub fn will_panic(&self) -> bool {
        self.left.load(Ordering::Relaxed) > 0
    }
}

#[derive(Clone)]
struct PanickingWriter(Arc<AtomicUsize>);

impl Write for PanickingWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let left = self.0.load(Ordering::Relaxed);
        if left > 0 && !thread::panicking() {
            self.0.store(left - 1, Ordering::Relaxed);
            if left == 1 {
                panic::resume_unwind(Box::new("as told"));
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
