//! The life of the extension as Lambda sees it: register, `next`, INVOKE, SHUTDOWN.
//!
//! What this module owns is the conversation with the Extensions API, from the register request
//! that `main` sends before any runtime exists ([`send_register`]) to the SHUTDOWN event that
//! [`LifecycleActor`] hands to whoever asked with [`AwaitShutdown`]. It promises that no work stands
//! between an event and the following `next`: Lambda holds the function for exactly that long. It
//! knows nothing of caches and HTTP, and never ends the process: that is for `main`.
//!
//! The facts about the API are from AWS's documentation of it ("Using the Lambda Extensions API to
//! create extensions") unless a line says otherwise.

mod actor;
mod answer;
mod api;
mod client;
mod error;
mod event;
mod register;
mod report;
mod waiters;

pub use actor::{AwaitInvoked, AwaitRegistered, AwaitShutdown, LifecycleActor};
pub use api::{Call, Events, ExtensionId, ExtensionName, RegisteredFunction, Registration};
pub use client::{ExtensionsClient, report_exit_error};
pub use error::{LifecycleError, SharedLifecycleError};
pub use event::{Event, ShutdownReason};
pub use register::{PendingRegistration, report_init_error, send_register};
pub use report::{ErrorReport, ErrorType};
