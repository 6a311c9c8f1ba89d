//! The lifecycle of the extension in Lambda: register, `next`, INVOKE, SHUTDOWN.
//!
//! Owns the calls of the Extensions API, from the register request, which is sent before any
//! runtime exists ([`send_register`]), to the SHUTDOWN event. [`LifecycleActor`] makes them, and
//! [`Lifecycle`] reports its progress. Promises that no work is done between an event and the
//! following `next`: Lambda holds the function for exactly that long. Knows nothing of the cache or
//! of the HTTP server, and starts and ends nothing else: [`extension`](crate::extension) does.
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
pub(crate) use register::read_registration;
pub use register::{PendingRegistration, report_init_error, send_register};
pub use report::{ErrorReport, ErrorType};
