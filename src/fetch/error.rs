//! Why a fetch failed. One value is shared by all callers that waited for it.

use std::{sync::Arc, time::Duration};

use crate::key::UpstreamKind;

/// Source: the quotas of AWS Secrets Manager.
const MORE_SECRETS: &str = "the calls were repeated until the fetch's time was over; a longer \
    SECRETS_MANAGER_TTL needs fewer of them, and the quota of 10,000 a second can be raised";

/// Source: the quotas of AWS Systems Manager.
const MORE_PARAMETERS: &str = "the calls were repeated until the fetch's time was over; Parameter \
    Store allows 40 a second in an account and region unless its setting for higher throughput is \
    on, and PARAMETERS_SECRETS_EXTENSION_BATCH_PARAMETERS=TRUE asks for ten parameters a call";

/// What a fetch ends with when it does not end with a value; many waiters share one.
pub type SharedFetchError = Arc<FetchError>;

/// What an upstream's error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamErrorKind {
    /// The value was deleted, never existed, or may not be read: a kept one must not be given
    /// either.
    Refusal,
    /// The service throttles. The same call may succeed after a pause.
    Throttling {
        /// How long the service asked to wait, if it did.
        retry_after: Option<Duration>,
    },
    /// Anything else. It says nothing about the value.
    Passing,
}

/// Why a fetch failed. No variant ever holds a secret's value.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FetchError {
    /// The upstream answered with an error of its own, such as `ResourceNotFoundException`.
    #[error("{message}")]
    Upstream {
        /// The upstream's error code.
        code: String,
        /// The upstream's own words.
        message: String,
        /// What the error says about the value and about the service.
        kind: UpstreamErrorKind,
    },
    /// No answer within the time-out.
    #[error("no answer from {upstream} within {} ms: {hint}", after.as_millis())]
    Timeout {
        /// The service that did not answer.
        upstream: UpstreamKind,
        /// How long the fetch was given, waiting for a permit included.
        after: Duration,
        /// What happened meanwhile, and what to do about it.
        hint: &'static str,
    },
    /// The fetch's time was over before its call could leave.
    #[error(
        "no answer from {upstream} within {} ms: the fetch was still waiting for a free connection; \
         raise PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS",
        after.as_millis()
    )]
    Queued {
        /// The service whose permits were all taken.
        upstream: UpstreamKind,
        /// How long the fetch was given.
        after: Duration,
    },
    /// The call never got an HTTP answer: no route, refused, reset, TLS, no credentials.
    #[error("{reason}")]
    Dispatch {
        /// The whole chain of causes, outermost first.
        reason: String,
    },
    /// A bound was reached: the pool's queue or a key's waiters.
    #[error("{0}")]
    Overloaded(&'static str),
    /// This program panicked during the fetch.
    #[error("the fetch ended by a panic; the log has its message")]
    Panicked,
    /// The extension is shutting down.
    #[error("the extension is shutting down")]
    Stopping,
    /// The actor that held this caller ended before it could answer.
    #[error("the fetch was abandoned")]
    Abandoned,
}

impl FetchError {
    /// A request's own deadline came before the answer; the fetch may still go on.
    pub fn deadline_passed(upstream: UpstreamKind, deadline: Duration) -> Self {
        let hint = "the request's deadline came first";
        Self::Timeout { upstream, after: deadline, hint }
    }

