//! Finds the version that a key asks for, or fails as AWS does, in AWS's words.

use std::collections::HashMap;

use aws_smithy_types::DateTime;

use crate::{
    clock::Moment,
    fetch::{
        body::{ParameterRecord, SecretRecord},
        error::FetchError,
        local_store::{
            document::Document,
            faults::{Fate, Faults, failure},
            made_up,
            notation::Date,
            parameter::{Parameter, ParameterKind, REFERENCE_PREFIX},
            secret::{Plaintext, Secret, SecretVersion},
        },
    },
    key::{ParameterKey, SecretKey},
    secret::SecretValue,
};

/// A checked document, with the ARNs, ids and dates that it leaves out made up.
pub(super) struct Store {
    document: Document,
    /// Names by full and by partial ARN.
    secrets_by_arn: HashMap<String, String>,
    parameters_by_arn: HashMap<String, String>,
}

impl Store {
    /// `modified` stands in for every date that the file does not give. A version whose value is
    /// that of the store `before` the file was edited is still that version.
    pub(super) fn new(
        mut document: Document,
        region: &str,
        modified: DateTime,
        before: Option<&Self>,
    ) -> Self {
        let before = before.map(|store| &store.document);
        let (mut secrets_by_arn, mut parameters_by_arn) = (HashMap::new(), HashMap::new());
        for (name, secret) in &mut document.secrets {
            let before = before.and_then(|document| document.secrets.get(name));
            for (position, version) in secret.versions.iter_mut().enumerate() {
                let same = before
                    .and_then(|secret| secret.versions.get(position))
                    .filter(|old| old.value == version.value);
                version.id = version.id.take().or_else(|| same.and_then(|old| old.id.clone()));
                version.id.get_or_insert_with(|| made_up::version_id(name, position, modified));
                version.created = version.created.or_else(|| same.and_then(|old| old.created));
                version.created.get_or_insert(Date(modified));
            }
            let arn = secret.arn.get_or_insert_with(|| made_up::secret_arn(region, name));
            // A partial ARN lacks the hyphen and the six characters behind the name.
            if let Some((partial, _)) = arn.rsplit_once('-').filter(|(_, end)| end.len() == 6) {
                secrets_by_arn.insert(partial.to_owned(), name.clone());
            }
            secrets_by_arn.insert(arn.clone(), name.clone());
        }
        for (name, parameter) in &mut document.parameters {
            let before = before.and_then(|document| document.parameters.get(name));
            if let Some(before) = before {
                parameter.first = number_after_an_edit(parameter, before);
            }
            for (position, version) in parameter.versions.iter_mut().enumerate() {
                let same = before
                    .and_then(|parameter| parameter.versions.get(position))
                    .filter(|old| old.value.joined == version.value.joined);
                version.modified = version.modified.or_else(|| same.and_then(|old| old.modified));
                version.modified.get_or_insert(Date(modified));
            }
            let arn = parameter.arn.get_or_insert_with(|| made_up::parameter_arn(region, name));
            parameters_by_arn.insert(arn.clone(), name.clone());
        }
        Self { document, secrets_by_arn, parameters_by_arn }
    }

    /// How a call for this secret that begins now is to go.
    pub(super) fn fate_of_secret(&self, key: &SecretKey, now: Moment) -> Fate {
        self.fate(self.found_secret(&key.secret_id).map(|(_, secret)| &secret.faults), now)
    }

    /// How a call for this parameter that begins now is to go.
    pub(super) fn fate_of_parameter(&self, key: &ParameterKey, now: Moment) -> Fate {
        let full_name = key.name_with_selector();
        let name = split(&full_name).map_or(full_name.as_str(), |(name, _)| name);
        let faults = match name.strip_prefix(REFERENCE_PREFIX) {
            Some(secret) => self.document.secrets.get(secret).map(|secret| &secret.faults),
            None => self.found_parameter(name).map(|(_, parameter)| &parameter.faults),
        };
        self.fate(faults, now)
    }

