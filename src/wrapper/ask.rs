//! Asks the extension for everything at once: every question is sent before the first answer is
//! read.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use crate::{
    field::{self, FieldError},
    http::{Deadline, Reply, read_reply},
    plan::{Answers, Refusal},
    reference::Source,
    secret::SecretValue,
};

/// How many connections are open at once; what is beyond waits for these. Far above what a
/// function's 4 KB of variables can name, far below Lambda's 1,024 open files.
const AT_ONCE: usize = 128;

/// How soon a port is tried again that nothing listens on.
const RETRY: Duration = Duration::from_millis(5);

/// The beginning of every upstream failure, for clients of the official extension; here it says
/// nothing.
const UPSTREAM_FAILURE: &str = "an unexpected error occurred while executing request: ";

/// As much of an answer as an error repeats, in bytes.
const SHOWN: usize = 1_000;

/// The extension beside this process. It holds a token, so it has no `Debug`.
pub(crate) struct Extension<'a> {
    pub(crate) port: u16,
    pub(crate) token: &'a str,
    pub(crate) deadline: Deadline,
    /// The time from which the deadline was made, for messages.
    pub(crate) time_out: Duration,
}

impl Extension<'_> {
    /// Asks every question and returns the answers. Waits for an extension that is still starting.
    ///
    /// # Errors
    ///
    /// Nothing listens on the port.
    pub(crate) fn ask(&self, sources: &BTreeSet<&Source>) -> Result<Answers, String> {
        let mut answers = Answers::new();
        let sources: Vec<_> = sources.iter().copied().collect();
        for wave in sources.chunks(AT_ONCE) {
            let mut asked = Vec::with_capacity(wave.len());
            for source in wave {
                asked.push((*source, self.send(&source.path())?));
            }
            for (source, stream) in asked {
                let reply = stream.and_then(|stream| read_reply(&stream, self.deadline));
                answers.insert(source.clone(), self.value_in(reply));
            }
        }
        Ok(answers)
    }

    /// Whether an extension that accepts the token listens on the port.
    pub(crate) fn is_ours(&self) -> bool {
        let reply = self.connect().and_then(|stream| {
            self.write(&stream, "/stats")?;
            read_reply(&stream, self.deadline)
        });
        reply.is_ok_and(|reply| reply.status == 200)
    }

    /// The outer result is whether there is an extension at all.
    fn send(&self, path: &str) -> Result<io::Result<TcpStream>, String> {
        let mut refused = None;
        let stream = loop {
            match self.connect() {
                Ok(stream) => break stream,
                // It may still be starting.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    refused = Some(error);
                    thread::sleep(RETRY);
                }
                Err(error) => return Err(self.nothing_there(&refused.unwrap_or(error))),
            }
        };
        Ok(self.write(&stream, path).map(|()| stream))
    }

    fn nothing_there(&self, error: &io::Error) -> String {
        format!(
            "no parameters-secrets-extension answers on port {} ({error}), waited for {} ms at most: \
             is its layer attached, and PARAMETERS_SECRETS_EXTENSION_HTTP_PORT the same for both?",
            self.port,
            self.time_out.as_millis()
        )
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let left = self.deadline.left().ok_or(io::ErrorKind::TimedOut)?;
        TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)), left)
    }

    fn write(&self, mut stream: &TcpStream, path: &str) -> io::Result<()> {
        stream.set_write_timeout(Some(self.deadline.left().ok_or(io::ErrorKind::TimedOut)?))?;
        let (port, token) = (self.port, self.token);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\
             X-Aws-Parameters-Secrets-Token: {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes())
    }

    fn value_in(&self, reply: io::Result<Reply>) -> Result<SecretValue, Refusal> {
        match reply {
            Ok(reply) if reply.status == 200 => match field::value_of_body(&reply.body) {
                Some(Some(text)) => Ok(SecretValue::new(text.as_bytes())),
                Some(None) => Err(Refusal::Answered {
                    code: String::new(),
                    text: "the value is binary, and a variable holds text".into(),
                }),
                None => Err(Refusal::Field(FieldError::NoValue)),
            },
            Ok(reply) => Err(refusal(&reply)),
            Err(error) => {
                let text = match error.kind() {
                    io::ErrorKind::TimedOut => {
                        format!("no answer within {} ms", self.time_out.as_millis())
                    }
                    _ => format!("no answer from port {}: {error}", self.port),
                };
                Err(Refusal::Answered { code: String::new(), text })
            }
        }
    }
}

/// An error's text never holds a value; it is made one line all the same.
fn refusal(reply: &Reply) -> Refusal {
    let text = String::from_utf8_lossy(&reply.body[..reply.body.len().min(SHOWN)]);
    let text = text.strip_prefix(UPSTREAM_FAILURE).unwrap_or(&text);
    let mut text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if reply.status == 401 {
        text.push_str(": the extension was started with another token");
    }
    Refusal::Answered { code: reply.error_type.clone(), text }
}
