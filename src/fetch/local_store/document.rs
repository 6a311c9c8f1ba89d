//! The file's content, checked whole: what is wrong with it is said with its place.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use aws_smithy_types::{DateTime, base64, date_time::Format};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, MapAccess, Visitor},
};

use super::{
    faults::{Delay, Fail, Faults, Throttle},
    parameter::Parameter,
    secret::Secret,
};
use crate::secret::SecretValue;

/// The whole file.
#[derive(Deserialize)]
#[serde(from = "DocumentObject")]
pub(super) struct Document {
    pub(super) secrets: BTreeMap<String, Secret>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    /// How entries misbehave that do not say so themselves.
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

/// serde repeats a value that is not what it expects (``invalid type: string "hunter2", expected …``,
/// ``unknown variant `hunter2`, expected …``), which may be a secret in the wrong place. What kind it
/// is and what was expected are kept.
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

/// What may stand under a heading of the file.
pub(super) trait Entry: DeserializeOwned {
    /// What is wrong with `name`, if anything is.
    fn problem_with_name(name: &str) -> Option<&'static str>;
}

/// A map in which a name may stand only once: JSON lets the second silently win.
fn by_name<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Entry,
{
    struct ByName<T>(PhantomData<T>);

    impl<'de, T: Entry> Visitor<'de> for ByName<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of names")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = BTreeMap::new();
            while let Some(name) = map.next_key::<String>()? {
                if let Some(problem) = T::problem_with_name(&name) {
                    return Err(Error::custom(format_args!("the name {name:?} {problem}")));
                }
                let entry = map.next_value()?;
                if entries.contains_key(&name) {
                    return Err(Error::custom(format_args!("the name {name:?} stands here twice")));
                }
                entries.insert(name, entry);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_map(ByName(PhantomData))
}

/// A plaintext written as text.
pub(super) struct Text(pub(super) SecretValue);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretValue::new(text)))
    }
}

/// A plaintext written as base64.
pub(super) struct Base64(pub(super) SecretValue);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = base64::decode(String::deserialize(deserializer)?);
        bytes
            .map(|bytes| Self(SecretValue::new(bytes)))
            .map_err(|_invalid| Error::custom("must be standard base64 with padding"))
    }
}

/// A date as people write it.
#[derive(Clone, Copy)]
pub(super) struct Date(pub(super) DateTime);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DateTime::from_str(&String::deserialize(deserializer)?, Format::DateTimeWithOffset)
            .map(Self)
            .map_err(|_invalid| Error::custom("must be a date such as 2026-05-01T12:00:00Z"))
    }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
