//! Requests that take their time, or never come to their end.

use std::time::Duration;

use tokio::time::{Instant, pause};

use super::{SECRET, assert_is_one_refusal, assert_serves, server};
use crate::support::{
    server::{TestServer, get},
    upstream::FakeUpstream,
};

const TOO_SLOW: &str = "URL and headers did not arrive completely within 5 seconds";

/// Every part of a request but the whole of it.
fn halves() -> Vec<String> {
    let request = get(SECRET);
    [1, 3, 10, request.len() / 2, request.len() - 2, request.len() - 1]
        .map(|length| request[..length].to_owned())
        .into()
}

#[actix_rt::test]
async fn half_a_request_is_refused_after_five_seconds() {
    pause();
    let server = server();
    for half in halves() {
        let mut client = server.client().await;
        let started = Instant::now();
        client.send(&half).await;

        assert_is_one_refusal(&client.rest().await, TOO_SLOW);
        let waited = started.elapsed();
        assert!((5_000..5_100).contains(&waited.as_millis()), "{waited:?} for {half:?}");
        assert_serves(&server).await;
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn half_a_request_after_a_whole_one_is_refused_too() {
    pause();
    let server = server();
    for half in halves() {
        let mut client = server.client().await;
        client.ask(get(SECRET)).await;
        client.send(&half).await;

        assert_is_one_refusal(&client.rest().await, TOO_SLOW);
        assert_serves(&server).await;
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn half_a_request_behind_a_whole_one_is_refused_after_its_answer() {
    pause();
    let server = server();
    let mut client = server.client().await;
    client.send(format!("{}GET /half", get(SECRET))).await;

    assert_eq!(client.reply().await.body, "call 1");
    assert_is_one_refusal(&client.rest().await, TOO_SLOW);
}

#[actix_rt::test]
async fn a_thousand_half_requests_delay_no_other_request() {
    pause();
    let server = server();
    let mut halves = Vec::new();
    for _ in 0..1_000 {
        let mut client = server.client().await;
        client.send("GET /secretsmanager/get?secretId=").await;
        halves.push(client);
    }
    let started = Instant::now();

    assert_serves(&server).await;

    assert_eq!(started.elapsed(), Duration::ZERO);
    for mut client in halves {
        assert_is_one_refusal(&client.rest().await, TOO_SLOW);
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn a_request_may_come_byte_by_byte() {
    let server = server();
    let mut client = server.client().await;
    for _ in 0..3 {
        for byte in get(SECRET).into_bytes() {
            client.send([byte]).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(client.reply().await.body, "call 1");
    }
}

#[actix_rt::test]
async fn the_time_starts_anew_with_each_request_but_not_with_each_byte() {
    pause();
    let server = server();
    let mut client = server.client().await;
    // 3 s a request: none of them is late.
    for _ in 0..5 {
        client.send("GET /ping HT").await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(client.ask("TP/1.1\r\nHost: localhost\r\n\r\n").await.body, "healthy");
    }
    // 1 s a byte: together they are.
    for byte in "GET /ping".bytes() {
        client.try_send([byte]).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_is_one_refusal(&client.rest().await, TOO_SLOW);
}

#[actix_rt::test]
async fn a_slow_upstream_does_not_make_a_request_late() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_secs(20));
    let mut client = TestServer::new(&upstream).client().await;

    assert_eq!(client.ask(get(SECRET)).await.body, "call 1");
}

#[actix_rt::test]
async fn half_a_request_and_no_more_to_come_just_ends() {
    let server = server();
    for half in halves() {
        let mut client = server.client().await;
        client.send(half).await;
        client.end().await;
        assert_eq!(client.rest().await, "");
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn line_ends_behind_a_request_are_no_half_request() {
    pause();
    let server = server();
    for line_ends in ["\r\n", "\n", "\r\n\r\n\n"] {
        let mut client = server.client().await;
        client.send(format!("{}{line_ends}", get(SECRET))).await;
        assert_eq!(client.reply().await.body, "call 1");
        client.send(line_ends).await;
        tokio::time::sleep(Duration::from_secs(60)).await;

        // The next answer is the answer to the next request.
        assert_eq!(client.ask(get(SECRET)).await.body, "call 1", "{line_ends:?}");
    }
}

#[actix_rt::test]
async fn the_time_of_a_head_starts_with_its_first_character() {
    pause();
    let server = server();
    let mut client = server.client().await;
    client.send("\r\n").await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    client.send("GET /").await;
    let started = Instant::now();

    assert_is_one_refusal(&client.rest().await, TOO_SLOW);
    assert!((5_000..5_100).contains(&started.elapsed().as_millis()));
}
