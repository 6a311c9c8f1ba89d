//! Turns the SDK's errors into ours.

use std::error::Error;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::{
    fetch::{
        aws::set_up::{ATTEMPT_TIME_OUT, CONNECT_TIME_OUT},
        error::FetchError,
    },
    key::UpstreamKind,
};

/// Codes of failures with a status below 500 that pass: throttling, and credentials that are about to be
/// replaced.
const PASSING_CODES: [&str; 12] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InternalServiceError",
    "InternalServerError",
    "RequestExpired",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// What the error means to a client.
///
/// An answer that could not be parsed may hold a secret's value, and the SDK's `Debug` would show it:
/// only `Display` texts of the causes are ever used.
pub(super) fn from_sdk_error<E>(
    upstream: UpstreamKind,
    error: SdkError<E, HttpResponse>,
) -> FetchError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match &error {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let metadata = service.err().meta();
            let code = metadata.code().map_or_else(|| format!("Http{status}"), code_word);
            FetchError::Upstream {
                passing: status >= 500 || PASSING_CODES.contains(&code.as_str()),
                code,
                message: metadata.message().map_or_else(
                    || format!("the service answered with HTTP status {status}"),
                    str::to_owned,
                ),
            }
        }
        SdkError::DispatchFailure(failure) if failure.is_timeout() => FetchError::Timeout {
            upstream,
            after: CONNECT_TIME_OUT,
            hint: "so long was each of the attempts to connect; is there a route to its endpoint?",
        },
        SdkError::TimeoutError(_) => FetchError::Timeout {
            upstream,
            after: ATTEMPT_TIME_OUT,
            hint: "so long was each of the attempts made; is there a route to its endpoint?",
        },
        SdkError::ResponseError(response) => FetchError::Dispatch {
            reason: format!(
                "the service's answer (HTTP status {}) could not be read: {}",
                response.raw().status().as_u16(),
                causes(&error)
            ),
        },
        _ => FetchError::Dispatch { reason: causes(&error) },
    }
}

/// AWS writes some codes as `com.amazonaws.ssm#ParameterNotFound` or `Code:http://…`.
fn code_word(code: &str) -> String {
    let code = code.rsplit('#').next().unwrap_or(code);
    code.split(':').next().unwrap_or(code).to_owned()
}

/// The causes' own words, outermost first, each once.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        // A credentials chain lists what it tried on lines of its own; a log line is one line.
        let word = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if !words.contains(&word) {
            words.push(word);
        }
        cause = error.source();
    }
    words.join(": ")
}

#[cfg(test)]
mod tests {
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
    use crate::{fetch::error::FetchError, key::UpstreamKind};

    fn answered(status: u16, code: Option<&str>) -> FetchError {
        let metadata = ErrorMetadata::builder().message("its own words");
        let metadata = code.into_iter().fold(metadata, Builder::code).build();
        let status = StatusCode::try_from(status).unwrap();
        let response = HttpResponse::new(status, SdkBody::empty());
        let error = SdkError::service_error(GetSecretValueError::generic(metadata), response);
        from_sdk_error(UpstreamKind::SecretsManager, error)
    }

    #[test]
    fn throttling_trouble_of_the_services_own_and_expired_credentials_pass() {
        for (status, code) in [
            (400, "ThrottlingException"),
            (400, "TooManyRequestsException"),
            (429, "RequestLimitExceeded"),
            (400, "ExpiredTokenException"),
            (403, "ExpiredToken"),
            (400, "RequestExpired"),
            (400, "InternalServiceError"),
            (500, "InternalFailure"),
            (503, "ServiceUnavailable"),
        ] {
            assert!(answered(status, Some(code)).is_passing(), "{status} {code}");
        }
        assert!(answered(502, None).is_passing());
    }

    #[test]
    fn what_is_forbidden_deleted_or_not_there_does_not_pass() {
        for (status, code) in [
            (400, "AccessDeniedException"),
            (403, "AccessDenied"),
            (400, "ResourceNotFoundException"),
            (404, "ResourceNotFoundException"),
            (400, "ParameterNotFound"),
            (400, "ParameterVersionNotFound"),
            (400, "InvalidRequestException"),
            (400, "DecryptionFailure"),
            (400, "UnrecognizedClientException"),
            (400, "com.amazonaws.secretsmanager#AccessDeniedException"),
        ] {
            assert!(!answered(status, Some(code)).is_passing(), "{status} {code}");
        }
        assert!(!answered(400, None).is_passing());
    }

    #[test]
    fn a_code_is_the_word_alone_however_the_service_writes_it() {
        for (written, code) in [
            ("ThrottlingException", "ThrottlingException"),
            ("com.amazonaws.ssm#ThrottlingException", "ThrottlingException"),
            ("ThrottlingException:http://internal.amazon.com/", "ThrottlingException"),
        ] {
            let failure = answered(400, Some(written));
            assert_eq!((failure.code(), failure.is_passing()), (code, true));
        }
        assert_eq!(answered(418, None).code(), "Http418");
    }
}
