//! One field of a JSON value: what `&field=password` and `${secret:prod/db#password}` name.
//!
//! A name is a member of the outermost object; what begins with `/` is a JSON pointer (RFC 6901). A
//! string is answered as its text, everything else exactly as the JSON has it: a long number keeps
//! its digits.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::secret::SecretValue;

/// How deep a JSON pointer leads at most: each step reads what is left of the value once more.
const MOST_STEPS: usize = 64;

/// The characters of a field that an error repeats.
const SHOWN_CHARS: usize = 80;

/// A part of a JSON value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field(String);

/// Why there is no such field. The texts show no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldError {
    /// The value is bytes.
    Binary,
    /// The value is text that is not JSON.
    NotJson,
    /// The value is not a JSON object, and all of its fields are wanted.
    NoObject,
    /// The value is JSON without this field.
    Missing(Field),
    /// The body is not one that this project makes.
    NoValue,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary => f.write_str("the value is binary, so it has no fields"),
            Self::NotJson => f.write_str("the value is not JSON, so it has no fields"),
            Self::NoObject => f.write_str("the value is not a JSON object"),
            Self::Missing(field) => write!(f, "the value has no field {field}"),
            Self::NoValue => f.write_str("the answer holds no value"),
        }
    }
}

impl Field {
    /// `None` if the text is empty.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self(text))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This field of the value in a finished response body.
    ///
    /// # Errors
    ///
    /// The value is binary or not JSON, or has no such field.
    pub fn of_body(&self, body: &[u8]) -> Result<SecretValue, FieldError> {
        let text = value_of_body(body).ok_or(FieldError::NoValue)?.ok_or(FieldError::Binary)?;
        self.of_text(&text)
    }

    /// This field of a JSON text.
    ///
    /// # Errors
    ///
    /// The text is not JSON, or has no such field.
    pub fn of_text(&self, text: &str) -> Result<SecretValue, FieldError> {
        let mut value: &RawValue =
            serde_json::from_str(text).map_err(|_syntax| FieldError::NotJson)?;
        let steps = self.steps();
        if steps.len() > MOST_STEPS {
            return Err(FieldError::Missing(self.clone()));
        }
        for step in steps {
            value = member(value, &step).ok_or_else(|| FieldError::Missing(self.clone()))?;
        }
        Ok(text_of(value))
    }

    fn steps(&self) -> Vec<Cow<'_, str>> {
        match self.0.strip_prefix('/') {
            // In this order: `~01` is the name `~1`.
            Some(pointer) => pointer
                .split('/')
                .map(|step| match step.contains('~') {
                    true => Cow::Owned(step.replace("~1", "/").replace("~0", "~")),
                    false => Cow::Borrowed(step),
                })
                .collect(),
            None => vec![Cow::Borrowed(self.0.as_str())],
        }
    }
}

/// In double quotes, control characters escaped, and cut: a field may be any text of a client's.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN_CHARS) {
            Some((end, _)) => write!(f, "{:?}", format!("{}…", &self.0[..end])),
            None => write!(f, "{:?}", self.0),
        }
    }
}

/// The members of a JSON object, each as a field of it would be answered.
///
/// # Errors
///
/// The text is not a JSON object.
pub fn members_of(text: &str) -> Result<BTreeMap<String, SecretValue>, FieldError> {
    let members: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|_other| FieldError::NoObject)?;
    Ok(members.into_iter().map(|(name, value)| (name, text_of(value))).collect())
}

/// The value's text in a finished response body: the outer option is `None` if the body has no
/// value, the inner one if the value is binary.
pub fn value_of_body(body: &[u8]) -> Option<Option<Zeroizing<String>>> {
    let body: Body<'_> = serde_json::from_slice(body).ok()?;
    let text = body.secret_string.or(body.parameter.and_then(|parameter| parameter.value));
    match text {
        Some(text) => serde_json::from_str(text.get()).ok().map(|text| Some(Zeroizing::new(text))),
        None => body.secret_binary.map(|_bytes| None),
    }
}

/// What is read of a body; the rest is skipped, and nothing is copied.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default, rename = "SecretString")]
    secret_string: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "SecretBinary")]
    secret_binary: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "Parameter")]
    parameter: Option<Parameter<'a>>,
}

#[derive(Deserialize)]
struct Parameter<'a> {
    #[serde(borrow, default, rename = "Value")]
    value: Option<&'a RawValue>,
}

/// If an object has a name twice, the last one counts, as in most parsers of JSON.
fn member<'a>(value: &'a RawValue, step: &str) -> Option<&'a RawValue> {
    let text = value.get();
    if text.starts_with('[') {
        // RFC 6901: digits without a leading zero.
        let index = Some(step).filter(|step| *step == "0" || !step.starts_with(['0', '+']))?;
        let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
        return items.get(index.parse::<usize>().ok()?).copied();
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    members.get(step).copied()
}

fn text_of(value: &RawValue) -> SecretValue {
    match serde_json::from_str::<String>(value.get()) {
        Ok(text) => SecretValue::new(text),
        Err(_no_string) => SecretValue::new(value.get()),
    }
}

#[cfg(test)]
#[path = "field_tests.rs"]
mod tests;
