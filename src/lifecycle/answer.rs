//! Reads one HTTP answer from a bare socket: the register answer, whose request was sent before
//! there was a runtime or an HTTP client.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::lifecycle::{api::Call, error::LifecycleError};

/// The limit of the head and of the body, in bytes. A real answer has some 500; a longer one does
/// not come from the Extensions API, and must not fill the function's memory.
const LIMIT: usize = 64 * 1024;
const MAX_HEADERS: usize = 64;

/// What is used of the register answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `Lambda-Extension-Identifier`.
    pub(super) identifier: Option<String>,
    /// Empty when the answer does not declare a length.
    pub(super) body: Vec<u8>,
    /// Whether the next request may go over the same connection.
    pub(super) reusable: bool,
}

struct Head {
    length: usize,
    status: u16,
    identifier: Option<String>,
    content_length: Option<usize>,
    close: bool,
}

/// Reads the register answer, in however many pieces it arrives.
///
/// Waits without a limit: the caller sets the time-out.
pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Answer, LifecycleError> {
    let mut received = Vec::with_capacity(1024);
    let head = loop {
        if let Some(head) = parse_head(&received)? {
            break head;
        }
        if received.len() >= LIMIT {
            return Err(malformed(format!("its head is longer than {LIMIT} bytes")));
        }
        read_more(from, &mut received).await?;
    };
    // Without a length the end of the body is unknown. The API always declares one; should it stop
    // doing so, the identifier is in the head, and only the function's name is lost.
    let body_length = head.content_length.unwrap_or(0);
    if body_length > LIMIT {
        return Err(malformed(format!("its body is longer than {LIMIT} bytes")));
    }
    let mut body = received.split_off(head.length);
    while body.len() < body_length {
        read_more(from, &mut body).await?;
    }
    // Bytes after the body belong to no request, so the connection cannot be trusted.
    let reusable = head.content_length == Some(body.len()) && !head.close;
    body.truncate(body_length);
    Ok(Answer { status: head.status, identifier: head.identifier, body, reusable })
}

async fn read_more(
    from: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Result<(), LifecycleError> {
    let read = match from.read_buf(buffer).await {
        Ok(0) => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        read => read,
    };
    read.map(drop).map_err(|cause| LifecycleError::Connection { call: Call::Register, cause })
}

/// The head, or `None` while it is incomplete.
fn parse_head(received: &[u8]) -> Result<Option<Head>, LifecycleError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(received) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(malformed(error.to_string())),
    };
    let mut head = Head {
        length,
        status: response.code.unwrap_or_default(),
        identifier: None,
        content_length: None,
        close: false,
    };
    for header in response.headers.iter() {
        let value = String::from_utf8_lossy(header.value);
        match header.name.to_ascii_lowercase().as_str() {
            "lambda-extension-identifier" => head.identifier = Some(value.into_owned()),
            "connection" => head.close = value.eq_ignore_ascii_case("close"),
            "content-length" => {
                let declared = value.trim().parse();
                head.content_length =
                    Some(declared.map_err(|_| malformed("its content-length is not a number"))?);
            }
            _ => {}
        }
    }
    Ok(Some(head))
}

fn malformed(reason: impl Into<String>) -> LifecycleError {
    LifecycleError::Malformed { call: Call::Register, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use proptest::{prelude::any, proptest};

    use super::{Answer, LIMIT, LifecycleError, read};

    /// A slice never waits, so its answer is there at once.
    fn answer(mut bytes: &[u8]) -> Result<Answer, LifecycleError> {
        read(&mut bytes).now_or_never().unwrap()
    }

    #[test]
    fn a_connection_on_which_more_than_the_answer_came_is_not_used_again() {
        let exact = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        let more = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP").unwrap();
        let closed =
            answer(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        assert!(exact.reusable);
        assert!(!more.reusable);
        assert!(!closed.reusable);
        assert_eq!(more.body, b"{}");
    }

    #[test]
    fn an_answer_without_a_length_still_has_its_identifier() {
        let answer =
            answer(b"HTTP/1.1 200 OK\r\nlambda-extension-identifier: id-1\r\n\r\n").unwrap();
        assert_eq!(answer.identifier.as_deref(), Some("id-1"));
        assert!(!answer.reusable);
    }

    #[test]
    fn neither_head_nor_body_may_grow_without_bound() {
        let long_head = [b"HTTP/1.1 200 OK\r\nA: ".as_slice(), &[b'a'; 2 * LIMIT]].concat();
        let long_body = b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n";
        for bytes in [long_head.as_slice(), long_body] {
            assert!(matches!(answer(bytes), Err(LifecycleError::Malformed { .. })));
        }
    }

    #[test]
    fn an_answer_cut_short_is_a_broken_connection() {
        let cut = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}");
        assert!(matches!(cut, Err(LifecycleError::Connection { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
            let _ = answer(&bytes);
            let _ = answer(&[b"HTTP/1.1 200 OK\r\n".as_slice(), &bytes].concat());
        }
    }
}
