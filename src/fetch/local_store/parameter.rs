//! A parameter as the file writes it.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{
        Error, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use crate::{
    fetch::local_store::{
        faults::{Delay, Fail, Faults, Throttle},
        notation::{Date, Entry},
    },
    secret::SecretValue,
};

/// The prefix by which Parameter Store reads a secret instead of a parameter.
pub(super) const REFERENCE_PREFIX: &str = "/aws/reference/secretsmanager/";

/// A parameter with at least one version.
pub(super) struct Parameter {
    pub(super) arn: Option<String>,
    pub(super) kind: ParameterKind,
    pub(super) versions: Vec<ParameterVersion>,
    /// The number of the first of them.
    pub(super) first: usize,
    pub(super) faults: Faults,
}

/// How a parameter's value is to be read.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
pub(super) enum ParameterKind {
    String,
    StringList,
    SecureString,
}

/// One version.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `value`")]
pub(super) struct ParameterVersion {
    pub(super) value: TextOrList,
    #[serde(default)]
    pub(super) labels: Vec<String>,
    pub(super) modified: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterObject {
    arn: Option<String>,
    r#type: Option<ParameterKind>,
    versions: Option<Vec<ParameterVersion>>,
    value: Option<TextOrList>,
    #[serde(default)]
    labels: Vec<String>,
    modified: Option<Date>,
    delay_ms: Option<Delay>,
    fail: Option<Fail>,
    throttle: Option<Throttle>,
}

impl ParameterKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
        }
    }
}

impl TryFrom<ParameterObject> for Parameter {
    type Error = String;

    fn try_from(object: ParameterObject) -> Result<Self, Self::Error> {
        let ParameterObject { arn, r#type, versions, value, labels, modified, .. } = object;
        let faults =
            Faults { delay: object.delay_ms, fail: object.fail, throttle: object.throttle };
        let versions = match (versions, value) {
            (Some(_), None) if !labels.is_empty() || modified.is_some() => {
                return Err("`labels` and `modified` belong into each of its `versions`".to_owned());
            }
            (Some(versions), None) => versions,
            (None, Some(value)) => vec![ParameterVersion { value, labels, modified }],
            _ => return Err("must have either `value` or `versions`".to_owned()),
        };
        if versions.is_empty() {
            return Err("`versions` must not be empty".to_owned());
        }
        let kind = match (r#type, versions.iter().any(|version| version.value.is_list)) {
            (None | Some(ParameterKind::StringList), true) => ParameterKind::StringList,
            (Some(_), true) => return Err("a list of texts is of type StringList".to_owned()),
            (kind, false) => kind.unwrap_or(ParameterKind::String),
        };
        let mut labels = HashSet::new();
        for label in versions.iter().flat_map(|version| &version.labels) {
            // As AWS has it: otherwise `name:3` could mean either.
            if label.starts_with(|first: char| first.is_ascii_digit()) || label.contains(':') {
                return Err(format!("the label {label:?} begins with a digit or has a colon"));
            }
            if !labels.insert(label) {
                return Err(format!("the label {label:?} stands here twice"));
            }
        }
        Ok(Self { arn, kind, versions, first: 1, faults })
    }
}

impl Entry for Parameter {
    fn problem_with_name(name: &str) -> Option<&'static str> {
        match name {
            "" => Some("is empty"),
            _ if name.contains(':') => Some("has a colon, which is for versions and labels"),
            _ if name.starts_with(REFERENCE_PREFIX) => {
                Some("reads a secret: give the secret under `secrets`")
            }
            _ => None,
        }
    }
}

/// Text, a list, or an object. By hand, because serde's untagged enums lose the place of an error.
impl<'de> Deserialize<'de> for Parameter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyForm;

        impl<'de> Visitor<'de> for AnyForm {
            type Value = Parameter;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a list of texts, or an object with `value` or `versions`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Parameter, E> {
                let value = TextOrList { joined: SecretValue::new(text), is_list: false };
                Ok(Parameter::of(ParameterKind::String, value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Parameter, A::Error> {
                let value = TextOrList::deserialize(SeqAccessDeserializer::new(list))?;
                Ok(Parameter::of(ParameterKind::StringList, value))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Parameter, A::Error> {
                let object = ParameterObject::deserialize(MapAccessDeserializer::new(map))?;
                object.try_into().map_err(Error::custom)
            }
        }

        deserializer.deserialize_any(AnyForm)
    }
}

impl Parameter {
    fn of(kind: ParameterKind, value: TextOrList) -> Self {
        let version = ParameterVersion { value, labels: Vec::new(), modified: None };
        Self { arn: None, kind, versions: vec![version], first: 1, faults: Faults::default() }
    }
}

/// A value: text, or a list that is joined with commas as Parameter Store keeps it.
pub(super) struct TextOrList {
    pub(super) joined: SecretValue,
    is_list: bool,
}

impl<'de> Deserialize<'de> for TextOrList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyForm;

        impl<'de> Visitor<'de> for AnyForm {
            type Value = TextOrList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<TextOrList, E> {
                Ok(TextOrList { joined: SecretValue::new(text), is_list: false })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<TextOrList, A::Error> {
                let mut texts: Vec<String> = Vec::new();
                while let Some(text) = list.next_element::<String>()? {
                    if text.contains(',') {
                        return Err(Error::custom("a text in a list must not have a comma"));
                    }
                    texts.push(text);
                }
                Ok(TextOrList { joined: SecretValue::new(texts.join(",")), is_list: true })
            }
        }

        deserializer.deserialize_any(AnyForm)
    }
}
