use aws_smithy_types::DateTime;

use super::{Document, Store};
use crate::{
    fetch::{
        body::{ParameterRecord, SecretRecord},
        error::FetchError,
    },
    key::{CacheKey, ParameterKey, SecretKey, Selector},
};

const CONTENT: &str = r#"{
  "secrets": {
    "plain": "horse",
    "object": { "json": { "b": [1, "é"], "a": null } },
    "bytes": { "binary": "AP8=", "id": "own-id", "created": "2026-05-01T12:00:00+02:00" },
    "rotated": { "versions": [
      { "string": "oldest", "id": "1" }, { "string": "old", "id": "2" }, { "string": "new", "id": "3" }
    ] },
    "staged": {
      "arn": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:staged-AbCdEf",
      "versions": [
        { "string": "pending", "id": "p", "stages": ["AWSPENDING", "Own"] },
        { "string": "bare", "id": "b" }
      ]
    }
  },
  "parameters": {
    "/text": "a text",
    "/list": ["a", "b"],
    "/secure": { "type": "SecureString", "value": "staple" },
    "/versions": { "versions": [
      { "value": "one", "labels": ["Old"], "modified": "2026-05-01T12:00:00Z" },
      { "value": "two", "labels": ["Dev"] },
      { "value": "three" }
    ] },
    "top": { "value": "no path", "arn": "arn:aws:ssm:eu-central-1:111122223333:parameter/top" }
  }
}"#;

fn store() -> Store {
    let document = Document::read(CONTENT.as_bytes()).unwrap_or_else(|problem| panic!("{problem}"));
    Store::new(document, "eu-west-1", DateTime::from_secs(1_712_345_651), None)
}

fn ask(key: CacheKey) -> Result<String, (String, String)> {
    let body = match &key {
        CacheKey::Secret(key) => store().secret(key).map(SecretRecord::into_body),
        CacheKey::Parameter(key) => store().parameter(key).map(ParameterRecord::into_body),
    };
    match body {
        Ok(body) => Ok(String::from_utf8(body.reveal().to_vec()).expect("a body is UTF-8")),
        Err(FetchError::Upstream { code, message, .. }) => Err((code, message)),
        Err(other) => panic!("{other}"),
    }
}

fn secret(
    id: &str,
    version: Option<&str>,
    stage: Option<&str>,
) -> Result<String, (String, String)> {
    ask(CacheKey::Secret(SecretKey {
        secret_id: id.into(),
        version_id: version.map(Into::into),
        version_stage: stage.map(Into::into),
    }))
}

fn parameter(
    name: &str,
    selector: Option<Selector>,
    with_decryption: bool,
) -> Result<String, (String, String)> {
    ask(CacheKey::Parameter(ParameterKey { name: name.into(), selector, with_decryption }))
}

fn failure<T>(code: &str, message: &str) -> Result<T, (String, String)> {
    Err((code.to_owned(), message.to_owned()))
}

