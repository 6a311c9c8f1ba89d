//! Events: what `next` answers.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer};

/// What `next` answers with. Only the type is required: an event whose details Lambda left out or
/// renamed is still that event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "eventType")]
pub enum Event {
    /// The function is being invoked, at this very moment.
    #[serde(rename = "INVOKE", rename_all = "camelCase")]
    Invoke {
        /// The invocation's identifier, as the function sees it.
        #[serde(default)]
        request_id: String,
        /// When the function times out.
        #[serde(default, rename = "deadlineMs", deserialize_with = "epoch_milliseconds")]
        deadline: Option<SystemTime>,
    },
    /// The environment ends; about 2 s are left.
    #[serde(rename = "SHUTDOWN", rename_all = "camelCase")]
    Shutdown {
        /// Why it ends.
        #[serde(default)]
        shutdown_reason: ShutdownReason,
        /// When it is killed.
        #[serde(default, rename = "deadlineMs", deserialize_with = "epoch_milliseconds")]
        deadline: Option<SystemTime>,
    },
    /// A type that this program does not know: AWS may add some.
    #[serde(other)]
    Unknown,
}

/// Why the environment ends.
///
/// AWS documents three; its emulator sends `SandboxTerminated` and `ReleaseFail` as well. Nothing
/// depends on which one it is, so none is an error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum ShutdownReason {
    /// The environment has been idle, or Lambda wants a new one.
    Spindown,
    /// The function ran into its time-out.
    Timeout,
    /// The runtime or an extension failed.
    Failure,
    /// Any other, in Lambda's words.
    Other(String),
}

impl Default for ShutdownReason {
    fn default() -> Self {
        Self::Other("unspecified".into())
    }
}

impl From<String> for ShutdownReason {
    /// Letter case does not count: the documentation and the emulator differ in it.
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

/// Milliseconds since 1970; none when they lie past what a clock can show.
fn epoch_milliseconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SystemTime>, D::Error> {
    let since_epoch = Duration::from_millis(u64::deserialize(from)?);
    Ok(SystemTime::UNIX_EPOCH.checked_add(since_epoch))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Event, ShutdownReason};

    fn event(json: &str) -> Event {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_invoke_has_its_request_id_and_its_deadline() {
        assert_eq!(
            event(
                r#"{"eventType":"INVOKE","deadlineMs":1500,"requestId":"r-1","invokedFunctionArn":"arn"}"#
            ),
            Event::Invoke {
                request_id: "r-1".into(),
                deadline: Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1500)),
            }
        );
    }

    #[test]
    fn a_reason_is_known_in_any_letter_case_and_kept_when_unknown() {
        for (word, reason) in [
            ("spindown", ShutdownReason::Spindown),
            ("Timeout", ShutdownReason::Timeout),
            ("FAILURE", ShutdownReason::Failure),
            ("SandboxTerminated", ShutdownReason::Other("SandboxTerminated".into())),
        ] {
            assert_eq!(ShutdownReason::from(word.to_owned()), reason);
        }
    }

    #[test]
    fn an_event_without_its_details_is_still_that_event() {
        assert_eq!(
            event(r#"{"eventType":"SHUTDOWN"}"#),
            Event::Shutdown { shutdown_reason: ShutdownReason::default(), deadline: None }
        );
    }

    #[test]
    fn an_unknown_type_is_an_event_too() {
        assert_eq!(event(r#"{"eventType":"SNAPSHOT","deadlineMs":[]}"#), Event::Unknown);
    }
}
