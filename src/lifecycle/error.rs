//! Why the conversation with the Extensions API failed. One value, shared by every reader.

use std::{io, sync::Arc, time::Duration};

use crate::{lifecycle::api::Call, settings::RuntimeApi};

/// What waiting for the Extensions API ends with when it fails; all readers share one.
pub type SharedLifecycleError = Arc<LifecycleError>;

/// Why the conversation with the Extensions API failed. The text names every cause: it ends as one line
/// of the log.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// The name of the executable cannot stand in a header, or there is none.
    #[error("`{0}` cannot be an extension's name: it takes visible characters, 1 to 128 of them")]
    InvalidName(String),
    /// No connection could be made.
    #[error("no connection to the Extensions API at {runtime_api}: {cause}")]
    Connect {
        /// Where it was looked for.
        runtime_api: RuntimeApi,
        /// What the socket said.
        cause: io::Error,
    },
    /// The connection was there and broke before the answer was complete.
    #[error("the connection broke during {call}: {cause}")]
    Connection {
        /// The call that was open.
        call: Call,
        /// What broke it.
        cause: io::Error,
    },
    /// What came is not an answer to the call.
    #[error("the answer to {call} is malformed: {reason}")]
    Malformed {
        /// The call that was answered.
        call: Call,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing came in the time a call may take; [`Call::Next`] may take for ever.
    #[error("no answer to {call} within {} ms", after.as_millis())]
    NoAnswer {
        /// The call that was not answered.
        call: Call,
        /// How long it was waited for.
        after: Duration,
    },
    /// The API answered with an error of its own: it will not change its mind.
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
        /// How often.
        attempts: u32,
        /// What the last attempt ended with.
        cause: Box<LifecycleError>,
    },
    /// The actor that speaks to the API has died.
    #[error("the lifecycle actor has died; its panic is logged above")]
    Abandoned,
}

impl LifecycleError {
    /// Whether another attempt on a new connection can help. An answer that refuses is final.
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
