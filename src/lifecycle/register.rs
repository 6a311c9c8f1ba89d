//! The early register: the request leaves before any runtime exists, the answer is read later.
//!
//! Lambda starts the function's runtime as soon as every extension has registered, so the register
//! request is what a cold start waits for. Sent over a plain blocking socket as the first thing in
//! `main`, it leaves half a millisecond sooner than from async code, and the runtime is built while
//! Lambda answers.

use std::{
    io::{self, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use tokio::{io::AsyncWriteExt, time::timeout};

use crate::{
    lifecycle::{
        answer::{self, Answer},
        api::{CONNECT_TIMEOUT, Call, Events, ExtensionId, Registration},
        client::ExtensionsClient,
        error::LifecycleError,
        name::ExtensionName,
        report::{ErrorReport, refused},
    },
    log::debug,
    settings::RuntimeApi,
};

/// Lambda ends INIT after 10 s; an answer later than that is none.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A register request that is on its way: the socket, and what was asked over it.
#[derive(Debug)]
pub struct PendingRegistration {
    socket: TcpStream,
    runtime_api: RuntimeApi,
    name: ExtensionName,
    events: Events,
}

/// Connects and sends the register request. Needs no runtime.
///
/// Blocks for at most one second per address of `runtime_api` (on Lambda it is one literal
/// address), and not for the answer.
pub fn send_register(
    runtime_api: RuntimeApi,
    name: ExtensionName,
    events: Events,
) -> Result<PendingRegistration, LifecycleError> {
    let send = || {
        let mut socket = connect(&runtime_api)?;
        // Some 300 bytes: they fit into an empty socket buffer, so this cannot block.
        socket.write_all(register_request(&runtime_api, &name, events).as_bytes())?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    match send() {
        Ok(socket) => Ok(PendingRegistration { socket, runtime_api, name, events }),
        Err(cause) => Err(LifecycleError::Connect { runtime_api, cause }),
    }
}

fn connect(runtime_api: &RuntimeApi) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in runtime_api.as_str().to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn register_request(runtime_api: &RuntimeApi, name: &ExtensionName, events: Events) -> String {
    let body = events.register_body();
    format!(
        "POST {path} HTTP/1.1\r\n\
         Host: {runtime_api}\r\n\
         Lambda-Extension-Name: {name}\r\n\
         Lambda-Extension-Accept-Feature: accountId\r\n\
         Content-Type: application/json\r\n\
         Content-Length: {length}\r\n\
         \r\n\
         {body}",
        path = Call::Register.path(),
        name = name.as_str(),
        length = body.len(),
    )
}

impl PendingRegistration {
    /// Waits for the answer; needs an actix System. Gives the registration, and a client for the
    /// further calls that goes on over the same connection.
    ///
    /// If the answer refuses INVOKE, registers again for SHUTDOWN alone: managed instances allow no
    /// more, and nothing here depends on INVOKE.
    pub async fn answer(self) -> Result<(Registration, ExtensionsClient), LifecycleError> {
        let Self { socket, runtime_api, name, events } = self;
        let socket = tokio::net::TcpStream::from_std(socket).map_err(broken)?;
        match accepted(socket, &runtime_api, events).await {
            Err(error) if events != Events::ShutdownOnly && error.refuses_event_type() => {
                debug!(%error, "registering again, for SHUTDOWN alone");
                let events = Events::ShutdownOnly;
                let connect = tokio::net::TcpStream::connect(runtime_api.as_str());
                let mut socket = within(CONNECT_TIMEOUT, async {
                    connect.await.map_err(|cause| LifecycleError::Connect {
                        runtime_api: runtime_api.clone(),
                        cause,
                    })
                })
                .await?;
                let request = register_request(&runtime_api, &name, events);
                socket.write_all(request.as_bytes()).await.map_err(broken)?;
                accepted(socket, &runtime_api, events).await
            }
            outcome => outcome,
        }
    }
}

/// Reads one register answer from `socket` and judges it.
async fn accepted(
    mut socket: tokio::net::TcpStream,
    runtime_api: &RuntimeApi,
    events: Events,
) -> Result<(Registration, ExtensionsClient), LifecycleError> {
    let answer = within(ANSWER_TIMEOUT, answer::read(&mut socket)).await?;
    let registration = judge(&answer, events)?;
    let mut client = ExtensionsClient::new(runtime_api.clone(), registration.extension_id.clone());
    if answer.reusable {
        client.go_on_over(socket).await;
    }
    Ok((registration, client))
}

fn judge(answer: &Answer, events: Events) -> Result<Registration, LifecycleError> {
    if !(200..300).contains(&answer.status) {
        return Err(refused(Call::Register, answer.status, &answer.body));
    }
    let malformed = |reason: String| LifecycleError::Malformed { call: Call::Register, reason };
    let extension_id = answer
        .identifier
        .as_deref()
        .and_then(ExtensionId::new)
        .ok_or_else(|| malformed("it has no Lambda-Extension-Identifier".into()))?;
    let function = if answer.body.is_empty() {
        Default::default()
    } else {
        serde_json::from_slice(&answer.body).map_err(|error| malformed(error.to_string()))?
    };
    Ok(Registration { extension_id, events, function })
}

async fn within<T>(
    after: Duration,
    step: impl Future<Output = Result<T, LifecycleError>>,
) -> Result<T, LifecycleError> {
    timeout(after, step)
        .await
        .unwrap_or(Err(LifecycleError::NoAnswer { call: Call::Register, after }))
}

fn broken(cause: io::Error) -> LifecycleError {
    LifecycleError::Connection { call: Call::Register, cause }
}

/// Tells Lambda that initialising failed, when the port is taken for instance. Waits for the
/// registration first: the report needs the identifier. The process should exit afterwards.
pub async fn report_init_error(
    pending: PendingRegistration,
    report: &ErrorReport,
) -> Result<(), LifecycleError> {
    let (_registration, mut client) = pending.answer().await?;
    client.report(Call::InitError, report).await
}
