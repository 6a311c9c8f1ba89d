//! The conversation with the Extensions API, against a fake of it.
//!
//! Tests in which no timer matters run on real time and never sleep. Those in which one does pause
//! the clock: tokio then fires the next timer as soon as nothing on the thread can run. Sockets on
//! this machine deliver at once and every task here is local, so that is never in the middle of an
//! exchange.

mod conversation;
mod failure;
mod register;

use parameters_secrets_extension::lifecycle::{
    Events, ExtensionName, Lifecycle, LifecycleActor, PendingRegistration, Registration,
    SharedLifecycleError, ShutdownReason, send_register,
};

use crate::support::{extensions_api::FakeExtensionsApi, soon};

fn name() -> ExtensionName {
    ExtensionName::of_executable("/opt/extensions/parameters-secrets-extension".as_ref()).unwrap()
}

fn send(api: &FakeExtensionsApi) -> PendingRegistration {
    send_register(api.runtime_api(), name(), Events::InvokeAndShutdown).unwrap()
}

fn start(api: &FakeExtensionsApi) -> Lifecycle {
    LifecycleActor::start_from(send(api))
}

async fn registered(lifecycle: &Lifecycle) -> Result<Registration, SharedLifecycleError> {
    soon(lifecycle.clone().registered()).await
}

async fn shut_down(lifecycle: &Lifecycle) -> Result<ShutdownReason, SharedLifecycleError> {
    soon(lifecycle.clone().shutdown()).await
}

/// Lets everything that can run, run.
async fn let_others_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
