//! The log: one line on standard output for each event of this program, as plain text or as a JSON
//! object.
//!
//! Writes this crate's own events alone, at every level: the SDK and the HTTP stack log requests
//! and responses, and any line of theirs could hold a secret. Promises that a caller never waits
//! for standard output, and that one event is one line.

mod json;
mod line;
mod output;
mod panics;
mod subscriber;
mod target;
mod time;
mod writer;

use std::{io, time::Duration};

use tracing::{Level, error, info, warn};

pub(crate) use self::target::DEBUG_TARGET;
pub use self::{
    panics::log_panics,
    subscriber::{subscriber, subscriber_in},
    writer::Drain,
};
use crate::{
    log::{output::Output, target::PLAIN_TARGET},
    settings::{LogFormat, LogLevel, Notice},
};

/// Writes a DEBUG line; takes the arguments of tracing's own macro, except a target.
///
/// It is an INFO event of [`DEBUG_TARGET`], because a release build leaves out every event below
/// INFO (Cargo.toml): the SDK and the HTTP stack have hundreds, and none of them is ever written.
macro_rules! debug {
    ($($event:tt)+) => {
        ::tracing::info!(target: $crate::log::DEBUG_TARGET, $($event)+)
    };
}
pub(crate) use debug;

/// Starts the log on standard output. The first call counts; later ones change nothing.
///
/// A thread writes the lines; those that still wait are written when [`Drain`] is dropped. Returns
/// `None` where nothing is logged, and where no thread can be started: lines are then written by
/// the thread that logs them.
pub fn init(level: LogLevel, format: LogFormat) -> Option<Drain> {
    // Without a subscriber tracing is off altogether.
    if level == LogLevel::None {
        return None;
    }
    match writer::start(format, level, Output(io::stdout())) {
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
