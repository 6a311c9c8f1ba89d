//! Registers early: the request is sent before any runtime exists, and its answer is read later.
//!
//! Lambda starts the function's runtime as soon as every extension has registered, so a cold start
//! waits for the register request. Sent over a plain blocking socket, right after the port is
//! bound, it leaves half a millisecond sooner than from async code, and the runtime is built while
//! Lambda answers.

use std::{
    io::{self, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWriteExt},
    time::timeout,
};

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

/// Lambda ends INIT after 10 s, so a later answer is of no use.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A register request that has been sent: its socket, and what it asks for.
#[derive(Debug)]
pub struct PendingRegistration {
    socket: TcpStream,
    runtime_api: RuntimeApi,
    name: ExtensionName,
    events: Events,
}

/// Connects and sends the register request. Needs no runtime.
///
/// Blocks for at most one second for each address of `runtime_api`, which is one literal address on
/// Lambda. Does not wait for the answer.
///
/// # Errors
///
/// No connection, or one that breaks while the request is sent.
pub fn send_register(
    runtime_api: RuntimeApi,
    name: ExtensionName,
    events: Events,
) -> Result<PendingRegistration, LifecycleError> {
    let send = || {
        let mut socket = connect(&runtime_api)?;
        // Some 200 bytes: they fit into an empty socket buffer, so this cannot block.
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
    /// Waits for the answer; needs an actix System. Returns the registration, and a client that
    /// makes the further calls over the same connection.
    ///
    /// If the answer refuses INVOKE, registers again for SHUTDOWN alone: managed instances allow no
    /// more, and nothing here depends on INVOKE.
    ///
    /// # Errors
    ///
    /// The connection breaks, or Lambda refuses, does not answer within ten seconds, or answers
    /// what cannot be read.
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

/// Waits for a register answer on `socket`; the connection goes on with the client if it can.
async fn accepted(
    mut socket: tokio::net::TcpStream,
    runtime_api: &RuntimeApi,
    events: Events,
) -> Result<(Registration, ExtensionsClient), LifecycleError> {
    let (registration, is_reusable) =
        within(ANSWER_TIMEOUT, read_registration(&mut socket, events)).await?;
    let mut client = ExtensionsClient::new(runtime_api.clone(), registration.extension_id.clone());
    if is_reusable {
        client.go_on_over(socket).await;
    }
    Ok((registration, client))
}

/// Reads one register answer; whether its connection can be used again.
pub(crate) async fn read_registration(
    from: &mut (impl AsyncRead + Unpin),
    events: Events,
) -> Result<(Registration, bool), LifecycleError> {
    let answer = answer::read(from).await?;
    Ok((judge(&answer, events)?, answer.reusable))
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

/// Reports to Lambda that initialisation failed, for instance because the port is taken. Waits for
/// the register answer first, because the report needs the identifier. The process should exit
/// afterwards.
///
/// # Errors
///
/// Registering has failed, or the report: Lambda refuses it, or does not answer within a second.
pub async fn report_init_error(
    pending: PendingRegistration,
    report: &ErrorReport,
) -> Result<(), LifecycleError> {
    let (_registration, mut client) = pending.answer().await?;
    client.report(Call::InitError, report).await
}
