//! `&field=` answers one field of a JSON value, out of the same entry as the whole.

use parameters_secrets_extension::{fetch::upstream::Upstreams, secret::SecretValue};

use crate::support::{
    cache::Config,
    reply::Reply,
    server::TestServer,
    upstream::{AnswerWith, FakeUpstream, Outcome},
};

const SECRET: &str = "/secretsmanager/get?secretId=db";
const VALUE: &str =
    r#"{"user":"app","password":"hidden \"é\"","port":5432,"empty":"","db":{"hosts":["a","b"]}}"#;

/// A body with this text for its value, as both services' are.
fn body(text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    format!(r#"{{"ARN":"arn","SecretBinary":null,"SecretString":{text},"ResultMetadata":{{}}}}"#)
}

fn server_with(body: String) -> TestServer {
    let upstream = AnswerWith(move |_key| Ok(SecretValue::new(body.clone())));
    TestServer::with(Config::default(), Upstreams::of_one(upstream))
}

fn assert_refused(reply: &Reply, reason: &str) {
    assert_eq!(reply.status_line, "HTTP/1.1 400 Bad Request");
    assert_eq!(reply.header("X-Amzn-ErrorType"), Some("BadRequestException"));
    assert_eq!(reply.body, format!("Bad Request: {reason}"));
}

#[actix_rt::test]
async fn a_field_or_a_pointer_is_answered_as_text() {
    let server = server_with(body(VALUE));
    for (field, expected) in [
        ("password", "hidden \"é\""),
        ("port", "5432"),
        ("empty", ""),
        ("%2Fdb%2Fhosts%2F1", "b"),
        ("/db", r#"{"hosts":["a","b"]}"#),
    ] {
        let reply = server.get(&format!("{SECRET}&field={field}")).await;
        assert_eq!(reply.status_line, "HTTP/1.1 200 OK", "{field}");
        assert_eq!(reply.header("Content-Type"), Some("text/plain"));
        assert_eq!(reply.body, expected, "{field}");
    }
}

#[actix_rt::test]
async fn a_field_of_a_parameter_is_answered_too() {
    let server =
        server_with(format!(r#"{{"Parameter":{{"Value":{VALUE:?}}},"ResultMetadata":{{}}}}"#));
    let reply = server.get("/systemsmanager/parameters/get?field=user&name=a").await;
    assert_eq!(reply.body, "app");
}

#[actix_rt::test]
async fn a_value_without_the_field_is_a_400_that_does_not_show_it() {
    let missing = server_with(body(VALUE)).get(&format!("{SECRET}&field=pasword")).await;
    assert_refused(&missing, "query parameter field: the value has no field \"pasword\"");

    let plain = server_with(body("hidden")).get(&format!("{SECRET}&field=a")).await;
    assert_refused(&plain, "query parameter field: the value is not JSON, so it has no fields");

    let binary = r#"{"SecretBinary":"aGlkZGVu","SecretString":null}"#.to_owned();
    let binary = server_with(binary).get(&format!("{SECRET}&field=a")).await;
    assert_refused(&binary, "query parameter field: the value is binary, so it has no fields");
}

#[actix_rt::test]
async fn an_empty_field_is_refused_rather_than_answered_with_the_whole_value() {
    let reply = server_with(body(VALUE)).get(&format!("{SECRET}&field=")).await;
    assert_refused(
        &reply,
        "query parameter field is missing or empty: it must be a key of the JSON value, or a JSON pointer",
    );
}

#[actix_rt::test]
async fn a_name_of_any_length_is_shown_in_part() {
    let reply =
        server_with(body(VALUE)).get(&format!("{SECRET}&field={}", "x".repeat(10_000))).await;
    assert_refused(
        &reply,
        &format!("query parameter field: the value has no field \"{}…\"", "x".repeat(80)),
    );
}

#[actix_rt::test]
async fn fields_and_the_whole_value_share_one_entry_and_one_call() {
    let upstream = FakeUpstream::new();
    let server = TestServer::new(&upstream);

    let whole = server.get(SECRET).await;
    server.get(&format!("{SECRET}&field=a")).await;
    server.get(&format!("{SECRET}&field=b")).await;

    assert_eq!((whole.body.as_str(), upstream.calls()), ("call 1", 1));
}

#[actix_rt::test]
async fn a_fetch_that_fails_is_answered_as_without_a_field() {
    let upstream = FakeUpstream::new().always(Outcome::Error("ResourceNotFoundException"));
    let server = TestServer::new(&upstream);

    let whole = server.get(SECRET).await;
    let field = server.get(&format!("{SECRET}&field=a")).await;

    assert_eq!((&field.status_line, &field.body), (&whole.status_line, &whole.body));
}
