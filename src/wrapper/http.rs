//! The part of HTTP that one question over one connection needs: write a request, read until the
//! end.

use std::{
    io::{self, Read},
    net::TcpStream,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

/// Sixteen times the 64 KiB that a secret may have: every one of its bytes may be escaped twice.
const LONGEST_REPLY: u64 = 1 << 20;

/// When waiting ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    #[expect(clippy::disallowed_methods, reason = "the wrapper lives for one start")]
    pub(crate) fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// `None` once it has passed.
    #[expect(clippy::disallowed_methods, reason = "the wrapper lives for one start")]
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// `X-Amzn-ErrorType`, or nothing.
    pub(crate) error_type: String,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Reads a reply whose end is the connection's. The request must have asked for that.
///
/// # Errors
///
/// The connection broke, the deadline passed, or the answer is not HTTP.
pub(crate) fn read_reply(stream: &TcpStream, deadline: Deadline) -> io::Result<Reply> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(8 << 10));
    let mut stream = stream.take(LONGEST_REPLY);
    let mut chunk = Zeroizing::new([0; 8 << 10]);
    loop {
        let left = deadline.left().ok_or(io::ErrorKind::TimedOut)?;
        stream.get_ref().set_read_timeout(Some(left))?;
        match stream.read(&mut *chunk) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
    }
    parse(bytes)
}

fn parse(mut bytes: Zeroizing<Vec<u8>>) -> io::Result<Reply> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let no_http = |_| io::Error::new(io::ErrorKind::InvalidData, "the answer is no HTTP");
    let httparse::Status::Complete(length) = head.parse(&bytes).map_err(no_http)? else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let status = head.code.unwrap_or_default();
    let header = |name: &str| {
        let header = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.and_then(|header| str::from_utf8(header.value).ok()).map(str::trim)
    };
    let error_type = header("x-amzn-errortype").unwrap_or_default().to_owned();
    let expected = header("content-length").and_then(|length| length.parse::<usize>().ok());
    bytes.drain(..length);
    if expected.is_some_and(|expected| bytes.len() < expected) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Reply { status, error_type, body: bytes })
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::parse;

    fn parsed(text: &str) -> io::Result<(u16, String, String)> {
        let reply = parse(Zeroizing::new(text.into()))?;
        Ok((reply.status, reply.error_type, String::from_utf8(reply.body.to_vec()).unwrap()))
    }

    #[test]
    fn a_reply_is_its_status_its_error_type_and_its_body() {
        let reply = "HTTP/1.1 400 Bad Request\r\nX-Amzn-ErrorType: ParameterNotFound\r\ncontent-length: 4\r\n\r\ntext";
        assert_eq!(parsed(reply).unwrap(), (400, "ParameterNotFound".into(), "text".into()));
        assert_eq!(parsed("HTTP/1.1 200 OK\r\n\r\n").unwrap(), (200, String::new(), String::new()));
    }

    #[test]
    fn a_reply_that_was_cut_off_is_not_a_reply() {
        for text in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntext"] {
            assert_eq!(parsed(text).unwrap_err().kind(), io::ErrorKind::UnexpectedEof, "{text}");
        }
        assert_eq!(parsed("SSH-2.0-OpenSSH\r\n").unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_reply_or_an_error(bytes in any::<Vec<u8>>()) {
            let _reply = parse(Zeroizing::new(bytes));
        }
    }
}
