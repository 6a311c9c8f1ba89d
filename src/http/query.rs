//! Parses a request's query into a [`Question`], or says what is wrong with it.
//!
//! Pure and total: every string gives a [`Question`] or a [`BadRequest`], never a panic. Queries
//! are parsed as Go's `url.ParseQuery` parses them, because existing clients were written for a Go
//! server. Everything is decoded, so that all spellings of one question give the same key.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::{
    cache::Urgency,
    did_you_mean::nearest,
    field::Field,
    http::bad_request::{BadRequest, Shown},
    key::{CacheKey, ParameterKey, SecretKey, Selector, UpstreamKind},
};

/// Items that one batch may ask for: it costs as many keys and waiters as a burst of single
/// requests.
const MOST_ITEMS: usize = 100;

/// How long a name, an ARN, a version's identifier, a stage or a label may be, in characters. AWS
/// allows none that is longer (API references of both services), and every key of the cache, of the
/// queue and of a fetch holds a copy.
const LONGEST_NAME: usize = 2_048;

/// What a well-formed request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which secret or parameter.
    pub key: CacheKey,
    /// Which value the caller accepts: with `refreshNow=true`, no kept one.
    pub urgency: Urgency,
    /// The part of the value that is answered; `None` for the whole record.
    pub field: Option<Field>,
}

/// Parses the query, the part after the `?`, of a request for one value of this upstream.
///
/// # Errors
///
/// A parameter is missing, misspelt or wrong.
pub fn parse(upstream: UpstreamKind, query: &str) -> Result<Question, BadRequest> {
    Given::read(upstream, query)?.into_question(upstream)
}

/// Parses the query of a batch for this upstream into one question for each `secretId` or `name`,
/// in their order. All other parameters apply to every item.
///
/// # Errors
///
/// There are too many items, or a parameter is missing, misspelt or wrong.
pub fn parse_batch(upstream: UpstreamKind, query: &str) -> Result<Vec<Question>, BadRequest> {
    let given = Given::read(upstream, query)?;
    let parameter = upstream.id_parameter();
    let mut items = Vec::new();
    for (name, value) in pairs(query) {
        if decode(name, name)?.as_deref() == Some(parameter) {
            items.push(text(decode(value, parameter)?, parameter)?);
        }
    }
    if items.len() > MOST_ITEMS {
        return Err(BadRequest::TooMany { parameter, count: items.len(), most: MOST_ITEMS });
    }
    // Without items, the single form gives the error that names the missing parameter.
    if items.is_empty() {
        return given.into_question(upstream).map(|question| vec![question]);
    }
    let question = |item| match upstream {
        UpstreamKind::SecretsManager => Given { secret_id: Some(item), ..given.clone() },
        UpstreamKind::ParameterStore => Given { name: Some(item), ..given.clone() },
    };
    items.into_iter().map(|item| question(item).into_question(upstream)).collect()
}

/// A bare `;` is part of a value: only `&` separates.
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The parameters of both paths, decoded; the first one counts where a parameter is repeated. Those
/// of the other path are collected and then ignored, like unknown ones.
#[derive(Clone, Default)]
struct Given<'a> {
    secret_id: Option<Cow<'a, str>>,
    version_id: Option<Cow<'a, str>>,
    version_stage: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    label: Option<Cow<'a, str>>,
    label_before_version: bool,
    with_decryption: Option<Cow<'a, str>>,
    refresh_now: Option<Cow<'a, str>>,
    field: Option<Cow<'a, str>>,
}

impl<'a> Given<'a> {
    fn into_question(self, upstream: UpstreamKind) -> Result<Question, BadRequest> {
        let refresh_now = match present(self.refresh_now) {
            None => false,
            Some(value) => match &*value {
                "1" => true,
                "0" => false,
                _ => truth("refreshNow", &value, "true, false, 1 or 0")?,
            },
        };
        let urgency = if refresh_now { Urgency::Refresh } else { Urgency::Patient };
        let key = match upstream {
            UpstreamKind::SecretsManager => CacheKey::Secret(SecretKey::new(
                required("secretId", self.secret_id, "a secret's name or ARN")?,
                name("versionId", self.version_id)?,
                name("versionStage", self.version_stage)?,
            )),
            UpstreamKind::ParameterStore => CacheKey::Parameter(ParameterKey {
                name: required("name", self.name, "a parameter's name, path or ARN")?,
                selector: selector(self.version, self.label, self.label_before_version)?,
                with_decryption: match present(self.with_decryption) {
                    None => false,
                    Some(value) => truth("withDecryption", &value, "true or false")?,
                },
            }),
        };
        let field = match self.field {
            // A client whose variable is empty by mistake must not get the whole value.
            Some(field) => Some(Field::new(field).ok_or(BadRequest::Missing {
                parameter: "field",
                expected: "a key of the JSON value, or a JSON pointer",
            })?),
            None => None,
        };
        Ok(Question { key, urgency, field })
    }

