//! Marks a call as this extension's, for AWS and for readers of CloudTrail.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextMut},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

const USER_AGENT: &str = "user-agent";

/// Adds a token of the official extension's form to the SDK's user agent:
/// `secretsmanager.ExtensionUserAgent/parameters-secrets-extension/0.1.0`.
#[derive(Debug)]
pub(super) struct ExtensionUserAgent {
    token: String,
}

impl ExtensionUserAgent {
    /// `service` as the SDK abbreviates it: `secretsmanager` or `ssm`.
    pub(super) fn new(service: &str) -> Self {
        let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self { token: format!("{service}.ExtensionUserAgent/{name}/{version}") }
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for ExtensionUserAgent {
    fn name(&self) -> &'static str {
        "ExtensionUserAgent"
    }

    // After signing: the signature does not cover this header, and the SDK has written its own
    // part.
    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        let whole = match headers.get(USER_AGENT) {
            Some(sdk) => format!("{sdk} {}", self.token),
            None => self.token.clone(),
        };
        headers.try_insert(USER_AGENT, whole)?;
        Ok(())
    }
}
