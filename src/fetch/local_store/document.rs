//! The file's content, checked as a whole. Errors name the place of the mistake.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

use crate::fetch::local_store::{
    faults::{Delay, Fail, Faults, Throttle},
    notation::by_name,
    parameter::Parameter,
    secret::Secret,
};

/// The whole file.
#[derive(Deserialize)]
#[serde(from = "DocumentObject")]
pub(super) struct Document {
    pub(super) secrets: BTreeMap<String, Secret>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    /// The faults of all entries that have none of their own.
    pub(super) faults: Faults,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `secrets` and `parameters`")]
struct DocumentObject {
    #[serde(default, deserialize_with = "by_name")]
    secrets: BTreeMap<String, Secret>,
    #[serde(default, deserialize_with = "by_name")]
    parameters: BTreeMap<String, Parameter>,
    delay_ms: Option<Delay>,
    fail: Option<Fail>,
    throttle: Option<Throttle>,
}

impl From<DocumentObject> for Document {
    fn from(object: DocumentObject) -> Self {
        let DocumentObject { secrets, parameters, delay_ms: delay, fail, throttle } = object;
        Self { secrets, parameters, faults: Faults { delay, fail, throttle } }
    }
}

/// What is wrong with a file, and where. Holds no value of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    line: usize,
    column: usize,
    place: String,
    what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}, ", self.line, self.column)?;
        if self.place != "." && self.place != "?" {
            write!(f, "at {}: ", self.place)?;
        }
        f.write_str(&self.what)
    }
}

impl Document {
    pub(super) fn read(content: &[u8]) -> Result<Self, Problem> {
        // Some editors write a byte-order mark; JSON has none.
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        let mut json = serde_json::Deserializer::from_slice(content);
        let document = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| problem(error.path().to_string(), error.inner()))?;
        json.end().map_err(|error| problem(".".to_owned(), &error))?;
        Ok(document)
    }
}

fn problem(place: String, error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let text = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    let place = place.strip_suffix(".?").unwrap_or(&place);
    Problem { line, column, place: one_line(place), what: one_line(&without_value(text)) }
}

/// A name in the file must not forge a log line.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// serde repeats a value that is not what it expects
/// (``invalid type: string "hunter2", expected …``, ``unknown variant `hunter2`, expected …``),
/// which may be a secret in the wrong place. Keeps the kind of the value, and what was expected.
fn without_value(text: &str) -> String {
    let complaints = ["invalid type: ", "invalid value: ", "unknown variant "];
    let wrong = complaints.iter().any(|complaint| text.starts_with(complaint));
    match (text.find(['"', '`']), text.rfind(", expected ")) {
        (Some(value), Some(expected)) if wrong && value < expected => {
            format!("{}{}", text[..value].trim_end(), &text[expected..])
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
