//! A request's query: any text is a question or a clear error, and every spelling of a question is
//! one key.

use parameters_secrets_extension::{
    http::{
        BadRequest,
        query::{Question, parse, parse_batch},
    },
    key::{CacheKey, Selector, UpstreamKind},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

pub fn run(bytes: &[u8]) {
    let query = String::from_utf8_lossy(bytes);
    for upstream in [UpstreamKind::SecretsManager, UpstreamKind::ParameterStore] {
        let question = parse(upstream, &query);
        match &question {
            Ok(question) => check(upstream, question),
            Err(error) => check_error(error),
        }
        match parse_batch(upstream, &query) {
            Ok(questions) if questions.len() == 1 => {
                // An empty name is left out by one and refused by the other.
                if let Ok(question) = question {
                    assert_eq!(questions[0], question, "a batch of one asks for the same");
                }
            }
            Ok(questions) => {
                assert!((2..=100).contains(&questions.len()));
                questions.iter().for_each(|question| check(upstream, question));
            }
            Err(error) => check_error(&error),
        }
    }
}

fn check(upstream: UpstreamKind, question: &Question) {
    let key = &question.key;
    assert_eq!(key.upstream(), upstream);
    assert!(!key.to_string().contains(char::is_control), "a log line is one line: {key}");
    let again = parse(upstream, &spelled_out(key)).expect("a key can be asked for");
    assert_eq!(again.key, *key, "one question is one key");
}

fn check_error(error: &BadRequest) {
    let text = error.to_string();
    assert!(!text.contains(char::is_control), "an error is one line: {text:?}");
    assert!(text.len() < 1_000, "an error repeats no megabyte");
}

/// A query that asks for this key, with everything encoded that can be.
fn spelled_out(key: &CacheKey) -> String {
    let mut pairs = Vec::new();
    let mut add = |name: &str, value: &str| {
        pairs.push(format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    };
    match key {
        CacheKey::Secret(key) => {
            add("secretId", &key.secret_id);
            key.version_id.iter().for_each(|id| add("versionId", id));
            key.version_stage.iter().for_each(|stage| add("versionStage", stage));
        }
        CacheKey::Parameter(key) => {
            add("name", &key.name);
            add("withDecryption", &key.with_decryption.to_string());
            match &key.selector {
                Some(Selector::Version(version)) => add("version", &version.to_string()),
                Some(Selector::Label(label)) => add("label", label),
                None => {}
            }
        }
    }
    pairs.join("&")
}
