//! Answers with a value, as bytes on the wire.

use std::rc::Rc;

use aws_smithy_types::DateTime;
use parameters_secrets_extension::{
    fetch::{
        body::{ParameterRecord, SecretRecord},
        upstream::Upstreams,
    },
    key::{CacheKey, Selector},
    secret::SecretValue,
};

use crate::support::{
    cache::Config,
    reply::Reply,
    server::{HEADERS, TestServer, get},
    upstream::{AnswerWith, FakeUpstream},
};

const SECRET: &str = "/secretsmanager/get?secretId=db";

fn names_of(reply: &Reply) -> String {
    reply.header_names().join(" ")
}

fn records(key: CacheKey) -> SecretValue {
    let date = Some(DateTime::from_millis(1_700_000_000_090));
    match key {
        CacheKey::Secret(key) => SecretRecord {
            arn: Some(format!("arn:{}", key.secret_id)),
            created_date: date,
            name: Some(key.secret_id),
            secret_binary: None,
            secret_string: Some(SecretValue::new("<p&ssword>\n")),
            version_id: key.version_id,
            version_stages: Some(vec![key.version_stage.unwrap_or("AWSCURRENT".into())]),
        }
        .into_body(),
        CacheKey::Parameter(key) => ParameterRecord {
            arn: Some(format!("arn:{}", key.name)),
            data_type: Some("text".into()),
            last_modified_date: date,
            name: Some(key.name),
            selector: key.selector.as_ref().map(Selector::to_string),
            source_result: None,
            parameter_type: Some("SecureString".into()),
            value: Some(SecretValue::new(if key.with_decryption { "plain" } else { "AQIC==" })),
            version: 7,
        }
        .into_body(),
    }
}

fn server_of_records() -> TestServer {
    let upstreams = Upstreams::of_one(AnswerWith(|key| Ok(records(key))));
    TestServer::with(Config::default(), upstreams)
}

#[actix_rt::test]
async fn a_secret_is_answered_with_its_record_and_four_lines_of_head() {
    let reply = server_of_records().get("/secretsmanager/get?secretId=db&versionId=v1").await;

    assert_eq!(reply.status_line, "HTTP/1.1 200 OK");
    assert_eq!(names_of(&reply), "Content-Length Content-Type Date");
    assert_eq!(reply.header("Content-Type"), Some("text/plain"));
    assert_eq!(
        reply.body,
        r#"{"ARN":"arn:db","CreatedDate":"2023-11-14T22:13:20.09Z","Name":"db","SecretBinary":null,"SecretString":"\u003cp\u0026ssword\u003e\n","VersionId":"v1","VersionStages":["AWSCURRENT"],"ResultMetadata":{}}"#
    );
}

#[actix_rt::test]
async fn a_parameter_is_answered_with_its_record_and_its_selector() {
    let target = "/systemsmanager/parameters/get?name=%2Fapp%2Fdb&label=Dev&withDecryption=true";
    let reply = server_of_records().get(target).await;

    assert_eq!(reply.status_line, "HTTP/1.1 200 OK");
    assert_eq!(names_of(&reply), "Content-Length Content-Type Date");
    assert_eq!(
        reply.body,
        r#"{"Parameter":{"ARN":"arn:/app/db","DataType":"text","LastModifiedDate":"2023-11-14T22:13:20.09Z","Name":"/app/db","Selector":":Dev","SourceResult":null,"Type":"SecureString","Value":"plain","Version":7},"ResultMetadata":{}}"#
    );
}

#[actix_rt::test]
async fn nothing_follows_the_body_and_it_is_never_chunked() {
    let server = TestServer::new(&FakeUpstream::new());
    let mut client = server.client().await;
    client.send(format!("GET {SECRET} HTTP/1.1\r\nConnection: close\r\n{HEADERS}\r\n")).await;

    let bytes = client.rest().await;

    let (head, body) = bytes.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "call 1");
    assert!(head.contains("\r\nContent-Length: 6\r\n"), "{head}");
    assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
}

