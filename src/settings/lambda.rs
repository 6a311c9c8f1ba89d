//! What Lambda tells an extension about itself.

use std::fmt;

use crate::settings::variables::Variables;

/// What is set on Lambda alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LambdaSettings {
    /// `AWS_LAMBDA_RUNTIME_API`: where the Extensions API listens.
    pub runtime_api: RuntimeApi,
    /// `AWS_LAMBDA_INITIALIZATION_TYPE`; on demand if absent.
    pub initialization_type: InitializationType,
}

impl LambdaSettings {
    /// `None` outside Lambda.
    pub(super) fn read(variables: &Variables) -> Option<Self> {
        let runtime_api = RuntimeApi(variables.get("AWS_LAMBDA_RUNTIME_API")?);
        let initialization_type = match variables.get("AWS_LAMBDA_INITIALIZATION_TYPE") {
            Some(text) => InitializationType::from(text),
            None => InitializationType::OnDemand,
        };
        Some(Self { runtime_api, initialization_type })
    }
}

/// The address of Lambda's Runtime and Extensions APIs: `host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeApi(String);

impl RuntimeApi {
    /// Takes `host:port`, without a scheme.
    pub fn new(host_and_port: impl Into<String>) -> Self {
        Self(host_and_port.into())
    }

    /// The address, as it stands in a `Host` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuntimeApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How Lambda created this environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitializationType {
    /// For an invocation that waits for it.
    OnDemand,
    /// Ahead of time.
    ProvisionedConcurrency,
    /// To be frozen and restored, maybe hours later.
    SnapStart,
    /// On an instance that runs several invocations at once; only SHUTDOWN may be registered for.
    ManagedInstances,
    /// A way that did not exist when this was written.
    Other(String),
}

impl From<String> for InitializationType {
    fn from(text: String) -> Self {
        match text.as_str() {
            "on-demand" => Self::OnDemand,
            "provisioned-concurrency" => Self::ProvisionedConcurrency,
            "snap-start" => Self::SnapStart,
            "lambda-managed-instances" => Self::ManagedInstances,
            _ => Self::Other(text),
        }
    }
}
