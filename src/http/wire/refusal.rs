//! Refuses requests that never reach a handler, in the same form as every other error.
//!
//! actix-http answers a request that it cannot parse with an empty body, and it can write header
//! names in lower case or Camel-Case only. Both are corrected in what it writes, and for errors
//! alone: an answer with status 200 passes after a look at its first bytes.

use actix_web::http::header::HttpDate;
use bytes::Bytes;
use memchr::memchr_iter;

use crate::{
    clock::{Clock, SystemClock},
    log::debug,
};

/// The code of every error in a request.
pub(in crate::http) const BAD_REQUEST: &str = "BadRequestException";

pub(super) const TOO_SLOW: &str = "URL and headers did not arrive completely within 5 seconds";
pub(super) const TOO_LARGE: &str = "URL and headers together must be smaller than 64 KiB";
pub(super) const TOO_MUCH: &str = "too many long requests are unfinished; send it again";
const TOO_MANY: &str = "a request has 96 headers at most";
pub(super) const MALFORMED: &str = "this is not a well-formed HTTP/1.1 request";
pub(super) const TLS: &str = "this is TLS, and the port speaks plain HTTP: use http://";

/// What actix-http writes before the answer if the request has `Expect: 100-continue`.
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

const OK: &[u8] = b"HTTP/1.1 200";
/// Only answers that actix-http makes by itself have lower-case names and no body.
const OWN_ANSWER: &[u8] = b"content-length: 0\r\n";
const CAMEL_CASE: &[u8] = b"X-Amzn-Errortype: ";
const AS_AWS_WRITES_IT: &[u8] = b"X-Amzn-ErrorType: ";
const CLOSE: &[u8] = b"Connection: close\r\n";

/// What to write instead of `answer`, a complete one; `None` if it is right as it is.
pub(super) fn rewritten(answer: &[u8]) -> Option<Bytes> {
    if answer.starts_with(OK) {
        return None;
    }
    if lines(answer).any(|(_, line)| line == OWN_ANSWER) {
        let is_431 = answer.get(9..12) == Some(b"431");
        return Some(refusal(if is_431 { TOO_MANY } else { MALFORMED }));
    }
    let (at, _) = lines(answer).find(|(_, line)| line.starts_with(CAMEL_CASE))?;
    let mut answer = answer.to_vec();
    answer[at..at + AS_AWS_WRITES_IT.len()].copy_from_slice(AS_AWS_WRITES_IT);
    Some(answer.into())
}

/// Whether this answer is the last of its connection.
pub(super) fn says_close(answer: &[u8]) -> bool {
    lines(answer).any(|(_, line)| line == CLOSE)
}

/// A complete answer that refuses a request and ends the connection.
pub(super) fn refusal(reason: &str) -> Bytes {
    debug!("refused: {reason}");
    let body = format!("Bad Request: {reason}");
    format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\nConnection: close\r\n\
         Content-Type: text/plain\r\nX-Amzn-ErrorType: {BAD_REQUEST}\r\nDate: {}\r\n\r\n{body}",
        body.len(),
        HttpDate::from(SystemClock.now().wall),
    )
    .into()
}

/// The lines of an answer's head, each with its offset.
fn lines(answer: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let ends = memchr_iter(b'\n', answer).map(|end| end + 1);
    let lines = ends.scan(0, |next, end| Some((std::mem::replace(next, end), end)));
    lines.map(|(start, end)| (start, &answer[start..end])).take_while(|(_, line)| *line != b"\r\n")
}