/// The text between `before` and the next double quote.
fn field(body: Result<String, (String, String)>, before: &str) -> String {
    let body = body.expect("an answer");
    let (_, rest) = body.split_once(before).unwrap_or_else(|| panic!("no {before} in {body}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

fn secret_string(body: Result<String, (String, String)>) -> String {
    field(body, "\"SecretString\":\"")
}

fn value(body: Result<String, (String, String)>) -> String {
    field(body, "\"Value\":\"")
}

#[test]
fn a_secret_of_one_line_has_all_that_aws_would_have_made_up() {
    assert_eq!(
        secret("plain", None, None).as_deref(),
        Ok(concat!(
            r#"{"ARN":"arn:aws:secretsmanager:eu-west-1:000000000000:secret:plain-jxqz1M","#,
            r#""CreatedDate":"2024-04-05T19:34:11Z","Name":"plain","SecretBinary":null,"#,
            r#""SecretString":"horse","VersionId":"f0e99d26-28b0-4a9c-827e-d05c8d4f20c7","#,
            r#""VersionStages":["AWSCURRENT"],"ResultMetadata":{}}"#,
        ))
    );
}

#[test]
fn a_binary_secret_keeps_its_own_id_and_date() {
    let body = secret("bytes", None, None).expect("an answer");
    let expected = r#""CreatedDate":"2026-05-01T10:00:00Z","Name":"bytes","SecretBinary":"AP8=","SecretString":null,"VersionId":"own-id""#;
    assert!(body.contains(expected), "{body}");
}

#[test]
fn an_object_is_stored_as_compact_json() {
    let body = secret("object", None, None).expect("an answer");
    assert!(body.contains(r#""SecretString":"{\"a\":null,\"b\":[1,\"é\"]}""#), "{body}");
}

#[test]
fn a_secret_is_found_by_its_full_and_by_its_partial_arn() {
    let arn = field(secret("plain", None, None), "\"ARN\":\"");
    let partial = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:plain";
    let own = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:staged-AbCdEf";
    assert_eq!(secret_string(secret(&arn, None, None)), "horse");
    assert_eq!(secret_string(secret(partial, None, None)), "horse");
    assert_eq!(secret_string(secret(own, None, Some("Own"))), "pending");
    assert_eq!(secret_string(secret(&own[..own.len() - 7], Some("b"), None)), "bare");
}

#[test]
fn versions_without_stages_are_current_previous_and_bare() {
    let of_stage = |stage| secret("rotated", None, stage);
    assert_eq!(secret_string(of_stage(None)), "new");
    assert_eq!(secret_string(of_stage(Some("AWSCURRENT"))), "new");
    assert_eq!(secret_string(of_stage(Some("AWSPREVIOUS"))), "old");
    let oldest = secret("rotated", Some("1"), None).expect("an answer");
    assert!(oldest.contains(r#""SecretString":"oldest","VersionId":"1","VersionStages":null"#));
}

#[test]
fn a_version_and_a_stage_must_both_match() {
    assert_eq!(secret_string(secret("rotated", Some("2"), Some("AWSPREVIOUS"))), "old");
    assert_eq!(
        secret("rotated", Some("2"), Some("AWSCURRENT")),
        failure(
            "InvalidRequestException",
            "You provided a VersionStage that is not associated to the provided VersionId."
        )
    );
}

#[test]
fn a_missing_secret_version_or_stage_fails_in_the_words_of_aws() {
    let not_found = |of| failure("ResourceNotFoundException", of);
    assert_eq!(
        secret("none", None, None),
        not_found("Secrets Manager can't find the specified secret.")
    );
    assert_eq!(
        secret("rotated", Some("9"), Some("AWSCURRENT")),
        not_found("Secrets Manager can't find the specified secret value for VersionId: 9")
    );
    assert_eq!(
        secret("staged", None, None),
        not_found(
            "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
        )
    );
}

#[test]
fn a_parameter_is_found_by_its_name_and_by_its_arn_with_and_without_a_selector() {
    let two = Some(Selector::Version(2));
    let dev = Some(Selector::Label("Dev".into()));
    let arn = "arn:aws:ssm:eu-west-1:000000000000:parameter/versions";
    for name in ["/versions", arn] {
        assert_eq!(value(parameter(name, None, false)), "three");
        assert_eq!(value(parameter(name, two.clone(), false)), "two");
        assert_eq!(value(parameter(name, dev.clone(), true)), "two");
        assert_eq!(value(parameter(&format!("{name}:1"), None, false)), "one");
        assert_eq!(value(parameter(&format!("{name}:Old"), None, false)), "one");
    }
    let own = "arn:aws:ssm:eu-central-1:111122223333:parameter/top";
    assert_eq!(value(parameter(own, None, false)), "no path");
}

#[test]
fn a_selector_is_repeated_in_the_answer() {
    assert_eq!(
        parameter("/versions", Some(Selector::Label("Old".into())), false).as_deref(),
        Ok(concat!(
            r#"{"Parameter":{"ARN":"arn:aws:ssm:eu-west-1:000000000000:parameter/versions","#,
            r#""DataType":"text","LastModifiedDate":"2026-05-01T12:00:00Z","Name":"/versions","#,
            r#""Selector":":Old","SourceResult":null,"Type":"String","Value":"one","Version":1},"#,
            r#""ResultMetadata":{}}"#,
        ))
    );
}

#[test]
fn a_list_is_joined_with_commas() {
    let body = parameter("/list", None, false).expect("an answer");
    assert!(body.contains(r#""Type":"StringList","Value":"a,b","Version":1"#), "{body}");
}

#[test]
fn a_secure_string_is_ciphertext_unless_decryption_is_asked_for() {
    assert_eq!(value(parameter("/secure", None, true)), "staple");
    let ciphertext = parameter("/secure", None, false);
    assert!(value(ciphertext.clone()).starts_with("AQICAH"));
    assert!(ciphertext.expect("an answer").contains(r#""Type":"SecureString""#));
    assert_eq!(value(parameter("/text", None, true)), "a text");
}

#[test]
fn a_missing_parameter_or_version_fails_in_the_words_of_aws() {
    assert_eq!(
        parameter("/none", Some(Selector::Version(1)), false),
        failure("ParameterNotFound", "Parameter /none not found.")
    );
    for missing in ["0", "4", "99999999999999999999", "Nowhere"] {
        let message = format!(
            "Systems Manager could not find version {missing} of /versions. \
             Verify the version and try again."
        );
        assert_eq!(
            parameter(&format!("/versions:{missing}"), None, false),
            failure("ParameterVersionNotFound", &message)
        );
    }
    for name in ["/versions:", "/versions:1:2", "/versions:Dev:", ":"] {
        assert_eq!(
            parameter(name, None, false),
            failure(
                "ValidationException",
                "Invalid parameter name. Please use correct syntax for referencing a \
                 version/label  <name>:<version/label>"
            ),
            "{name}"
        );
    }
    assert_eq!(
        parameter("/versions:1", Some(Selector::Version(1)), false).map_err(|(code, _)| code),
        Err("ValidationException".to_owned())
    );
}

#[test]
fn a_secret_is_read_through_the_parameter_path() {
    let name = "/aws/reference/secretsmanager/rotated";
    let previous = Some(Selector::Label("AWSPREVIOUS".into()));
    assert_eq!(value(parameter(name, None, true)), "new");
    assert_eq!(value(parameter(&format!("{name}:1"), None, true)), "oldest");
    assert_eq!(
        parameter(name, previous, true).as_deref(),
        Ok(concat!(
            r#"{"Parameter":{"ARN":"arn:aws:secretsmanager:eu-west-1:000000000000:secret:rotated-QvN5Mq","#,
            r#""DataType":"text","LastModifiedDate":"2024-04-05T19:34:11Z","#,
            r#""Name":"/aws/reference/secretsmanager/rotated","Selector":":AWSPREVIOUS","#,
            r#""SourceResult":"{\"ARN\":\"arn:aws:secretsmanager:eu-west-1:000000000000:secret:rotated-QvN5Mq\","#,
            r#"\"CreatedDate\":1712345651.0,\"Name\":\"rotated\",\"SecretString\":\"old\","#,
            r#"\"VersionId\":\"2\",\"VersionStages\":[\"AWSPREVIOUS\"]}","#,
            r#""Type":"SecureString","Value":"old","Version":0},"ResultMetadata":{}}"#,
        ))
    );
}

#[test]
fn a_secret_behind_the_parameter_path_fails_in_the_words_of_aws() {
    let name = "/aws/reference/secretsmanager/none";
    assert_eq!(
        parameter(name, None, false),
        failure(
            "ValidationException",
            "WithDecryption flag must be True for retrieving a Secret Manager secret."
        )
    );
    assert_eq!(
        parameter(name, None, true),
        failure(
            "ParameterNotFound",
            "An error occurred (ParameterNotFound) when referencing Secrets Manager: \
             Secret /aws/reference/secretsmanager/none not found."
        )
    );
    assert_eq!(
        parameter("/aws/reference/secretsmanager/bytes", None, true).map_err(|(code, _)| code),
        Err("ValidationException".to_owned())
    );
}