    fn fate(&self, entry: Option<&Faults>, now: Moment) -> Fate {
        entry.unwrap_or(&Faults::default()).fate(&self.document.faults, now)
    }

    /// By name, or by full or partial ARN.
    fn found_secret(&self, secret_id: &str) -> Option<(&str, &Secret)> {
        let name = self.secrets_by_arn.get(secret_id).map_or(secret_id, String::as_str);
        let (name, secret) = self.document.secrets.get_key_value(name)?;
        Some((name, secret))
    }

    /// By name or by ARN.
    fn found_parameter(&self, name: &str) -> Option<(&str, &Parameter)> {
        let name = self.parameters_by_arn.get(name).map_or(name, String::as_str);
        let (name, parameter) = self.document.parameters.get_key_value(name)?;
        Some((name, parameter))
    }

    pub(super) fn secret(&self, key: &SecretKey) -> Result<SecretRecord, FetchError> {
        let Some((name, secret)) = self.found_secret(&key.secret_id) else {
            let message = "Secrets Manager can't find the specified secret.";
            return Err(failure("ResourceNotFoundException", message));
        };
        let no_value = |of: String| {
            let message = format!("Secrets Manager can't find the specified secret value for {of}");
            failure("ResourceNotFoundException", message)
        };
        let version = match (&key.version_id, &key.version_stage) {
            (Some(id), stage) => {
                let version =
                    with_id(secret, id).ok_or_else(|| no_value(format!("VersionId: {id}")))?;
                if stage.as_ref().is_some_and(|stage| !version.stages.contains(stage)) {
                    let message = "You provided a VersionStage that is not associated to the \
                                   provided VersionId.";
                    return Err(failure("InvalidRequestException", message));
                }
                version
            }
            (None, stage) => {
                let stage = stage.as_deref().unwrap_or("AWSCURRENT");
                with_stage(secret, stage)
                    .ok_or_else(|| no_value(format!("staging label: {stage}")))?
            }
        };
        Ok(secret_record(name, secret, version))
    }

    pub(super) fn parameter(&self, key: &ParameterKey) -> Result<ParameterRecord, FetchError> {
        // Joined and split again, as it travels to AWS: a name may bring a selector of its own.
        let full_name = key.name_with_selector();
        let Some((name, selector)) = split(&full_name) else {
            let message = "Invalid parameter name. Please use correct syntax for referencing a \
                           version/label  <name>:<version/label>";
            return Err(failure("ValidationException", message));
        };
        if let Some(secret) = name.strip_prefix(REFERENCE_PREFIX) {
            return self.reference(name, secret, selector, key.with_decryption);
        }
        let Some((name, parameter)) = self.found_parameter(name) else {
            return Err(failure("ParameterNotFound", format!("Parameter {name} not found.")));
        };
        let index = match selector {
            None => parameter.versions.len() - 1,
            Some(selector) => {
                index_of(parameter, selector).ok_or_else(|| version_not_found(selector, name))?
            }
        };
        let version = &parameter.versions[index];
        let number = parameter.first + index;
        let value = if parameter.kind == ParameterKind::SecureString && !key.with_decryption {
            SecretValue::new(made_up::ciphertext(name, number))
        } else {
            version.value.joined.clone()
        };
        Ok(ParameterRecord {
            arn: parameter.arn.clone(),
            data_type: Some("text".to_owned()),
            last_modified_date: version.modified.map(|Date(modified)| modified),
            name: Some(name.to_owned()),
            selector: selector.map(|selector| format!(":{selector}")),
            source_result: None,
            parameter_type: Some(parameter.kind.as_str().to_owned()),
            value: Some(value),
            version: number as i64,
        })
    }

