//! The vocabulary of the Extensions API: identifiers, calls, events, and what registering returns.

use std::{fmt, time::Duration};

use serde::Deserialize;

use crate::settings::InitializationType;

/// The API is on the same machine: a connection takes microseconds or never comes.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Identifies the extension: every call after register carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionId(String);

impl ExtensionId {
    /// `None` if it cannot be the value of a header.
    pub(super) fn new(id: &str) -> Option<Self> {
        is_header_safe(id).then(|| Self(id.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExtensionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A call of the Extensions API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Names the events that are wanted, and returns the identifier.
    Register,
    /// Waits for the next event.
    Next,
    /// Reports that initialisation failed; the extension exits afterwards.
    InitError,
    /// Reports that the extension failed and exits.
    ExitError,
}

impl Call {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Register => "/2020-01-01/extension/register",
            Self::Next => "/2020-01-01/extension/event/next",
            Self::InitError => "/2020-01-01/extension/init/error",
            Self::ExitError => "/2020-01-01/extension/exit/error",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Register => "register",
            Self::Next => "next",
            Self::InitError => "init/error",
            Self::ExitError => "exit/error",
        })
    }
}

/// The events an extension registers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// INVOKE and SHUTDOWN.
    InvokeAndShutdown,
    /// SHUTDOWN alone, which is all that Lambda Managed Instances allow.
    ShutdownOnly,
}

impl Events {
    /// The events that an extension may register for in an environment of this type.
    pub fn for_initialization_type(initialization_type: &InitializationType) -> Self {
        match initialization_type {
            InitializationType::ManagedInstances => Self::ShutdownOnly,
            _ => Self::InvokeAndShutdown,
        }
    }

    /// The body of the register request.
    pub(super) fn register_body(self) -> &'static str {
        match self {
            Self::InvokeAndShutdown => r#"{"events":["INVOKE","SHUTDOWN"]}"#,
            Self::ShutdownOnly => r#"{"events":["SHUTDOWN"]}"#,
        }
    }
}

/// What Lambda answered to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The identifier for all further calls.
    pub extension_id: ExtensionId,
    /// The events that were granted.
    pub events: Events,
    /// The function this environment runs.
    pub function: RegisteredFunction,
}

/// The function this environment runs, as the register answer tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RegisteredFunction {
    /// Its name.
    pub function_name: String,
}

/// Whether a text can be the value of a header: visible ASCII, and not empty.
pub(super) fn is_header_safe(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
