//! An Extensions API in the test's own thread, on a port the system gives: it answers as it is told
//! and remembers what it was asked. Dropped, it is gone.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    io,
    rc::Rc,
};

use parameters_secrets_extension::settings::RuntimeApi;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::{JoinHandle, JoinSet, spawn_local, yield_now},
};

use super::soon;

pub const EXTENSION_ID: &str = "b4f9d1a2-0000-4000-8000-000000000001";

/// What one request is answered with.
#[derive(Clone, Debug)]
pub enum Reply {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes, each on its own.
    ByteByByte(Vec<u8>),
    /// These bytes, and the end of the connection.
    ThenClose(Vec<u8>),
    /// The end of the connection.
    Close,
    /// Nothing.
    Never,
}

impl Reply {
    pub fn http(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Bytes(
            format!("HTTP/1.1 {status} x\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
                .into(),
        )
    }

    pub fn registered() -> Self {
        Self::http(
            200,
            &format!("Lambda-Extension-Identifier: {EXTENSION_ID}\r\n"),
            r#"{"functionName":"fn1","functionVersion":"$LATEST","handler":"app.handler"}"#,
        )
    }

    pub fn refused(status: u16, error_type: &str, message: &str) -> Self {
        let body = serde_json::json!({ "errorType": error_type, "errorMessage": message });
        Self::http(status, "", &body.to_string())
    }

    pub fn event(json: &str) -> Self {
        Self::http(200, "Lambda-Extension-Event-Identifier: e-1\r\n", json)
    }

    pub fn invoke(request_id: &str) -> Self {
        Self::event(&format!(
            r#"{{"eventType":"INVOKE","deadlineMs":1700000000000,"requestId":"{request_id}"}}"#
        ))
    }

    pub fn shutdown(reason: &str) -> Self {
        Self::event(&format!(
            r#"{{"eventType":"SHUTDOWN","shutdownReason":"{reason}","deadlineMs":1700000002000}}"#
        ))
    }

    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) | Self::ByteByByte(bytes) | Self::ThenClose(bytes) => bytes,
            Self::Close | Self::Never => Vec::new(),
        }
    }
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The last part of its path: `register`, `next`, `init/error`, `exit/error`.
    pub call: String,
    pub method: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
    /// The number of the connection over which it came, counted from the first.
    pub connection: usize,
}

#[derive(Default)]
struct Script {
    register_replies: RefCell<VecDeque<Reply>>,
    next_replies: RefCell<VecDeque<Reply>>,
    report_reply: RefCell<Option<Reply>>,
    received: RefCell<Vec<Received>>,
    changed: Notify,
}

pub struct FakeExtensionsApi {
    runtime_api: RuntimeApi,
    script: Rc<Script>,
    accepting: JoinHandle<()>,
}

impl FakeExtensionsApi {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let runtime_api = RuntimeApi::new(listener.local_addr().unwrap().to_string());
        let script = Rc::new(Script::default());
        let accepting = spawn_local(accept(listener, script.clone()));
        Self { runtime_api, script, accepting }
    }

    pub fn runtime_api(&self) -> RuntimeApi {
        self.runtime_api.clone()
    }

    /// Answers the next register request so; without this it is accepted.
    pub fn answer_register(&self, reply: Reply) {
        self.script.register_replies.borrow_mut().push_back(reply);
    }

    /// Answers one `next` so; while there is nothing to hand out, `next` waits.
    pub fn hand_out(&self, reply: Reply) {
        self.script.next_replies.borrow_mut().push_back(reply);
        self.script.changed.notify_waiters();
    }

    /// Answers `init/error` and `exit/error` so; without this they are accepted.
    pub fn answer_reports(&self, reply: Reply) {
        *self.script.report_reply.borrow_mut() = Some(reply);
    }

    /// Waits until `count` requests have come, and gives all there are.
    pub async fn received(&self, count: usize) -> Vec<Received> {
        soon(async {
            while self.script.received.borrow().len() < count {
                self.script.changed.notified().await;
            }
        })
        .await;
        self.received_so_far()
    }

    pub fn received_so_far(&self) -> Vec<Received> {
        self.script.received.borrow().clone()
    }

    /// The calls that have come, in order.
    pub fn calls(&self) -> Vec<String> {
        self.received_so_far().into_iter().map(|received| received.call).collect()
    }

    /// Closes everything: from now on connections are refused.
    pub async fn go_away(&mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for FakeExtensionsApi {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, script: Rc<Script>) {
    let mut connections = JoinSet::new(); // dropped with this future, it closes them all
    for number in 1.. {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn_local(converse(stream, script.clone(), number));
    }
}

async fn converse(mut stream: TcpStream, script: Rc<Script>, connection: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer, connection).await? {
        let call = request.call.clone();
        script.received.borrow_mut().push(request);
        script.changed.notify_waiters();
        match script.reply_to(&call).await {
            Reply::Bytes(bytes) => stream.write_all(&bytes).await?,
            Reply::ByteByByte(bytes) => {
                for byte in bytes {
                    stream.write_all(&[byte]).await?;
                    yield_now().await;
                }
            }
            Reply::ThenClose(bytes) => return stream.write_all(&bytes).await,
            Reply::Close => return Ok(()),
            Reply::Never => std::future::pending().await,
        }
    }
    Ok(())
}

impl Script {
    async fn reply_to(&self, call: &str) -> Reply {
        match call {
            "register" => {
                self.register_replies.borrow_mut().pop_front().unwrap_or_else(Reply::registered)
            }
            "next" => loop {
                let reply = self.next_replies.borrow_mut().pop_front();
                match reply {
                    Some(reply) => break reply,
                    None => self.changed.notified().await,
                }
            },
            _ => {
                let reply = self.report_reply.borrow().clone();
                reply.unwrap_or_else(|| Reply::http(202, "", r#"{"status":"OK"}"#))
            }
        }
    }
}

/// None when the client has closed the connection.
async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    connection: usize,
) -> io::Result<Option<Received>> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(head) = request.parse(buffer).unwrap() {
            let path = request.path.unwrap();
            let call = path.strip_prefix("/2020-01-01/extension/").unwrap();
            let mut received = Received {
                call: call.strip_prefix("event/").unwrap_or(call).into(),
                method: request.method.unwrap().into(),
                headers: HashMap::new(),
                body: String::new(),
                connection,
            };
            for header in request.headers {
                let value = String::from_utf8(header.value.to_vec()).unwrap();
                received.headers.insert(header.name.to_ascii_lowercase(), value);
            }
            let length = received.headers.get("content-length").map_or(0, |n| n.parse().unwrap());
            if buffer.len() >= head + length {
                received.body = String::from_utf8(buffer[head..head + length].to_vec()).unwrap();
                buffer.drain(..head + length);
                return Ok(Some(received));
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}
