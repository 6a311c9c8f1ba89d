//! A secret as the file writes it.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{
    fetch::local_store::{
        faults::{Delay, Fail, Faults, Throttle},
        notation::{Base64, Date, Entry, Text},
    },
    secret::SecretValue,
};

/// A secret with at least one version, from the oldest to the newest.
pub(super) struct Secret {
    pub(super) arn: Option<String>,
    pub(super) versions: Vec<SecretVersion>,
    pub(super) faults: Faults,
}

/// One version; its stages are final.
#[derive(Deserialize)]
#[serde(try_from = "VersionObject")]
pub(super) struct SecretVersion {
    pub(super) id: Option<String>,
    pub(super) stages: Vec<String>,
    pub(super) created: Option<Date>,
    pub(super) value: Plaintext,
}

/// What a version holds.
#[derive(PartialEq)]
pub(super) enum Plaintext {
    String(SecretValue),
    Binary(SecretValue),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretObject {
    arn: Option<String>,
    versions: Option<Vec<SecretVersion>>,
    id: Option<String>,
    created: Option<Date>,
    string: Option<Text>,
    json: Option<serde_json::Value>,
    binary: Option<Base64>,
    delay_ms: Option<Delay>,
    fail: Option<Fail>,
    throttle: Option<Throttle>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with `string`, `json` or `binary`")]
struct VersionObject {
    id: Option<String>,
    #[serde(default)]
    stages: Vec<String>,
    created: Option<Date>,
    string: Option<Text>,
    json: Option<serde_json::Value>,
    binary: Option<Base64>,
}

impl TryFrom<VersionObject> for SecretVersion {
    type Error = &'static str;

    fn try_from(object: VersionObject) -> Result<Self, Self::Error> {
        let value = match (object.string, object.json, object.binary) {
            (Some(Text(text)), None, None) => Plaintext::String(text),
            (None, Some(json), None) => Plaintext::String(SecretValue::new(json.to_string())),
            (None, None, Some(Base64(bytes))) => Plaintext::Binary(bytes),
            _ => return Err("must have exactly one of `string`, `json` and `binary`"),
        };
        Ok(Self { id: object.id, stages: object.stages, created: object.created, value })
    }
}

impl TryFrom<SecretObject> for Secret {
    type Error = String;

    fn try_from(object: SecretObject) -> Result<Self, Self::Error> {
        let SecretObject { arn, versions, id, created, string, json, binary, .. } = object;
        let faults =
            Faults { delay: object.delay_ms, fail: object.fail, throttle: object.throttle };
        let versions = match versions {
            Some(_) if id.is_some() || created.is_some() => {
                return Err("`id` and `created` belong into each of its `versions`".to_owned());
            }
            Some(_) if string.is_some() || json.is_some() || binary.is_some() => {
                return Err("must have either `versions` or a value of its own".to_owned());
            }
            Some(versions) => versions,
            None if string.is_none() && json.is_none() && binary.is_none() => {
                return Err("must have one of `string`, `json`, `binary` and `versions`".to_owned());
            }
            None => {
                let stages = Vec::new();
                vec![VersionObject { id, stages, created, string, json, binary }.try_into()?]
            }
        };
        Ok(Self { arn, versions: staged(versions)?, faults })
    }
}

/// Gives the usual stages when no version has one of its own; no stage and no id may stand twice.
fn staged(mut versions: Vec<SecretVersion>) -> Result<Vec<SecretVersion>, String> {
    if versions.is_empty() {
        return Err("`versions` must not be empty".to_owned());
    }
    if versions.iter().all(|version| version.stages.is_empty()) {
        for (version, stage) in versions.iter_mut().rev().zip(["AWSCURRENT", "AWSPREVIOUS"]) {
            version.stages = vec![stage.to_owned()];
        }
    }
    let (mut stages, mut ids) = (HashSet::new(), HashSet::new());
    for version in &versions {
        if let Some(stage) = version.stages.iter().find(|stage| !stages.insert(stage.as_str())) {
            return Err(format!("the stage {stage:?} stands here twice"));
        }
        if let Some(id) = version.id.as_ref().filter(|id| !ids.insert(id.as_str())) {
            return Err(format!("the version id {id:?} stands here twice"));
        }
    }
    Ok(versions)
}

impl Entry for Secret {
    fn problem_with_name(name: &str) -> Option<&'static str> {
        match name {
            "" => Some("is empty"),
            _ if name.starts_with("arn:") => Some("is an ARN: give a name here and an `arn` in it"),
            _ => None,
        }
    }
}

/// Text, or an object. By hand, because serde's untagged enums lose the place of an error.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrObject;

        impl<'de> Visitor<'de> for TextOrObject {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, or an object with `string`, `json`, `binary` or `versions`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
                let value = Plaintext::String(SecretValue::new(text));
                let stages = vec!["AWSCURRENT".to_owned()];
                let version = SecretVersion { id: None, stages, created: None, value };
                Ok(Secret { arn: None, versions: vec![version], faults: Faults::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Secret, A::Error> {
                let object = SecretObject::deserialize(MapAccessDeserializer::new(map))?;
                object.try_into().map_err(Error::custom)
            }
        }

        deserializer.deserialize_any(TextOrObject)
    }
}
