//! Requests that do not wait for the answer to the one before.

use std::time::Duration;

use tokio::time::pause;

use super::{SECRET, assert_is_one_refusal, server};
use crate::support::{
    server::{HEADERS, TestServer, get},
    upstream::{FakeUpstream, Outcome},
};

const MALFORMED: &str = "this is not a well-formed HTTP/1.1 request";

#[actix_rt::test]
async fn a_thousand_requests_in_one_go_are_answered_in_order() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_millis(10));
    let server = TestServer::new(&upstream);
    let mut client = server.client().await;
    let target = |n| format!("/secretsmanager/get?secretId={n}");
    client.send((0..1_000).map(|n| get(&target(n))).collect::<String>()).await;

    for n in 1..=1_000 {
        assert_eq!(client.reply().await.body, format!("call {n}"));
    }
    drop(client);
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn each_of_many_errors_in_one_go_is_written_as_aws_writes_it() {
    let upstream = FakeUpstream::new().always(Outcome::Error("AccessDenied"));
    let mut client = TestServer::new(&upstream).client().await;
    client
        .send([get("/nowhere"), get(SECRET), get("/ping"), get("/secretsmanager/get")].concat())
        .await;

    assert_eq!(client.reply().await.header("X-Amzn-ErrorType"), Some("BadRequestException"));
    assert_eq!(client.reply().await.header("X-Amzn-ErrorType"), Some("AccessDenied"));
    assert_eq!(client.reply().await.body, "healthy");
    assert_eq!(client.reply().await.header("X-Amzn-ErrorType"), Some("BadRequestException"));
}

#[actix_rt::test]
async fn what_is_malformed_behind_a_good_request_is_refused_after_its_answer() {
    let server = server();
    for good in [get("/ping"), get(SECRET), get("/nowhere")] {
        let mut client = server.client().await;
        client.send(format!("{good}\x00 garbage\r\n\r\n{good}")).await;

        assert_ne!(client.reply().await.body, format!("Bad Request: {MALFORMED}"));
        assert_is_one_refusal(&client.rest().await, MALFORMED);
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn a_get_keeps_its_body_when_a_head_follows() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_millis(10));
    let mut client = TestServer::new(&upstream).client().await;
    let head = format!("HEAD {SECRET} HTTP/1.1\r\n{HEADERS}\r\n");
    client.send(format!("{}{head}{}", get(SECRET), get(SECRET))).await;

    assert_eq!(client.reply().await.body, "call 1");
    assert_eq!(client.reply_to_head().await.status(), 400);
    assert_eq!(client.reply().await.body, "call 1");
}

#[actix_rt::test]
async fn a_connection_that_is_to_be_kept_is_kept_until_the_request_that_closes_it() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_millis(10));
    let mut client = TestServer::new(&upstream).client().await;
    let last = format!("GET {SECRET} HTTP/1.1\r\nConnection: close\r\n{HEADERS}\r\n");
    client.send(format!("{}{last}{}", get(SECRET), get(SECRET))).await;

    assert_eq!(client.reply().await.header("Connection"), None);
    assert_eq!(client.reply().await.header("Connection"), Some("close"));
    assert_eq!(client.rest().await, "");
}
