//! Requests with a body, which no valid request has.

use std::time::Duration;

use tokio::time::pause;

use super::{SECRET, assert_serves, server};
use crate::support::{
    server::{HEADERS, TestServer},
    upstream::FakeUpstream,
};

fn with_body(method: &str, length: usize, body: &str) -> String {
    format!("{method} {SECRET} HTTP/1.1\r\nContent-Length: {length}\r\n{HEADERS}\r\n{body}")
}

#[actix_rt::test]
async fn a_huge_body_gets_its_clear_400_and_is_not_kept() {
    pause();
    let server = server();
    let mut client = server.client().await;
    client.try_send(with_body("POST", 50_000_000, &"x".repeat(50_000_000))).await;

    let answer = client.rest().await;

    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nBad Request: only GET is answered"), "{answer}");
    drop(client);
    server.no_connection_is_left().await;
    assert_serves(&server).await;
}

#[actix_rt::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let server = server();
    let mut client = server.client().await;
    client.send(with_body("POST", 1_000, "")).await;

    let answer = client.rest().await;

    assert!(answer.ends_with("\r\n\r\nBad Request: only GET is answered"), "{answer}");
}

#[actix_rt::test]
async fn a_get_with_a_body_is_answered_as_if_it_had_none() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_secs(10));
    let server = TestServer::new(&upstream);
    let chunked = |chunks: &str| {
        format!("GET {SECRET} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n{HEADERS}\r\n{chunks}")
    };
    for request in [
        with_body("GET", 2, "{}"),
        with_body("GET", 4, "\r\n\r\n"),
        with_body("GET", 2, ""),
        with_body("GET", 100_000, &"\r\n\r\n".repeat(25_000)),
        chunked("5\r\na\n\nbc\r\n0\r\n\r\n"),
        chunked("5\r\nab"),
        chunked("not a chunk\r\n\r\n"),
        chunked(""),
    ] {
        let mut client = server.client().await;
        client.send(&request).await;

        let answer = client.rest().await;

        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{request:?}: {answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{request:?}: {answer}");
        assert!(answer.ends_with("\r\n\r\ncall 1"), "{request:?}: {answer}");
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn an_empty_body_does_not_end_the_connection() {
    let mut client = server().client().await;
    for _ in 0..2 {
        assert_eq!(client.ask(with_body("GET", 0, "")).await.body, "call 1");
    }
}

#[actix_rt::test]
async fn a_body_that_waits_for_a_word_gets_the_answer_instead() {
    let server = server();
    for (method, status) in [("GET", 200), ("POST", 400)] {
        let expect = format!(
            "{method} {SECRET} HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n{HEADERS}\r\n"
        );
        let reply = server.ask(expect).await;

        assert_eq!(reply.status(), status);
        assert_eq!(reply.header("Connection"), Some("close"));
    }
    server.no_connection_is_left().await;
}
