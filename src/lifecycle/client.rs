//! The calls after register: `next`, `init/error`, `exit/error`, over one kept connection.

use std::{io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, client::conn::http1::SendRequest, header};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    task::spawn_local,
    time::{sleep, timeout},
};

use crate::{
    clock::{Clock, SystemClock},
    lifecycle::{
        api::{CONNECT_TIMEOUT, Call, ExtensionId},
        error::LifecycleError,
        event::Event,
        report::{ErrorReport, refused},
    },
    log::debug,
    settings::RuntimeApi,
};

/// The limit of an answer's body, in bytes. Events are far shorter: an INVOKE event does not carry
/// the payload.
const BODY_LIMIT: usize = 64 * 1024;

/// Attempts at one `next` whose connection keeps failing. With the pauses between them, 150 ms:
/// longer than a thaw needs, shorter than a caller of the function notices.
const MAX_ATTEMPTS: u32 = 5;
/// The pause before the second attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// A call that was open for this long counts as a success: if it then fails, or its answer cannot
/// be read, that is the first failure and not one more.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// How long a report may take: the process is about to exit, and Lambda kills it after 2 s.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

/// Calls the Extensions API as one registered extension. Needs a `LocalSet`, which every actix
/// System has.
#[derive(Debug)]
pub struct ExtensionsClient {
    runtime_api: RuntimeApi,
    extension_id: ExtensionId,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl ExtensionsClient {
    /// A client that connects at its first call.
    pub fn new(runtime_api: RuntimeApi, extension_id: ExtensionId) -> Self {
        Self { runtime_api, extension_id, connection: None }
    }

    /// Uses a connection that is open already. If it turns out to be unusable, the first call opens
    /// another one.
    pub(super) async fn go_on_over(&mut self, socket: TcpStream) {
        self.connection = converse(socket).await.ok();
    }

    /// Waits for the next event, without a time-out, as AWS recommends: the environment may be
    /// frozen for hours meanwhile.
    ///
    /// A connection that breaks meanwhile, as it may when the environment thaws, is replaced, and
    /// so is one whose answer cannot be read.
    ///
    /// Dropping the future closes the connection.
    ///
    /// # Errors
    ///
    /// After five failures in short succession the last one, as [`LifecycleError::GaveUp`]; a
    /// refusal at once, because the API documents it as unrecoverable.
    pub async fn next(&mut self) -> Result<Event, LifecycleError> {
        let mut attempts = 0;
        loop {
            let asked = SystemClock.now();
            let error = match self.next_once().await {
                Ok(event) => return Ok(event),
                Err(error) if error.is_worth_another_attempt() => error,
                Err(error) => return Err(error),
            };
            self.connection = None;
            // By both clocks, because only one of them moves during a freeze. A time-out of
            // connecting takes as long, but no call was open then.
            let held = SystemClock.now().age_since(asked).is_some_and(|held| held >= GOOD_FOR);
            if held && !matches!(error, LifecycleError::Connect { .. }) {
                attempts = 0;
            }
            attempts += 1;
            if attempts == MAX_ATTEMPTS {
                let cause = Box::new(error);
                return Err(LifecycleError::GaveUp { call: Call::Next, attempts, cause });
            }
            debug!(%error, attempts, "asking for next again");
            sleep(FIRST_PAUSE * 2_u32.pow(attempts - 1)).await;
        }
    }

    async fn next_once(&mut self) -> Result<Event, LifecycleError> {
        let request = self.request(Method::GET, Call::Next);
        let body = self.call(Call::Next, request, Bytes::new()).await?;
        Event::read(&body).map_err(|error| LifecycleError::Malformed {
            call: Call::Next,
            reason: error.to_string(),
        })
    }

    /// Reports a failure. Makes one attempt, which takes at most a second.
    pub(super) async fn report(
        &mut self,
        call: Call,
        report: &ErrorReport,
    ) -> Result<(), LifecycleError> {
        let malformed = |reason: String| LifecycleError::Malformed { call, reason };
        let body = serde_json::to_vec(report).map_err(|error| malformed(error.to_string()))?;
        let request = self
            .request(Method::POST, call)
            .header("Lambda-Extension-Function-Error-Type", report.error_type.as_str())
            .header(header::CONTENT_TYPE, "application/json");
        match timeout(REPORT_TIMEOUT, self.call(call, request, body.into())).await {
            Ok(outcome) => outcome.map(drop),
            Err(_elapsed) => Err(LifecycleError::NoAnswer { call, after: REPORT_TIMEOUT }),
        }
    }

    fn request(&self, method: Method, call: Call) -> hyper::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(call.path())
            .header(header::HOST, self.runtime_api.as_str())
            .header("Lambda-Extension-Identifier", self.extension_id.as_str())
    }

    /// Sends one request and reads its answer. Waits without a limit: the caller sets the time-out.
    async fn call(
        &mut self,
        call: Call,
        request: hyper::http::request::Builder,
        body: Bytes,
    ) -> Result<Bytes, LifecycleError> {
        let broken = |error: hyper::Error| LifecycleError::Connection {
            call,
            cause: io::Error::other(error),
        };
        let request = request.body(Full::new(body)).map_err(|error| LifecycleError::Malformed {
            call,
            reason: format!("the request could not be built: {error}"),
        })?;
        let connection = self.connected().await?;
        connection.ready().await.map_err(broken)?;
        let response = connection.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), BODY_LIMIT)
            .collect()
            .await
            .map_err(|error| LifecycleError::Connection { call, cause: io::Error::other(error) })?
            .to_bytes();
        if status.is_success() { Ok(body) } else { Err(refused(call, status.as_u16(), &body)) }
    }

    /// The kept connection, or a new one if the API has closed it.
    async fn connected(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, LifecycleError> {
        let kept = self.connection.take().filter(|connection| !connection.is_closed());
        let connection = match kept {
            Some(connection) => connection,
            None => timeout(CONNECT_TIMEOUT, async {
                converse(TcpStream::connect(self.runtime_api.as_str()).await?).await
            })
            .await
            .unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|cause| LifecycleError::Connect {
                runtime_api: self.runtime_api.clone(),
                cause,
            })?,
        };
        Ok(self.connection.insert(connection))
    }
}

/// Starts HTTP on a socket. The task that moves the bytes runs on this thread, and ends with the
/// sender or the connection; if it panics, the open call fails as a broken connection.
async fn converse(socket: TcpStream) -> io::Result<SendRequest<Full<Bytes>>> {
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
        .await
        .map_err(io::Error::other)?;
    spawn_local(async move {
        if let Err(error) = connection.await {
            debug!(%error, "the connection to the Extensions API broke");
        }
    });
    Ok(sender)
}

/// Reports to Lambda that the extension failed after it had registered. Opens a connection of its
/// own, because the kept one is busy with `next`. The process should exit afterwards.
///
/// # Errors
///
/// Lambda cannot be reached, refuses the report, or does not answer within a second.
pub async fn report_exit_error(
    runtime_api: RuntimeApi,
    extension_id: ExtensionId,
    report: &ErrorReport,
) -> Result<(), LifecycleError> {
    ExtensionsClient::new(runtime_api, extension_id).report(Call::ExitError, report).await
}
