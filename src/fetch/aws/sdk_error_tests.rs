use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_smithy_runtime_api::{
    client::{orchestrator::HttpResponse, result::SdkError},
    http::StatusCode,
};
use aws_smithy_types::{
    body::SdkBody,
    error::{ErrorMetadata, metadata::Builder},
};

use super::from_sdk_error;
use crate::{
    fetch::error::{FetchError, UpstreamErrorKind},
    key::UpstreamKind,
    settings::{AwsSettings, Settings},
};

fn settings() -> AwsSettings {
    Settings::read([]).settings.aws
}

fn answered(status: u16, code: Option<&str>) -> FetchError {
    let metadata = ErrorMetadata::builder().message("its own words");
    let metadata = code.into_iter().fold(metadata, Builder::code).build();
    let status = StatusCode::try_from(status).unwrap();
    let response = HttpResponse::new(status, SdkBody::empty());
    let error = SdkError::service_error(GetSecretValueError::generic(metadata), response);
    from_sdk_error(&settings(), None, UpstreamKind::SecretsManager, error)
}

fn kind(status: u16, code: Option<&str>) -> UpstreamErrorKind {
    let FetchError::Upstream { kind, .. } = answered(status, code) else { unreachable!() };
    kind
}

#[test]
fn answers_about_the_value_itself_are_refusals() {
    for (status, code) in [
        (400, "AccessDeniedException"),
        (403, "AccessDenied"),
        (400, "ResourceNotFoundException"),
        (404, "ResourceNotFoundException"),
        (400, "ParameterNotFound"),
        (400, "ParameterVersionNotFound"),
        (400, "InvalidRequestException"),
        (400, "DecryptionFailure"),
        (400, "KMSDisabledException"),
        (400, "com.amazonaws.secretsmanager#AccessDeniedException"),
    ] {
        assert_eq!(kind(status, Some(code)), UpstreamErrorKind::Refusal, "{status} {code}");
    }
}

#[test]
fn everything_that_is_not_listed_passes() {
    for (status, code) in [
        (400, Some("ExpiredTokenException")),
        (403, Some("ExpiredToken")),
        (400, Some("RequestExpired")),
        (400, Some("InternalServiceError")),
        (403, Some("InvalidSignatureException")),
        (400, Some("UnrecognizedClientException")),
        (400, Some("IncompleteSignature")),
        (500, Some("InternalFailure")),
        (503, Some("ServiceUnavailable")),
        (400, None),
        (403, None),
        (407, None),
        (408, None),
        (502, None),
    ] {
        assert_eq!(kind(status, code), UpstreamErrorKind::Passing, "{status} {code:?}");
    }
}

#[test]
fn a_success_without_a_value_is_an_answer_that_could_not_be_read() {
    let error = answered(200, None);
    assert_eq!(error.code(), "DispatchFailure");
    assert!(error.to_string().contains("HTTP status 200"), "{error}");
    assert!(!error.to_string().contains("its own words"), "it may hold a value");
}

#[test]
fn throttling_is_told_by_its_code_or_by_a_bare_429() {
    for (status, code) in [
        (400, Some("ThrottlingException")),
        (400, Some("TooManyRequestsException")),
        (429, Some("RequestLimitExceeded")),
        (429, None),
    ] {
        let throttling = UpstreamErrorKind::Throttling { retry_after: None };
        assert_eq!(kind(status, code), throttling, "{status} {code:?}");
    }
}

#[test]
fn a_code_is_the_word_alone_however_the_service_writes_it() {
    for (written, code) in [
        ("ThrottlingException", "ThrottlingException"),
        ("com.amazonaws.ssm#ThrottlingException", "ThrottlingException"),
        ("ThrottlingException:http://internal.amazon.com/", "ThrottlingException"),
    ] {
        let failure = answered(400, Some(written));
        assert_eq!(failure.code(), code);
    }
    assert_eq!(answered(418, None).code(), "Http418");
}
