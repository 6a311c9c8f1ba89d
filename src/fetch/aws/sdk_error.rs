//! Turns the SDK's errors into [`FetchError`]s.

use std::{error::Error, time::Duration};

use aws_config::Region;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use http_body_util::LengthLimitError;

use crate::{
    fetch::{
        aws::{
            attempts::{ATTEMPT_TIME_OUT, CONNECT_ATTEMPTS, CONNECT_TIME_OUT},
            causes::{cause_of_kind, causes},
            credentials::WHERE_CREDENTIALS_COME_FROM,
            endpoint::host,
        },
        error::{FetchError, UpstreamErrorKind},
    },
    key::UpstreamKind,
    settings::AwsSettings,
};

/// Codes that refuse the value itself, so that a kept one must not be given any more. Every other
/// failure passes: a proxy's 403, a clock that is off, credentials that are about to be replaced,
/// an answer that cannot be read.
///
/// From the API references of GetSecretValue, GetParameter and their common errors, and of KMS,
/// whose codes both services pass on.
const REFUSALS: [&str; 16] = [
    "AccessDenied",
    "AccessDeniedException",
    "DecryptionFailure",
    "DisabledException",
    "InvalidKeyId",
    "InvalidKeyUsageException",
    "InvalidParameterException",
    "InvalidRequestException",
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "KMSInvalidStateException",
    "KMSNotFoundException",
    "ParameterNotFound",
    "ParameterVersionNotFound",
    "ResourceNotFoundException",
    "ValidationException",
];

/// Codes of throttling. A bare status 429 is throttling, too.
const THROTTLING: [&str; 10] = [
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

const NO_REGION: &str =
    "no region is set: set AWS_REGION to the region that has the values; Lambda sets it itself";

/// What the error means to a client.
///
/// An answer that could not be parsed may hold a secret's value, and the SDK's `Debug` would show
/// it: only `Display` texts of the causes are ever used.
pub(super) fn from_sdk_error<E>(
    settings: &AwsSettings,
    region: Option<&Region>,
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
            if metadata.code().is_none() && service.raw().status().is_success() {
                return FetchError::Dispatch {
                    reason: unreadable(status, "it is not one of this call"),
                };
            }
            let code = metadata.code().map_or_else(|| format!("Http{status}"), code_word);
            FetchError::Upstream {
                kind: kind(status, &code, service.raw()),
                code,
                message: metadata.message().map_or_else(
                    || format!("the service answered with HTTP status {status}"),
                    str::to_owned,
                ),
            }
        }
        SdkError::DispatchFailure(failure) if failure.is_timeout() => FetchError::Timeout {
            upstream,
            after: CONNECT_TIME_OUT * CONNECT_ATTEMPTS,
            hint: "no connection in two attempts; a function in a VPC needs a NAT gateway or a VPC \
                   endpoint for this service",
        },
        SdkError::TimeoutError(_) => FetchError::Timeout {
            upstream,
            after: ATTEMPT_TIME_OUT,
            hint: "so long was each of the attempts made; is there a route to its endpoint?",
        },
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            let reason = match cause_of_kind::<LengthLimitError>(&error) {
                Some(_too_long) => unreadable(status, "it has more than 1 MiB, and a value 64 KiB"),
                None => format!(
                    "the service's answer (HTTP status {status}) could not be read: {}",
                    causes(&error)
                ),
            };
            FetchError::Dispatch { reason }
        }
        _ => FetchError::Dispatch { reason: why_no_answer(settings, region, upstream, &error) },
    }
}

/// Describes an answer that no service gives. Shows nothing of it: it may hold a value.
fn unreadable(status: u16, why: &str) -> String {
    format!(
        "the service's answer (HTTP status {status}) could not be read: {why}; does something else \
         answer in its place, such as a proxy?"
    )
}

/// Why no answer came: the setting that is missing, else the host and the causes.
fn why_no_answer(
    settings: &AwsSettings,
    region: Option<&Region>,
    upstream: UpstreamKind,
    error: &(dyn Error + 'static),
) -> String {
    match cause_of_kind::<CredentialsError>(error) {
        Some(CredentialsError::CredentialsNotLoaded(_)) => {
            return format!("no credentials were found: {WHERE_CREDENTIALS_COME_FROM}");
        }
        Some(credentials) => {
            return format!("the credentials could not be read: {}", causes(credentials));
        }
        None if region.is_none() => return NO_REGION.to_owned(),
        None => {}
    }
    match host(upstream, settings, region) {
        Some(host) => format!("{host}: {}", causes(error)),
        None => causes(error),
    }
}

fn kind(status: u16, code: &str, response: &HttpResponse) -> UpstreamErrorKind {
    if is_throttling(status, code) {
        UpstreamErrorKind::Throttling { retry_after: retry_after(response) }
    } else {
        kind_of(code)
    }
}

/// What a code says about the value, without a status.
pub(crate) fn kind_of(code: &str) -> UpstreamErrorKind {
    if THROTTLING.contains(&code) {
        UpstreamErrorKind::Throttling { retry_after: None }
    } else if REFUSALS.contains(&code) {
        UpstreamErrorKind::Refusal
    } else {
        UpstreamErrorKind::Passing
    }
}

/// Whether the service throttled the call.
pub(super) fn is_throttling(status: u16, code: &str) -> bool {
    status == 429 || THROTTLING.contains(&code)
}

/// `Retry-After` in seconds; its other form, a date, is not used by AWS.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    response.headers().get("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

/// AWS writes some codes as `com.amazonaws.ssm#ParameterNotFound` or `Code:http://…`.
fn code_word(code: &str) -> String {
    let code = code.rsplit('#').next().unwrap_or(code);
    code.split(':').next().unwrap_or(code).to_owned()
}

#[cfg(test)]
#[path = "sdk_error_tests.rs"]
mod tests;
