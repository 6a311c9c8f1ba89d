//! Errors of the Extensions API. All readers share one value.

use std::{io, sync::Arc, time::Duration};

use crate::{lifecycle::api::Call, settings::RuntimeApi};

/// What every wait for the Extensions API ends with once it has failed; all readers share it.
pub type SharedLifecycleError = Arc<LifecycleError>;

/// Why a call of the Extensions API failed. The text names every cause, because it becomes one line
/// of the log.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// The name of the executable is missing, or cannot be the value of a header.
    #[error("`{0}` cannot be an extension's name: it takes visible characters, 1 to 128 of them")]
    InvalidName(String),
    /// No connection could be made.
    #[error("no connection to the Extensions API at {runtime_api}: {cause}")]
    Connect {
        /// The address that was tried.
        runtime_api: RuntimeApi,
        /// The socket's error.
        cause: io::Error,
    },
    /// The connection broke before the answer was complete.
    #[error("the connection broke during {call}: {cause}")]
    Connection {
        /// The call that was open.
        call: Call,
        /// The connection's error.
        cause: io::Error,
    },
    /// The answer cannot be read.
    #[error("the answer to {call} is malformed: {reason}")]
    Malformed {
        /// The call that was answered.
        call: Call,
        /// What is wrong with it.
        reason: String,
    },
    /// No answer came in time. [`Call::Next`] has no time-out.
    #[error("no answer to {call} within {} ms", after.as_millis())]
    NoAnswer {
        /// The call that was not answered.
        call: Call,
        /// The time-out.
        after: Duration,
    },
    /// The API answered with an error, which is final.
    #[error("{call} was refused with {status} {error_type}: {message}")]
    Refused {
        /// The call that was refused.
        call: Call,
        /// The HTTP status.
        status: u16,
        /// The API's `errorType`.
        error_type: String,
        /// The API's `errorMessage`.
        message: String,
    },
    /// The connection failed, and every attempt to replace it as well.
    #[error("gave up on {call} after {attempts} attempts: {cause}")]
    GaveUp {
        /// The call that was tried.
        call: Call,
        /// How often it was tried.
        attempts: u32,
        /// The error of the last attempt.
        cause: Box<LifecycleError>,
    },
    /// The actor that calls the API has died.
    #[error("the lifecycle actor has died; its panic is logged above")]
    Abandoned,
}

impl LifecycleError {
    /// Whether another attempt on a new connection can help. A refusal is final.
    pub(super) fn is_worth_another_attempt(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Connection { .. } | Self::Malformed { .. })
    }

    /// Whether the API refused the events that were asked for. AWS's emulator and its managed
    /// instances say `Extension.InvalidEventType`; older descriptions have it without the prefix.
    pub(super) fn refuses_event_type(&self) -> bool {
        matches!(self, Self::Refused { error_type, .. }
            if error_type.rsplit('.').next() == Some("InvalidEventType"))
    }
}
