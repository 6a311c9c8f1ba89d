//! Answers a batch as if the client had sent a request for each item at the same moment.

use actix_web::HttpResponse;
use futures_util::future::join_all;
use serde::Serialize;
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

/// The element of the array for an item that has no value.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ItemError<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    error_code: &'a str,
    /// The body that a request for this item alone would get.
    message: &'a str,
}

impl Refused {
    fn about(&self, key: &CacheKey) -> String {
        let (code, message) = match self {
            Self::Fetch(failure) => (failure.code(), reply::failure_text(failure)),
            Self::Field(error) => {
                (BAD_REQUEST, reply::bad_request_text(&BadRequest::Field(error.clone())))
            }
        };
        let (secret_id, name) = match key {
            CacheKey::Secret(key) => (Some(key.secret_id.as_str()), None),
            CacheKey::Parameter(key) => (None, Some(key.name.as_str())),
        };
        let error = ItemError { secret_id, name, error_code: code, message: &message };
        // A flat struct of texts always serialises.
        serde_json::to_string(&error).unwrap_or_default()
    }
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
