//! The log: one line on standard output for each event of ours, plain or a JSON object.
//!
//! Only this crate's own events are written. The SDK and the HTTP stack log requests and responses
//! at DEBUG and could put a secret into any line, so no level lets theirs through.

mod json;
mod line;
mod panics;
mod writer;

use std::io;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber, error, info, warn};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::layer::SubscriberExt;

use self::line::LineFormat;
pub use self::panics::log_panics;
pub use self::writer::Drain;
use crate::clock::{Clock, SystemClock};
use crate::settings::{LogFormat, LogLevel, Notice};

/// The target of our own events: this crate's name, with which all of its module paths begin.
const OWN_TARGET: &str = env!("CARGO_CRATE_NAME");

/// The target of lines without a level word. They are events of the gravest level, so that every
/// filter but off lets them through.
const PLAIN_TARGET: &str = concat!(env!("CARGO_CRATE_NAME"), "::plain");

/// The target of our DEBUG lines, which [`debug!`] writes.
pub(crate) const DEBUG_TARGET: &str = concat!(env!("CARGO_CRATE_NAME"), "::debug");

/// Writes a DEBUG line; takes what tracing's own macro takes, but for a target.
///
/// It is an INFO event of [`DEBUG_TARGET`], because a release build leaves out every event below INFO
/// (Cargo.toml): the SDK and the HTTP stack have hundreds, and none of them is ever written.
macro_rules! debug {
    ($($event:tt)+) => {
        ::tracing::info!(target: $crate::log::DEBUG_TARGET, $($event)+)
    };
}
pub(crate) use debug;

/// Starts the log on standard output. The first call counts; later ones change nothing.
///
/// A thread writes the lines; what still waits is written when [`Drain`] is dropped. There is none where
/// nothing is logged, or where the process may have no further thread: lines are then written where they
/// arise.
pub fn init(level: LogLevel, format: LogFormat) -> Option<Drain> {
    // Without a subscriber tracing is off altogether.
    if level == LogLevel::None {
        return None;
    }
    match writer::start(format, level, io::stdout()) {
        Ok((lines, drain)) => {
            let lines = move || lines.clone();
            let _ = tracing::subscriber::set_global_default(subscriber_in(format, level, lines));
            Some(drain)
        }
        Err(_no_thread) => {
            let _ =
                tracing::subscriber::set_global_default(subscriber_in(format, level, io::stdout));
            None
        }
    }
}

/// What writes our plain lines to `make_writer`. A level that is off costs one atomic load.
pub fn subscriber<W>(level: LogLevel, make_writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    subscriber_in(LogFormat::Text, level, make_writer)
}

/// The same in either format.
pub fn subscriber_in<W>(
    format: LogFormat,
    level: LogLevel,
    make_writer: W,
) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    subscriber_with_clock(format, level, make_writer, SystemClock)
}

fn subscriber_with_clock<W, C>(
    format: LogFormat,
    level: LogLevel,
    make_writer: W,
    clock: C,
) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
    C: Clock + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .event_format(LineFormat::new(format, clock))
        // Spans are not printed, so their fields are not even formatted.
        .fmt_fields(debug_fn(|_, _, _| Ok(())))
        .with_ansi(false)
        // It would report to standard error, and panic if that is closed too.
        .log_internal_errors(false)
        .with_writer(make_writer);
    let debug = if level == LogLevel::Debug { LevelFilter::INFO } else { LevelFilter::OFF };
    let ours_alone =
        Targets::new().with_target(OWN_TARGET, filter(level)).with_target(DEBUG_TARGET, debug);
    tracing_subscriber::registry().with(lines).with(ours_alone)
}

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug | LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::None => LevelFilter::OFF,
    }
}

/// Writes a line of the start-up log.
pub fn notice(notice: &Notice) {
    let text = &notice.text;
    match notice.level {
        None => error!(target: PLAIN_TARGET, "{text}"),
        Some(Level::ERROR) => error!("{text}"),
        Some(Level::WARN) => warn!("{text}"),
        Some(Level::INFO) => info!("{text}"),
        Some(Level::DEBUG | Level::TRACE) => debug!("{text}"),
    }
}

/// Whole milliseconds, as log lines and `/stats` show them.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