#[actix_rt::test]
async fn the_date_is_an_http_date() {
    let reply = TestServer::new(&FakeUpstream::new()).get(SECRET).await;

    let date = reply.header("Date").unwrap();
    let shape: String = date
        .chars()
        .map(|character| match character {
            '0'..='9' => '0',
            'a'..='z' => 'a',
            'A'..='Z' => 'A',
            other => other,
        })
        .collect();
    assert_eq!(shape, "Aaa, 00 Aaa 0000 00:00:00 AAA");
    assert!(date.ends_with(" GMT"));
}

#[actix_rt::test]
async fn a_body_of_the_largest_size_arrives_whole() {
    let largest = "x".repeat(65_536);
    let body = Rc::new(largest.clone());
    let upstreams = Upstreams::of_one(AnswerWith(move |_| Ok(SecretValue::new(body.as_bytes()))));
    let mut client = TestServer::with(Config::default(), upstreams).client().await;

    for _ in 0..3 {
        assert_eq!(client.ask(get(SECRET)).await.body, largest);
    }
}

#[actix_rt::test]
async fn the_token_header_may_have_any_letter_case() {
    let server = TestServer::new(&FakeUpstream::new());
    for name in [
        "X-Aws-Parameters-Secrets-Token",
        "x-aws-parameters-secrets-token",
        "X-AWS-PARAMETERS-SECRETS-TOKEN",
        "x-AWS-parameters-SECRETS-token",
    ] {
        let head = format!("Host: localhost\r\n{name}: token-of-the-function\r\n\r\n");
        assert_eq!(server.ask(format!("GET {SECRET} HTTP/1.1\r\n{head}")).await.status(), 200);
    }
}

#[actix_rt::test]
async fn every_spelling_of_one_question_is_one_upstream_call() {
    let upstream = FakeUpstream::new();
    let server = TestServer::new(&upstream);
    for target in [
        "/systemsmanager/parameters/get?name=/app/db&version=3&withDecryption=true",
        "/systemsmanager/parameters/get/?name=/app/db&version=3&withDecryption=true",
        "/systemsmanager/parameters/get?name=%2Fapp%2fdb&version=3&withDecryption=TRUE",
        "/systemsmanager/parameters/get/?withDecryption=true&version=3&name=%2Fapp/db",
        "/systemsmanager/parameters/get?n%61me=/%61pp/db&version=3&withDecryption=true",
        "/systemsmanager/parameters/get?name=/app/db&version=3&withDecryption=true&unknown=1",
        "/systemsmanager/parameters/get?name=/app/db&version=3&label=Dev&withDecryption=true",
        "http://localhost/systemsmanager/parameters/get?name=/app/db&version=3&withDecryption=true",
    ] {
        assert_eq!(server.get(target).await.body, "call 1", "{target}");
    }
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn a_refresh_asks_upstream_again_and_updates_the_entry() {
    let server = TestServer::new(&FakeUpstream::new());

    assert_eq!(server.get(SECRET).await.body, "call 1");
    assert_eq!(server.get(&format!("{SECRET}&refreshNow=true")).await.body, "call 2");
    assert_eq!(server.get(SECRET).await.body, "call 2");
}

#[actix_rt::test]
async fn ping_needs_no_token() {
    let reply = TestServer::new(&FakeUpstream::new())
        .ask("GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;

    assert_eq!((reply.status_line.as_str(), reply.body.as_str()), ("HTTP/1.1 200 OK", "healthy"));
    assert_eq!(names_of(&reply), "Content-Length Content-Type Date");
}

#[actix_rt::test]
async fn the_statistics_are_json_behind_the_token() {
    let server = TestServer::new(&FakeUpstream::new());
    server.get(SECRET).await;
    server.get(SECRET).await;

    let reply = server.get("/stats").await;

    assert_eq!(reply.header("Content-Type"), Some("application/json"));
    assert_eq!(reply.body, serde_json::to_string(&server.stats.snapshot()).unwrap());
    assert!(
        reply
            .body
            .starts_with(r#"{"hits":1,"misses":1,"coalesced":0,"stale":0,"upstream_calls":1,"#)
    );
    let refused = server.ask("GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(refused.status(), 401);
}