    /// A secret read through Parameter Store; the selector is a stage or a version id.
    fn reference(
        &self,
        name: &str,
        secret_name: &str,
        selector: Option<&str>,
        with_decryption: bool,
    ) -> Result<ParameterRecord, FetchError> {
        if !with_decryption {
            let message =
                "WithDecryption flag must be True for retrieving a Secret Manager secret.";
            return Err(failure("ValidationException", message));
        }
        let Some(secret) = self.document.secrets.get(secret_name) else {
            let message = format!(
                "An error occurred (ParameterNotFound) when referencing Secrets Manager: \
                 Secret {name} not found."
            );
            return Err(failure("ParameterNotFound", message));
        };
        let wanted = selector.unwrap_or("AWSCURRENT");
        let version = with_stage(secret, wanted)
            .or_else(|| with_id(secret, wanted))
            .ok_or_else(|| version_not_found(wanted, name))?;
        let Plaintext::String(value) = &version.value else {
            let message = "A binary secret cannot be read through Parameter Store.";
            return Err(failure("ValidationException", message));
        };
        let record = secret_record(secret_name, secret, version);
        Ok(ParameterRecord {
            data_type: Some("text".to_owned()),
            last_modified_date: record.created_date,
            name: Some(name.to_owned()),
            selector: selector.map(|selector| format!(":{selector}")),
            parameter_type: Some(ParameterKind::SecureString.as_str().to_owned()),
            value: Some(value.clone()),
            version: 0,
            source_result: Some(record.to_source_result()),
            arn: record.arn,
        })
    }
}

/// A parameter that is one value counts its edits; the versions of a list are numbered by their
/// places.
fn number_after_an_edit(now: &Parameter, before: &Parameter) -> usize {
    match (now.versions.as_slice(), before.versions.as_slice()) {
        ([now], [old]) if now.value.joined == old.value.joined => before.first,
        ([_], [_]) => before.first + 1,
        _ => 1,
    }
}

fn secret_record(name: &str, secret: &Secret, version: &SecretVersion) -> SecretRecord {
    let (secret_string, secret_binary) = match &version.value {
        Plaintext::String(text) => (Some(text.clone()), None),
        Plaintext::Binary(bytes) => (None, Some(bytes.clone())),
    };
    SecretRecord {
        arn: secret.arn.clone(),
        created_date: version.created.map(|Date(created)| created),
        name: Some(name.to_owned()),
        secret_binary,
        secret_string,
        version_id: version.id.clone(),
        // AWS leaves the field out for a version without stages.
        version_stages: Some(version.stages.clone()).filter(|stages| !stages.is_empty()),
    }
}

fn with_id<'a>(secret: &'a Secret, id: &str) -> Option<&'a SecretVersion> {
    secret.versions.iter().find(|version| version.id.as_deref() == Some(id))
}

fn with_stage<'a>(secret: &'a Secret, stage: &str) -> Option<&'a SecretVersion> {
    secret.versions.iter().find(|version| version.stages.iter().any(|own| own == stage))
}

/// The name or ARN, and the selector behind it.
fn split(full_name: &str) -> Option<(&str, Option<&str>)> {
    let colons_before = if full_name.starts_with("arn:") { 5 } else { 0 };
    match full_name.match_indices(':').nth(colons_before) {
        None => Some((full_name, None)),
        Some((at, _)) => {
            let selector = &full_name[at + 1..];
            let valid = !selector.is_empty() && !selector.contains(':');
            valid.then_some((&full_name[..at], Some(selector)))
        }
    }
}

/// The index of the version for a number or a label. A label never begins with a digit.
fn index_of(parameter: &Parameter, selector: &str) -> Option<usize> {
    if selector.starts_with(|first: char| first.is_ascii_digit()) {
        let index = selector.parse::<usize>().ok()?.checked_sub(parameter.first)?;
        return (index < parameter.versions.len()).then_some(index);
    }
    let mut versions = parameter.versions.iter();
    versions.position(|version| version.labels.iter().any(|label| label == selector))
}

fn version_not_found(selector: &str, name: &str) -> FetchError {
    let message = format!(
        "Systems Manager could not find version {selector} of {name}. \
         Verify the version and try again."
    );
    failure("ParameterVersionNotFound", message)
}

#[cfg(test)]
#[path = "lookup_tests.rs"]
mod tests;
