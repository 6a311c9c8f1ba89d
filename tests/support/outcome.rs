//! How a call to an upstream ends. Knows no upstream.

use parameters_secrets_extension::fetch::error::{FetchError, UpstreamErrorKind};

/// How one call ends.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With the body `call N`.
    Value,
    /// With an error of this code that says something about the value.
    Error(&'static str),
    /// With an error of this code that passes.
    PassingError(&'static str),
    /// With the error of a service that throttles.
    Throttled,
    /// Without any answer: refused, reset, no route.
    Dispatch,
    Hang,
    Panic,
}

/// What a fetch ends with, if its call ends so.
pub fn error_of(outcome: &Outcome) -> Option<FetchError> {
    let upstream = |code: &str, kind| FetchError::Upstream {
        code: code.into(),
        message: "as told".into(),
        kind,
    };
    match outcome {
        Outcome::Value | Outcome::Hang => None,
        Outcome::Error(code) => Some(upstream(code, UpstreamErrorKind::Refusal)),
        Outcome::PassingError(code) => Some(upstream(code, UpstreamErrorKind::Passing)),
        Outcome::Throttled => {
            let kind = UpstreamErrorKind::Throttling { retry_after: None };
            Some(upstream("ThrottlingException", kind))
        }
        Outcome::Dispatch => Some(FetchError::Dispatch { reason: "as told".into() }),
        Outcome::Panic => Some(FetchError::Panicked),
    }
}
