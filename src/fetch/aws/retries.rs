//! Which failures the SDK tries again, and which are left to the lane.

use std::fmt;

use aws_smithy_runtime_api::client::{
    interceptors::context::{Error, InterceptorContext},
    retries::classifiers::{ClassifyRetry, RetryAction},
};

use crate::fetch::aws::sdk_error::is_throttling;

/// Forbids the SDK to repeat what is repeated elsewhere: an attempt to connect that took too long
/// (`connecting_again`), and a throttled call, which its lane repeats, because the lane knows how
/// many fetches wait.
pub(super) struct LeftToTheLane {
    /// Throttling is the SDK's own in adaptive mode: its rate limiter learns from it.
    pub(super) throttling: bool,
    /// The code of an operation's error, as the service wrote it.
    pub(super) code_of: fn(&Error) -> Option<&str>,
}

impl fmt::Debug for LeftToTheLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeftToTheLane")
    }
}

impl ClassifyRetry for LeftToTheLane {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else {
            return RetryAction::NoActionIndicated;
        };
        let is_slow_to_connect =
            error.as_connector_error().is_some_and(|connector| connector.is_timeout());
        let status = context.response().map_or(0, |response| response.status().as_u16());
        let code = error.as_operation_error().and_then(self.code_of).unwrap_or_default();
        if is_slow_to_connect || self.throttling && is_throttling(status, code) {
            RetryAction::RetryForbidden
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "LeftToTheLane"
    }
}
