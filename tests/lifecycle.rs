//! The conversation with the Extensions API, against a fake of it.
//!
//! Tests in which no timer matters run on real time and never sleep. Those in which one does pause
//! the clock: tokio then fires the next timer as soon as nothing on the thread can run. Sockets on
//! this machine deliver at once and every task here is local, so that is never in the middle of an
//! exchange.

mod conversation;
mod failure;
mod register;

use actix::{Actor, Addr};
use parameters_secrets_extension::lifecycle::{
    AwaitRegistered, AwaitShutdown, Events, ExtensionName, LifecycleActor, PendingRegistration,
    Registration, SharedLifecycleError, ShutdownReason, send_register,
};

use crate::support::{extensions_api::FakeExtensionsApi, soon};

fn name() -> ExtensionName {
    ExtensionName::of_executable("/opt/extensions/parameters-secrets-extension".as_ref()).unwrap()
}

fn send(api: &FakeExtensionsApi) -> PendingRegistration {
    send_register(api.runtime_api(), name(), Events::InvokeAndShutdown).unwrap()
}

fn start(api: &FakeExtensionsApi) -> Addr<LifecycleActor> {
    LifecycleActor::new(send(api)).start()
}

async fn registered(
    lifecycle: &Addr<LifecycleActor>,
) -> Result<Registration, SharedLifecycleError> {
    soon(lifecycle.send(AwaitRegistered)).await.unwrap()
}

async fn shut_down(
    lifecycle: &Addr<LifecycleActor>,
) -> Result<ShutdownReason, SharedLifecycleError> {
    soon(lifecycle.send(AwaitShutdown)).await.unwrap()
}

/// Lets everything that can run, run.
async fn let_others_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
