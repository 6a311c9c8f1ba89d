//! What the HTTP parser refuses, said in the contract's form.
//!
//! actix-http answers what it cannot parse by itself, with an empty body, before any handler of ours; and
//! it can write header names in lower or in Camel-Case only. Both are put right on the way out, and only
//! for errors: an answer with status 200 passes after a look at its first bytes.

use bytes::Bytes;

use crate::http::reply::BAD_REQUEST;

const OK: &[u8] = b"HTTP/1.1 200";
/// Only answers that actix-http makes by itself have lower-case names and no body.
const OWN_ANSWER: &[u8] = b"\r\ncontent-length: 0\r\n";
const CAMEL_CASE: &[u8] = b"\r\nX-Amzn-Errortype: ";
const AS_AWS_WRITES_IT: &[u8] = b"\r\nX-Amzn-ErrorType: ";

/// What to write instead of `head`, the first bytes of an answer; `None`: write it as it is.
pub(super) fn rewritten(head: &[u8]) -> Option<Bytes> {
    if head.starts_with(OK) {
        return None;
    }
    if find(head, OWN_ANSWER).is_some() {
        return reason(head).map(refusal);
    }
    let at = find(head, CAMEL_CASE)?;
    let mut answer = head.to_vec();
    answer[at..at + AS_AWS_WRITES_IT.len()].copy_from_slice(AS_AWS_WRITES_IT);
    Some(answer.into())
}

fn reason(head: &[u8]) -> Option<&'static str> {
    match head.get(9..12)? {
        b"431" => Some("URL and headers together must be smaller than 128 KiB"),
        b"408" => Some("the request did not arrive completely within 5 seconds"),
        b"400" => Some("this is not a well-formed HTTP/1.1 request"),
        _ => None,
    }
}

fn refusal(reason: &str) -> Bytes {
    let body = format!("Bad Request: {reason}");
    format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\nConnection: close\r\n\
         Content-Type: text/plain\r\nX-Amzn-ErrorType: {BAD_REQUEST}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