    /// Whether the upstream refused the value itself: then a kept one must not be given any more.
    /// Every other failure passes, and an old value is better than none.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Upstream { kind: UpstreamErrorKind::Refusal, .. })
    }

    /// Whether the service throttled.
    pub fn is_throttling(&self) -> bool {
        matches!(self, Self::Upstream { kind: UpstreamErrorKind::Throttling { .. }, .. })
    }

    /// Whether the failure is this program's own: the service was not asked, or there is a bug. It
    /// says nothing about the service, so it is neither remembered nor an outage.
    pub fn is_our_own(&self) -> bool {
        match self {
            Self::Queued { .. }
            | Self::Overloaded(_)
            | Self::Panicked
            | Self::Stopping
            | Self::Abandoned => true,
            Self::Upstream { .. } | Self::Timeout { .. } | Self::Dispatch { .. } => false,
        }
    }

    /// Whether the connection brought no answer: a freeze may have cut it.
    pub(super) fn is_without_an_answer(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Dispatch { .. })
    }

    /// The same, with what to do about a service that throttles for longer than a fetch may take.
    pub(super) fn with_advice(self, upstream: UpstreamKind) -> Self {
        match self {
            Self::Upstream { code, message, kind } => {
                let advice = match upstream {
                    UpstreamKind::SecretsManager => MORE_SECRETS,
                    UpstreamKind::ParameterStore => MORE_PARAMETERS,
                };
                Self::Upstream { code, message: format!("{message} ({advice})"), kind }
            }
            other => other,
        }
    }

    /// The bytes of the texts that it holds.
    pub fn text_len(&self) -> usize {
        match self {
            Self::Upstream { code, message, .. } => code.len() + message.len(),
            Self::Dispatch { reason } => reason.len(),
            Self::Timeout { .. }
            | Self::Queued { .. }
            | Self::Overloaded(_)
            | Self::Panicked
            | Self::Stopping
            | Self::Abandoned => 0,
        }
    }

    /// The code clients see in `X-Amzn-ErrorType`.
    pub fn code(&self) -> &str {
        match self {
            Self::Upstream { code, .. } => code,
            Self::Timeout { .. } | Self::Queued { .. } => "RequestTimeout",
            Self::Dispatch { .. } => "DispatchFailure",
            Self::Overloaded(_) => "Overloaded",
            Self::Panicked | Self::Abandoned => "InternalFailure",
            Self::Stopping => "ServiceUnavailable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(kind: UpstreamErrorKind) -> FetchError {
        FetchError::Upstream { code: "Code".into(), message: "its words".into(), kind }
    }

    /// Every variant, and whether it is a refusal, throttling, our own, without an answer.
    fn kinds() -> Vec<(FetchError, [bool; 4])> {
        let (upstream_kind, after) = (UpstreamKind::SecretsManager, Duration::from_secs(1));
        let throttling = UpstreamErrorKind::Throttling { retry_after: None };
        vec![
            (upstream(UpstreamErrorKind::Refusal), [true, false, false, false]),
            (upstream(throttling), [false, true, false, false]),
            (upstream(UpstreamErrorKind::Passing), [false, false, false, false]),
            (
                FetchError::Timeout { upstream: upstream_kind, after, hint: "" },
                [false, false, false, true],
            ),
            (FetchError::Dispatch { reason: "no route".into() }, [false, false, false, true]),
            (FetchError::Queued { upstream: upstream_kind, after }, [false, false, true, false]),
            (FetchError::Overloaded("full"), [false, false, true, false]),
            (FetchError::Panicked, [false, false, true, false]),
            (FetchError::Stopping, [false, false, true, false]),
            (FetchError::Abandoned, [false, false, true, false]),
        ]
    }

    #[test]
    fn each_error_says_what_it_means_for_the_value_and_for_the_service() {
        for (error, expected) in kinds() {
            let said = [
                error.is_refusal(),
                error.is_throttling(),
                error.is_our_own(),
                error.is_without_an_answer(),
            ];
            assert_eq!(said, expected, "{error:?}");
        }
    }

    #[test]
    fn the_texts_of_an_error_are_counted() {
        assert_eq!(
            upstream(UpstreamErrorKind::Passing).text_len(),
            "Code".len() + "its words".len()
        );
        assert_eq!(FetchError::Dispatch { reason: "no route".into() }.text_len(), "no route".len());
        assert_eq!(FetchError::Panicked.text_len(), 0);
    }

    #[test]
    fn advice_follows_the_services_words_and_names_its_own_settings() {
        let advised = |kind| upstream(UpstreamErrorKind::Passing).with_advice(kind).to_string();
        assert!(advised(UpstreamKind::SecretsManager).starts_with("its words ("));
        assert!(advised(UpstreamKind::SecretsManager).contains("SECRETS_MANAGER_TTL"));
        assert!(advised(UpstreamKind::ParameterStore).contains("BATCH_PARAMETERS"));
    }
}
