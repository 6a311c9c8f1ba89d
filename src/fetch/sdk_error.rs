//! Turns the SDK's errors into ours.

use std::error::Error;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::{
    fetch::{
        aws::{ATTEMPT_TIME_OUT, CONNECT_TIME_OUT},
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