    fn read(upstream: UpstreamKind, query: &'a str) -> Result<Self, BadRequest> {
        let mut given = Self::default();
        for (raw_name, raw_value) in pairs(query) {
            let name = decode(raw_name, raw_name)?;
            // Decoded even if ignored: a broken sequence anywhere is an error worth reporting.
            let value = decode(raw_value, name.as_deref().unwrap_or(raw_name))?;
            let Some(name) = name else { continue };
            let slot = match &*name {
                "secretId" => &mut given.secret_id,
                "versionId" => &mut given.version_id,
                "versionStage" => &mut given.version_stage,
                "name" => &mut given.name,
                "version" => &mut given.version,
                "label" => {
                    given.label_before_version |= given.version.is_none();
                    &mut given.label
                }
                "withDecryption" => &mut given.with_decryption,
                "refreshNow" => &mut given.refresh_now,
                "field" => &mut given.field,
                _ => match nearest(&name, names(upstream).iter().copied()) {
                    None => continue,
                    Some(meant) => {
                        return Err(BadRequest::Misspelt { given: Shown::new(&name), meant });
                    }
                },
            };
            slot.get_or_insert(text(value, &name)?);
        }
        Ok(given)
    }
}

/// The parameters that are read in a request to this upstream.
fn names(upstream: UpstreamKind) -> &'static [&'static str] {
    match upstream {
        UpstreamKind::SecretsManager => {
            &["secretId", "versionId", "versionStage", "refreshNow", "field"]
        }
        UpstreamKind::ParameterStore => {
            &["name", "version", "label", "withDecryption", "refreshNow", "field"]
        }
    }
}

/// Decodes a name or value; `None` if it is not UTF-8, which no known name is. Errors call it
/// `parameter`. Borrows when nothing is encoded.
fn decode<'a>(raw: &'a str, parameter: &str) -> Result<Option<Cow<'a, str>>, BadRequest> {
    if !raw.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(Some(Cow::Borrowed(raw)));
    }
    if let Some(sequence) = broken_sequence(raw) {
        return Err(BadRequest::BrokenEncoding {
            parameter: Shown::new(parameter),
            sequence: Shown::new(&sequence),
        });
    }
    let mut decoded = Vec::with_capacity(raw.len());
    // Split at the raw `+` first: a `%2B` is a plus sign, not a space.
    for (index, piece) in raw.split('+').enumerate() {
        if index > 0 {
            decoded.push(b' ');
        }
        decoded.extend(percent_decode_str(piece));
    }
    Ok(String::from_utf8(decoded).ok().map(Cow::Owned))
}

/// The decoded value of a known parameter.
fn text<'a>(decoded: Option<Cow<'a, str>>, parameter: &str) -> Result<Cow<'a, str>, BadRequest> {
    decoded.ok_or_else(|| BadRequest::NotUtf8 { parameter: Shown::new(parameter) })
}

/// The first `%` that lacks its two hexadecimal digits, with the characters in their place.
fn broken_sequence(raw: &str) -> Option<String> {
    raw.match_indices('%').map(|(at, _percent)| &raw[at..]).find_map(|rest| {
        let sequence = rest.chars().take(3);
        let digits = sequence.clone().skip(1).filter(char::is_ascii_hexdigit).count();
        (digits < 2).then(|| sequence.collect())
    })
}

/// An empty value counts as absent, as with Go's `Values.Get`.
fn present(value: Option<Cow<'_, str>>) -> Option<Cow<'_, str>> {
    value.filter(|value| !value.is_empty())
}

fn required(
    parameter: &'static str,
    value: Option<Cow<'_, str>>,
    expected: &'static str,
) -> Result<String, BadRequest> {
    name(parameter, value)?.ok_or(BadRequest::Missing { parameter, expected })
}

fn name(
    parameter: &'static str,
    value: Option<Cow<'_, str>>,
) -> Result<Option<String>, BadRequest> {
    let Some(value) = present(value) else { return Ok(None) };
    // Most are told by their bytes, of which a character has one at least.
    if value.len() > LONGEST_NAME {
        let length = value.chars().count();
        if length > LONGEST_NAME {
            return Err(BadRequest::TooLong { parameter, length, most: LONGEST_NAME });
        }
    }
    Ok(Some(value.into_owned()))
}

fn truth(parameter: &'static str, value: &str, expected: &'static str) -> Result<bool, BadRequest> {
    match value {
        _ if value.eq_ignore_ascii_case("true") => Ok(true),
        _ if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(BadRequest::Invalid { parameter, value: Shown::new(value), expected }),
    }
}

/// Of a version and a label, the one that comes first in the URL counts; the other is ignored.
fn selector(
    version: Option<Cow<'_, str>>,
    label: Option<Cow<'_, str>>,
    label_before_version: bool,
) -> Result<Option<Selector>, BadRequest> {
    match (present(version), present(label)) {
        (None, None) => Ok(None),
        (Some(version), label) if label.is_none() || !label_before_version => {
            version_number(&version).map(|number| Some(Selector::Version(number)))
        }
        (_, label) => Ok(name("label", label)?.map(Selector::Label)),
    }
}

fn version_number(value: &str) -> Result<u64, BadRequest> {
    // `parse` alone would accept a leading `+`.
    let digits = Some(value).filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| BadRequest::Invalid {
        parameter: "version",
        value: Shown::new(value),
        expected: "a whole number below 2^64",
    })
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
