//! What an upstream knows about a secret or a parameter, and the response body made of it.

use std::borrow::Cow;

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_sdk_ssm::types::Parameter;
use aws_smithy_types::{
    Blob, DateTime, base64,
    date_time::{DateTimeFormatError, Format},
};
use bytes::Bytes;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{fetch::body::go_json, secret::SecretValue};

/// One version of a secret. AWS may leave out any field; a body then says `null`.
#[derive(Debug)]
pub struct SecretRecord {
    /// The secret's ARN.
    pub arn: Option<String>,
    /// When this version was created.
    pub created_date: Option<DateTime>,
    /// The secret's name.
    pub name: Option<String>,
    /// The decoded plaintext of a binary secret.
    pub secret_binary: Option<SecretValue>,
    /// The plaintext of a string secret.
    pub secret_string: Option<SecretValue>,
    /// This version's identifier.
    pub version_id: Option<String>,
    /// The staging labels on this version.
    pub version_stages: Option<Vec<String>>,
}

/// One version of a parameter. AWS may leave out any field; a body then says `null`.
#[derive(Debug)]
pub struct ParameterRecord {
    /// The parameter's ARN.
    pub arn: Option<String>,
    /// `text`, or what kind of identifier the value is.
    pub data_type: Option<String>,
    /// When this version was created.
    pub last_modified_date: Option<DateTime>,
    /// The parameter's name.
    pub name: Option<String>,
    /// The version or label asked for, with its colon: `:3`, `:Dev`.
    pub selector: Option<String>,
    /// For a referenced secret, what Secrets Manager said about it, its plaintext included.
    pub source_result: Option<SecretValue>,
    /// `String`, `StringList` or `SecureString`.
    pub parameter_type: Option<String>,
    /// The value; a `SecureString` read without decryption has its ciphertext here.
    pub value: Option<SecretValue>,
    /// The version's number.
    pub version: i64,
}

impl SecretRecord {
    /// The finished response body.
    pub fn into_body(self) -> SecretValue {
        // Wiped like every copy of a plaintext: base64 hides nothing.
        let secret_binary =
            self.secret_binary.map(|plaintext| Zeroizing::new(base64::encode(plaintext.reveal())));
        let secret_string = self.secret_string.map(|plaintext| plaintext.reveal());
        go_json::to_body(&SecretBody {
            arn: self.arn,
            created_date: self.created_date.and_then(|date| rfc_3339(date).ok()),
            name: self.name,
            secret_binary: secret_binary.as_ref().map(|encoded| encoded.as_str()),
            secret_string: secret_string.as_ref().map(text),
            version_id: self.version_id,
            version_stages: self.version_stages,
            result_metadata: ResultMetadata {},
        })
    }
}

impl SecretRecord {
    /// A string secret as Parameter Store repeats it in the `SourceResult` of a parameter that
    /// refers to a secret.
    pub(in crate::fetch) fn to_source_result(&self) -> SecretValue {
        let secret_string = self.secret_string.as_ref().map(SecretValue::reveal);
        go_json::to_body(&SourceResult {
            arn: self.arn.as_deref(),
            created_date: self
                .created_date
                .and_then(to_milliseconds)
                .map(|date| date.as_secs_f64()),
            name: self.name.as_deref(),
            secret_string: secret_string.as_ref().map(text),
            version_id: self.version_id.as_deref(),
            version_stages: self.version_stages.as_deref(),
        })
    }
}

impl ParameterRecord {
    /// The finished response body.
    pub fn into_body(self) -> SecretValue {
        let value = self.value.map(|plaintext| plaintext.reveal());
        let source_result = self.source_result.map(|plaintext| plaintext.reveal());
        go_json::to_body(&ParameterBody {
            parameter: ParameterFields {
                arn: self.arn,
                data_type: self.data_type,
                last_modified_date: self.last_modified_date.and_then(|date| rfc_3339(date).ok()),
                name: self.name,
                selector: self.selector,
                source_result: source_result.as_ref().map(text),
                parameter_type: self.parameter_type,
                value: value.as_ref().map(text),
                version: self.version,
            },
            result_metadata: ResultMetadata {},
        })
    }
}

/// The order of fields is the order of keys in the body, on which clients depend.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SecretBody<'a> {
    #[serde(rename = "ARN")]
    arn: Option<String>,
    created_date: Option<String>,
    name: Option<String>,
    secret_binary: Option<&'a str>,
    secret_string: Option<Cow<'a, str>>,
    version_id: Option<String>,
    version_stages: Option<Vec<String>>,
    result_metadata: ResultMetadata,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SourceResult<'a> {
    #[serde(rename = "ARN")]
    arn: Option<&'a str>,
    created_date: Option<f64>,
    name: Option<&'a str>,
    secret_string: Option<Cow<'a, str>>,
    version_id: Option<&'a str>,
    version_stages: Option<&'a [String]>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ParameterBody<'a> {
    parameter: ParameterFields<'a>,
    result_metadata: ResultMetadata,
}

/// The order of fields is the order of keys in the body, on which clients depend.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ParameterFields<'a> {
    #[serde(rename = "ARN")]
    arn: Option<String>,
    data_type: Option<String>,
    last_modified_date: Option<String>,
    name: Option<String>,
    selector: Option<String>,
    source_result: Option<Cow<'a, str>>,
    #[serde(rename = "Type")]
    parameter_type: Option<String>,
    value: Option<Cow<'a, str>>,
    version: i64,
}

/// Always `{}`: the official extension passes an empty field of its SDK on.
#[derive(Serialize)]
struct ResultMetadata {}

/// A plaintext as JSON text, borrowed. Every upstream gives UTF-8; a broken byte becomes U+FFFD, as
/// in Go.
fn text(plaintext: &Bytes) -> Cow<'_, str> {
    String::from_utf8_lossy(plaintext)
}

/// RFC 3339 in UTC, trailing zeros cut. A year beyond 9999 is an error.
fn rfc_3339(date: DateTime) -> Result<String, DateTimeFormatError> {
    to_milliseconds(date).unwrap_or(date).fmt(Format::DateTime)
}

/// AWS sends milliseconds as a floating-point number, which may arrive a few nanoseconds off:
/// rounded, never truncated.
fn to_milliseconds(date: DateTime) -> Option<DateTime> {
    let half_a_millisecond_later = DateTime::from_nanos(date.as_nanos() + 500_000).ok()?;
    Some(DateTime::from_millis(half_a_millisecond_later.to_millis().ok()?))
}

impl From<GetSecretValueOutput> for SecretRecord {
    fn from(output: GetSecretValueOutput) -> Self {
        Self {
            arn: output.arn,
            created_date: output.created_date,
            name: output.name,
            // Both take the SDK's memory over; neither copies.
            secret_binary: output.secret_binary.map(Blob::into_inner).map(SecretValue::new),
            secret_string: output.secret_string.map(SecretValue::new),
            version_id: output.version_id,
            version_stages: output.version_stages,
        }
    }
}

impl From<Parameter> for ParameterRecord {
    fn from(parameter: Parameter) -> Self {
        Self {
            arn: parameter.arn,
            data_type: parameter.data_type,
            last_modified_date: parameter.last_modified_date,
            name: parameter.name,
            selector: parameter.selector,
            source_result: parameter.source_result.map(SecretValue::new),
            parameter_type: parameter.r#type.map(|kind| kind.as_str().to_owned()),
            value: parameter.value.map(SecretValue::new),
            version: parameter.version,
        }
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
