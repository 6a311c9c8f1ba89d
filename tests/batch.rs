//! Several secrets, or several parameters, by one request: each item is a key of its own.

use std::time::Duration;

use parameters_secrets_extension::{fetch::upstream::Upstreams, secret::SecretValue};
use serde_json::{Value, json};

use crate::support::{
    cache::{Config, secret},
    reply::Reply,
    server::TestServer,
    upstream::{AnswerWith, FakeUpstream, Outcome},
};

const SECRETS: &str = "/secretsmanager/batch";
const PARAMETERS: &str = "/systemsmanager/parameters/batch";

/// Answers each key with a body that says what it is asked by.
fn server() -> TestServer {
    let upstream = AnswerWith(|key: parameters_secrets_extension::key::CacheKey| {
        let text = serde_json::to_string(&json!({ "key": key.to_string() })).unwrap();
        Ok(SecretValue::new(json!({ "SecretString": text }).to_string()))
    });
    TestServer::with(Config::default(), Upstreams::of_one(upstream))
}

/// The key by which each item was asked for.
fn keys(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status_line, "HTTP/1.1 200 OK", "{}", reply.body);
    let items: Vec<Value> = serde_json::from_str(&reply.body).unwrap();
    let text = |item: &Value| item["SecretString"].as_str().unwrap().to_owned();
    let key = |text: String| {
        serde_json::from_str::<Value>(&text).unwrap()["key"].as_str().unwrap().to_owned()
    };
    items.iter().map(text).map(key).collect()
}

#[actix_rt::test]
async fn items_are_answered_in_the_order_they_are_asked_for() {
    let reply =
        server().get(&format!("{SECRETS}?secretId=c&secretId=a&secretId=b%2Fd&secretId=a")).await;
    assert_eq!(reply.header("Content-Type"), Some("application/json"));
    let key = |name| format!("/secretsmanager/get?secretId={name}");
    assert_eq!(keys(&reply), [key("c"), key("a"), key("b/d"), key("a")]);
}

#[actix_rt::test]
async fn an_item_is_the_body_of_the_single_form() {
    let upstream = FakeUpstream::new();
    let server = TestServer::new(&upstream);
    let single = server.get("/secretsmanager/get?secretId=a").await;

    let batch = server.get(&format!("{SECRETS}/?secretId=a&secretId=a")).await;

    assert_eq!(batch.body, format!("[{0},{0}]", single.body));
    assert_eq!(upstream.called_keys(), [secret("a")]);
}

#[actix_rt::test]
async fn what_else_is_asked_for_goes_for_every_item() {
    let reply =
        server().get(&format!("{PARAMETERS}?name=/a&withDecryption=true&name=/b&label=Dev")).await;
    let key =
        |name| format!("/systemsmanager/parameters/get?name={name}&label=Dev&withDecryption=true");
    assert_eq!(keys(&reply), [key("/a"), key("/b")]);

    let reply = server().get(&format!("{SECRETS}?field=key&secretId=a&secretId=b")).await;
    assert_eq!(
        reply.body,
        r#"["/secretsmanager/get?secretId=a","/secretsmanager/get?secretId=b"]"#
    );
}

#[actix_rt::test]
async fn an_item_that_fails_is_an_error_object_and_leaves_the_others_alone() {
    let upstream = FakeUpstream::new();
    upstream.then(Outcome::Value);
    upstream.then(Outcome::Error("ResourceNotFoundException"));
    let server = TestServer::new(&upstream);
    let single = server.get("/secretsmanager/get?secretId=a").await;

    let reply = server.get(&format!("{SECRETS}?secretId=b&secretId=a&field=x")).await;
    assert_eq!(
        serde_json::from_str::<Value>(&reply.body).unwrap(),
        json!([
            {
                "SecretId": "b", "ErrorCode": "ResourceNotFoundException",
                "Message": "an unexpected error occurred while executing request: ResourceNotFoundException: as told"
            },
            { "SecretId": "a", "ErrorCode": "BadRequestException", "Message": "Bad Request: query parameter field: the answer holds no value" },
        ])
    );
    assert_eq!(single.body, "call 1");
}

#[actix_rt::test]
async fn all_items_are_fetched_at_once_and_each_only_once() {
    let upstream = FakeUpstream::new().taking(Duration::from_millis(50));
    let server = TestServer::with(
        Config { permits: 10, ..Config::default() },
        Upstreams::of_one(upstream.clone()),
    );

    let query: Vec<_> = (0..20).map(|number| format!("secretId={}", number % 10)).collect();
    let reply = server.get(&format!("{SECRETS}?{}", query.join("&"))).await;

    assert_eq!(reply.status_line, "HTTP/1.1 200 OK");
    assert_eq!((upstream.calls(), upstream.peak()), (10, 10));
}

#[actix_rt::test]
async fn a_batch_refreshes_every_item_when_asked_to() {
    let upstream = FakeUpstream::new();
    let server = TestServer::new(&upstream);
    server.get(&format!("{SECRETS}?secretId=a&secretId=b")).await;
    server.get(&format!("{SECRETS}?secretId=a&secretId=b&refreshNow=true")).await;
    assert_eq!(upstream.calls(), 4);
}

#[actix_rt::test]
async fn a_batch_of_nothing_or_of_too_much_is_refused_before_anything_is_fetched() {
    let upstream = FakeUpstream::new();
    let server = TestServer::new(&upstream);
    let many = vec!["name=a"; 101].join("&");
    for (target, reason) in [
        (
            format!("{SECRETS}?name=a"),
            "query parameter secretId is missing or empty: it must be a secret's name or ARN",
        ),
        (
            format!("{SECRETS}?secretId=a&secretId="),
            "query parameter secretId is missing or empty: it must be a secret's name or ARN",
        ),
        (
            format!("{PARAMETERS}?{many}"),
            "query parameter name is there 101 times: a batch has at most 100 items",
        ),
        (
            format!("{PARAMETERS}?name=a&name=%"),
            "query parameter \"name\" has the broken percent-encoding \"%\": % must be followed by two hexadecimal digits, and a % itself is written %25",
        ),
    ] {
        let reply = server.get(&target).await;
        assert_eq!(reply.header("X-Amzn-ErrorType"), Some("BadRequestException"));
        assert_eq!(reply.body, format!("Bad Request: {reason}"));
    }
    assert_eq!(upstream.calls(), 0);

    let hundred = vec!["name=a"; 100].join("&");
    assert_eq!(server.get(&format!("{PARAMETERS}?{hundred}")).await.status_line, "HTTP/1.1 200 OK");
}
