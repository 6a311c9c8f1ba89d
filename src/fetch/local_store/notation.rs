//! How the file writes what both kinds of entries have: names, texts, bytes, dates.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use aws_smithy_types::{DateTime, base64, date_time::Format};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, MapAccess, Visitor},
};

use crate::secret::SecretValue;

/// What may stand under a heading of the file.
pub(super) trait Entry: DeserializeOwned {
    /// What is wrong with `name`, if anything is.
    fn problem_with_name(name: &str) -> Option<&'static str>;
}

/// A map in which a name may stand only once: JSON lets the second silently win.
pub(super) fn by_name<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
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
