//! Turns answers and errors into HTTP responses. What is refused before it is a whole request is
//! answered in `wire/refusal.rs`, in the same form.

use actix_web::{
    HttpResponse,
    body::BoxBody,
    http::{
        StatusCode,
        header::{AGE, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WARNING},
    },
};
use bytes::Bytes;

use crate::{
    cache::Answer,
    fetch::error::FetchError,
    http::{BadRequest, wire::BAD_REQUEST},
    secret::SecretValue,
};

/// Carries the error's code. [`Connection`](super::wire) writes the name as AWS does.
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

const STALE: HeaderValue = HeaderValue::from_static("110 - \"Response is Stale\"");

/// Clients of the official extension match this text; the reason follows it.
const UPSTREAM_FAILURE: &str = "an unexpected error occurred while executing request";
const PANICKED: &str = "the request ended by a panic; the log has its message";
pub(super) const BAD_TOKEN: &str = "bad session token or header key";

/// 200 with the finished body. `Age` and `Warning` (RFC 9111) mark a value past its TTL.
pub(super) fn success(answer: &Answer) -> HttpResponse {
    let mut response = respond(StatusCode::OK, TEXT, answer.body.reveal());
    if let Some(age) = answer.stale_age {
        response.headers_mut().insert(AGE, age.as_secs().into());
        response.headers_mut().insert(WARNING, STALE);
    }
    response
}

/// A liveness probe's answer.
pub(super) fn healthy() -> HttpResponse {
    respond(StatusCode::OK, TEXT, Bytes::from_static(b"healthy"))
}

/// A JSON document that holds no secret.
pub(super) fn json(document: String) -> HttpResponse {
    respond(StatusCode::OK, JSON, document.into())
}

/// A JSON array with a value or an error object for each item. `Age` is that of the oldest value
/// past its TTL.
pub(super) fn batch(items: Vec<Result<Answer, String>>) -> HttpResponse {
    let length =
        items.iter().map(|item| item.as_ref().map_or_else(String::len, |it| it.body.len()));
    let mut array = Vec::with_capacity(length.sum::<usize>() + items.len() + 2);
    array.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            array.push(b',');
        }
        match item {
            Ok(answer) => array.extend_from_slice(&answer.body.reveal()),
            Err(error) => array.extend_from_slice(error.as_bytes()),
        }
    }
    array.push(b']');
    let stale_age = items.iter().flatten().filter_map(|answer| answer.stale_age).max();
    let mut response = success(&Answer { body: SecretValue::new(array), stale_age });
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// 401 for a request without a token, or with a wrong one.
pub(super) fn unauthorized() -> HttpResponse {
    error(
        StatusCode::UNAUTHORIZED,
        "AccessDeniedException",
        Bytes::from_static(BAD_TOKEN.as_bytes()),
    )
}

/// 400 for a request that no upstream is asked about.
pub(super) fn bad_request(reason: &BadRequest) -> HttpResponse {
    error(StatusCode::BAD_REQUEST, BAD_REQUEST, bad_request_text(reason).into())
}

pub(super) fn bad_request_text(reason: &BadRequest) -> String {
    format!("Bad Request: {reason}")
}

/// 400 for a fetch that ended without a value.
pub(super) fn failure(failure: &FetchError) -> HttpResponse {
    let code = failure.code();
    let mut response = error(StatusCode::BAD_REQUEST, code, failure_text(failure).into());
    if matches!(failure, FetchError::Overloaded(_)) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

pub(super) fn failure_text(failure: &FetchError) -> String {
    format!("{UPSTREAM_FAILURE}: {}: {failure}", failure.code())
}

/// Our own code panicked over the request.
pub(super) fn panicked() -> HttpResponse {
    let failure = FetchError::Panicked;
    let text = format!("{UPSTREAM_FAILURE}: {}: {PANICKED}", failure.code());
    error(StatusCode::INTERNAL_SERVER_ERROR, failure.code(), text.into())
}

fn error(status: StatusCode, code: &str, body: Bytes) -> HttpResponse {
    let mut response = respond(status, TEXT, body);
    // An upstream may send a code that cannot be a header's value; the answer must not fail for it.
    let code = HeaderValue::from_str(code).unwrap_or(HeaderValue::from_static("InternalFailure"));
    response.headers_mut().insert(ERROR_TYPE, code);
    response
}

fn respond(status: StatusCode, content_type: HeaderValue, body: Bytes) -> HttpResponse {
    let mut response = HttpResponse::with_body(status, BoxBody::new(body));
    response.head_mut().set_camel_case_headers(true);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
