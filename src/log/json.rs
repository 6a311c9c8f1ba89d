//! How an event becomes a line that is a JSON object.
//!
//! `timestamp`, `level` and `message` are what Lambda's level filter and CloudWatch Insights look
//! for; the event's fields follow under their own names, with numbers as numbers. `logger` tells
//! the extension's lines from the function's.

use std::{
    fmt::{self, Write},
    time::SystemTime,
};

use tracing::{
    Event, Level,
    field::{Field, Visit},
};
use tracing_subscriber::fmt::format::Writer;

use crate::log::{
    target::{DEBUG_TARGET, MESSAGE, PLAIN_TARGET},
    time::date_and_time,
};

pub(super) fn write(mut writer: Writer<'_>, wall: SystemTime, event: &Event<'_>) -> fmt::Result {
    let level = match event.metadata().target() {
        // A line without a level is read as INFO by Lambda.
        PLAIN_TARGET => Level::INFO,
        DEBUG_TARGET => Level::DEBUG,
        _ => *event.metadata().level(),
    };
    write!(writer, r#"{{"timestamp":"{}","level":"{level}""#, Rfc3339(wall))?;
    write!(writer, r#","logger":"{}""#, env!("CARGO_PKG_NAME"))?;
    let mut object = Object { writer: writer.by_ref(), wants_message: true };
    // Two passes over the fields, as in a plain line: the message comes first.
    event.record(&mut object);
    object.wants_message = false;
    event.record(&mut object);
    writer.write_str("}\n")
}

/// Universal time to the millisecond.
struct Rfc3339(SystemTime);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, (hour, minute, second), millis) = date_and_time(self.0);
        let (year, month, day) = date;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// An object that is not closed yet.
struct Object<'a> {
    writer: Writer<'a>,
    wants_message: bool,
}

impl Object<'_> {
    /// Writes a member if it belongs to this pass; `value` is JSON.
    fn member(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if (field.name() == MESSAGE) == self.wants_message {
            // A field whose name is a keyword: `r#type`.
            let name = field.name();
            let name = name.strip_prefix("r#").unwrap_or(name);
            let _ = write!(self.writer, r#","{name}":{value}"#);
        }
    }

    fn text(&mut self, field: &Field, text: &str) {
        // A text always serialises.
        if let Ok(json) = serde_json::to_string(text) {
            self.member(field, format_args!("{json}"));
        }
    }
}

impl Visit for Object<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // A value that cannot be formatted is left out; the line is still written.
        if write!(text, "{value:?}").is_ok() {
            self.text(field, &text);
        }
    }
}
