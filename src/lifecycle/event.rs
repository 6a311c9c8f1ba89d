//! Events: what `next` answers.

use std::fmt;

use serde::Deserialize;

/// An event, as `next` answers it.
///
/// `eventType` alone decides which event it is: a detail that is absent or of another type does not
/// change it. Deadlines are not read, because nothing depends on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An invocation of the function begins.
    Invoke {
        /// The invocation's identifier, as the function sees it; empty if it is absent or not a
        /// text.
        request_id: String,
    },
    /// The environment ends; about 2 s are left.
    Shutdown {
        /// Why it ends.
        reason: ShutdownReason,
    },
    /// A type that this program does not know: AWS may add some.
    Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventType {
    event_type: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvokeDetails {
    request_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShutdownDetails {
    shutdown_reason: String,
}

impl Event {
    /// Reads the body of an answer to `next`.
    pub(crate) fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        let EventType { event_type } = serde_json::from_slice(body)?;
        Ok(match event_type.as_str() {
            "INVOKE" => {
                let InvokeDetails { request_id } = serde_json::from_slice(body).unwrap_or_default();
                Self::Invoke { request_id }
            }
            "SHUTDOWN" => {
                let details = serde_json::from_slice(body);
                let reason = details.map(|details: ShutdownDetails| details.shutdown_reason.into());
                Self::Shutdown { reason: reason.unwrap_or_default() }
            }
            _ => Self::Unknown,
        })
    }
}

/// Why the environment ends.
///
/// AWS documents three; its emulator sends `SandboxTerminated` and `ReleaseFail` as well. Nothing
/// depends on the reason, so an unknown one is not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShutdownReason {
    /// The environment has been idle, or Lambda wants a new one.
    Spindown,
    /// The function ran into its time-out.
    Timeout,
    /// The runtime or an extension failed.
    Failure,
    /// Any other reason, as Lambda writes it.
    Other(String),
}

impl Default for ShutdownReason {
    fn default() -> Self {
        Self::Other("unspecified".into())
    }
}

impl From<String> for ShutdownReason {
    /// Ignores letter case, in which the documentation and the emulator differ.
    fn from(reason: String) -> Self {
        match reason.to_ascii_lowercase().as_str() {
            "spindown" => Self::Spindown,
            "timeout" => Self::Timeout,
            "failure" => Self::Failure,
            _ => Self::Other(reason),
        }
    }
}

impl fmt::Display for ShutdownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spindown => "spindown",
            Self::Timeout => "timeout",
            Self::Failure => "failure",
            Self::Other(reason) => reason,
        })
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
