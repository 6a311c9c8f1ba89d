//! The life of the extension as Lambda sees it: register, `next`, INVOKE, SHUTDOWN.
//!
//! This module owns the conversation with the Extensions API, from the register request, which is sent
//! before any runtime exists ([`send_register`]), to the SHUTDOWN event. [`LifecycleActor`] holds it, and
//! [`Lifecycle`] tells how far it has come. It promises that no work stands between an event and the
//! following `next`: Lambda holds the function for exactly that long. It knows nothing of caches and
//! HTTP, and neither starts nor ends anything else: that is for [`extension`](crate::extension).
//!
//! The facts about the API are from AWS's documentation of it ("Using the Lambda Extensions API to
//! create extensions") unless a line says otherwise.

mod actor;
mod answer;
mod api;
mod client;
mod error;
mod event;
mod name;
mod progress;
mod register;
mod report;

pub use actor::LifecycleActor;
pub use api::{Call, Events, ExtensionId, RegisteredFunction, Registration};
pub use client::{ExtensionsClient, report_exit_error};
pub use error::{LifecycleError, SharedLifecycleError};
pub use event::{Event, ShutdownReason};
pub use name::ExtensionName;
pub use progress::Lifecycle;
pub use register::{PendingRegistration, report_init_error, send_register};
pub use report::{ErrorReport, ErrorType};
