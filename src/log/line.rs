//! How an event becomes a line.
//!
//! `[parameters-secrets-extension] 2006/01/02 15:04:05 LEVEL message field=value other="two words"`
//!
//! One event is one line, whatever it holds: characters that could break or forge a line are
//! escaped.

use std::{
    fmt::{self, Write},
    time::SystemTime,
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use crate::{
    clock::Clock,
    log::{
        json,
        target::{DEBUG_TARGET, MESSAGE, PLAIN_TARGET},
        time::date_and_time,
    },
    settings::LogFormat,
};

const PREFIX: &str = concat!("[", env!("CARGO_PKG_NAME"), "]");

pub(super) struct LineFormat<C> {
    format: LogFormat,
    clock: C,
}

impl<C> LineFormat<C> {
    pub(super) fn new(format: LogFormat, clock: C) -> Self {
        Self { format, clock }
    }
}

impl<S, N, C> FormatEvent<S, N> for LineFormat<C>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    C: Clock,
{
    fn format_event(
        &self,
        _spans: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let wall = self.clock.now().wall;
        if self.format == LogFormat::Json {
            return json::write(writer, wall, event);
        }
        write!(writer, "{PREFIX} {}", Timestamp(wall))?;
        match event.metadata().target() {
            PLAIN_TARGET => {}
            DEBUG_TARGET => writer.write_str(" DEBUG")?,
            _ => write!(writer, " {}", event.metadata().level())?,
        }
        // Two passes over the fields, because the message comes first wherever it was recorded.
        let mut line = Line { writer: writer.by_ref(), text: String::new(), part: Part::Message };
        event.record(&mut line);
        line.part = Part::Fields;
        event.record(&mut line);
        writeln!(writer)
    }
}

/// Universal time as Go's `log` package prints it, to the second.
struct Timestamp(SystemTime);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((year, month, day), (hour, minute, second), _millis) = date_and_time(self.0);
        write!(f, "{year:04}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Message,
    Fields,
}

struct Line<'a> {
    writer: Writer<'a>,
    /// The current value: whether it needs quotes is known only once it is complete.
    text: String,
    part: Part,
}

impl Line<'_> {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) -> fmt::Result {
        let is_message = field.name() == MESSAGE;
        if is_message != (self.part == Part::Message) {
            return Ok(());
        }
        self.text.clear();
        self.text.write_fmt(value)?;
        if is_message {
            write!(self.writer, " {}", Sentence(&self.text))
        } else {
            let name = field.name();
            // A field whose name is a keyword: `r#type`.
            let name = name.strip_prefix("r#").unwrap_or(name);
            write!(self.writer, " {name}={}", Value(&self.text))
        }
    }
}

impl Visit for Line<'_> {
    // A value that cannot be formatted is left out; the line is still written.
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = self.write(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = self.write(field, format_args!("{value:?}"));
    }
}

/// Text as it is, except that unprintable characters are escaped.
struct Sentence<'a>(&'a str);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if is_printable(character) {
                f.write_char(character)?;
            } else {
                write!(f, "{}", character.escape_debug())?;
            }
        }
        Ok(())
    }
}

/// Text as it is, or in quotes and escaped where its end would be ambiguous.
struct Value<'a>(&'a str);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |character| is_printable(character) && !matches!(character, ' ' | '"');
        if !self.0.is_empty() && self.0.chars().all(is_plain) {
            f.write_str(self.0)
        } else {
            write!(f, "{:?}", self.0)
        }
    }
}

/// False for control characters and for others that move, hide or break the text around them: other
/// blanks, line separators, changes of direction.
fn is_printable(character: char) -> bool {
    matches!(character, '"' | '\'' | '\\') || character.escape_debug().len() == 1
}
