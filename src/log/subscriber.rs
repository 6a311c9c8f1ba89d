//! Decides which events become lines, and passes them to a writer.

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    filter::Targets,
    fmt::{MakeWriter, format::debug_fn},
    layer::SubscriberExt,
};

use crate::{
    clock::{Clock, SystemClock},
    log::{
        line::LineFormat,
        target::{DEBUG_TARGET, OWN_TARGET},
    },
    settings::{LogFormat, LogLevel},
};

/// Writes this program's lines to `make_writer`, as plain text. A level that is off costs one
/// atomic load.
pub fn subscriber<W>(level: LogLevel, make_writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    subscriber_in(LogFormat::Text, level, make_writer)
}

/// Like [`subscriber`], in either format.
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

pub(super) fn subscriber_with_clock<W, C>(
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
        // It would report a failed write to standard error, and panic if that is closed too.
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
