//! Reports a failed start: on standard error, and to Lambda, which shows it as the INIT error.

use std::{
    io::{self, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use serde::Serialize;

use crate::http::{Deadline, read_reply};

pub(crate) const NAME: &str = "parameters-secrets-wrapper";

/// How long Lambda has to acknowledge a report.
const TO_REPORT: Duration = Duration::from_millis(500);

/// What Lambda shows as the error's type.
const ERROR_TYPE: &str = "Runtime.UnresolvedEnvironment";

/// Why the command was not started: lines without a value in them, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) lines: Vec<String>,
    pub(crate) code: u8,
}

impl From<String> for Failure {
    fn from(line: String) -> Self {
        Self { lines: vec![line], code: 1 }
    }
}

impl Failure {
    pub(crate) fn report(&self, runtime_api: Option<&str>) {
        self.lines.iter().for_each(|line| say(line));
        if let Some(runtime_api) = runtime_api
            && let Err(error) = self.tell_lambda(runtime_api)
        {
            say(&format!("cannot report this to Lambda: {error}"));
        }
    }

    fn tell_lambda(&self, runtime_api: &str) -> io::Result<()> {
        #[derive(Serialize)]
        struct Report<'a> {
            #[serde(rename = "errorMessage")]
            message: &'a str,
            #[serde(rename = "errorType")]
            kind: &'a str,
            #[serde(rename = "stackTrace")]
            trace: [&'a str; 0],
        }
        let message = self.lines.join("\n");
        let report =
            serde_json::to_string(&Report { message: &message, kind: ERROR_TYPE, trace: [] })?;
        let deadline = Deadline::after(TO_REPORT);
        let address = runtime_api.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
        let mut stream = TcpStream::connect_timeout(&address, TO_REPORT)?;
        stream.set_write_timeout(Some(TO_REPORT))?;
        let head = format!(
            "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: {runtime_api}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\
             Lambda-Runtime-Function-Error-Type: {ERROR_TYPE}\r\nConnection: close\r\n\r\n",
            report.len()
        );
        stream.write_all(format!("{head}{report}").as_bytes())?;
        read_reply(&stream, deadline).map(drop)
    }
}

/// Writes a line to standard error, and goes on if that is closed.
pub(crate) fn say(line: &str) {
    let _ = io::stderr().write_all(format!("{NAME}: {line}\n").as_bytes());
}
