//! Answers a batch as if the client had sent a request for each item at the same moment.

use actix_web::HttpResponse;
use futures_util::future::join_all;
use serde::Serializer;
use zeroize::Zeroizing;

use crate::{
    cache::{Answer, Cache},
    fetch::error::SharedFetchError,
    field::FieldError,
    http::{
        BadRequest,
        query::{self, Question},
        reply,
        wire::BAD_REQUEST,
    },
    key::{CacheKey, UpstreamKind},
    secret::SecretValue,
};

/// Looks up all items concurrently. Each item is a key of its own: it is cached and coalesced like
/// that of a single request.
///
/// # Errors
///
/// The query is malformed, or names no item or too many.
pub(super) async fn answer(
    cache: &Cache,
    upstream: UpstreamKind,
    query: &str,
) -> Result<HttpResponse, BadRequest> {
    let questions = query::parse_batch(upstream, query)?;
    let items = questions.into_iter().map(async |question| {
        let Question { key, urgency, field } = question;
        let answer = cache.look_up(key.clone(), urgency).await;
        let item = match (answer, field) {
            (Err(failure), _) => Err(Refused::Fetch(failure)),
            (Ok(answer), None) => Ok(answer),
            (Ok(answer), Some(field)) => match field.of_body(&answer.body.reveal()) {
                Ok(text) => Ok(Answer { body: json_string(&text), ..answer }),
                Err(error) => Err(Refused::Field(error)),
            },
        };
        item.map_err(|refused| refused.about(&key))
    });
    Ok(reply::batch(join_all(items).await))
}

enum Refused {
    Fetch(SharedFetchError),
    Field(FieldError),
}

impl Refused {
    /// The element of the array for an item that has no value.
    fn about(&self, key: &CacheKey) -> String {
        let (code, message) = match self {
            Self::Fetch(failure) => (failure.code(), reply::failure_text(failure)),
            Self::Field(error) => {
                (BAD_REQUEST, reply::bad_request_text(&BadRequest::Field(error.clone())))
            }
        };
        let id = pascal_case(key.upstream().id_parameter());
        let members = [(id.as_str(), key.id()), ("ErrorCode", code), ("Message", &message)];
        let mut json = Vec::new();
        // Texts always serialise, and writing to memory cannot fail.
        let _ = serde_json::Serializer::new(&mut json).collect_map(members);
        String::from_utf8(json).unwrap_or_default()
    }
}

/// `secretId` as AWS names it in its own JSON: `SecretId`.
fn pascal_case(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// A field's text as a JSON string.
fn json_string(text: &SecretValue) -> SecretValue {
    let text = Zeroizing::new(String::from_utf8_lossy(&text.reveal()).into_owned());
    // Room for every byte to be escaped: a buffer that grows leaves a copy of the plaintext behind.
    let mut json = Vec::with_capacity(2 + 6 * text.len());
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(&mut json, &*text);
    SecretValue::new(json)
}
