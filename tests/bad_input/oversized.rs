//! Requests that are larger than any client needs.

use super::{SECRET, assert_refused, server};
use crate::support::server::{HEADERS, get};

const TOO_LARGE: &str = "URL and headers together must be smaller than 64 KiB";

#[actix_rt::test]
async fn an_oversized_url_is_refused() {
    let server = server();
    for size in [70_000, 200_000, 10_000_000] {
        let request = get(&format!("{SECRET}&x={}", "x".repeat(size)));
        assert_refused(&server, request, TOO_LARGE).await;
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn oversized_headers_are_refused() {
    let server = server();
    let long = "x".repeat(70_000);
    let many = "X-Header: value\r\n".repeat(1_000_000);
    for header in [format!("X-Long: {long}\r\n"), format!("{long}: x\r\n"), many] {
        let request = format!("GET {SECRET} HTTP/1.1\r\n{HEADERS}{header}\r\n");
        assert_refused(&server, request, TOO_LARGE).await;
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn more_headers_than_there_is_room_for_are_refused() {
    let headers: String = (0..97).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let request = format!("GET {SECRET} HTTP/1.1\r\n{HEADERS}{headers}\r\n");
    assert_refused(&server(), request, "a request has 96 headers at most").await;
}

#[actix_rt::test]
async fn an_endless_line_is_refused() {
    let server = server();
    for filler in ["x", "\n", "\r", "GET / "] {
        let bytes = filler.repeat(10_000_000 / filler.len());
        let mut client = server.client().await;
        client.try_send(bytes).await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{filler:?}: {answer}");
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn a_url_and_headers_just_below_the_limit_are_answered() {
    let server = server();
    let url = get(&format!("{SECRET}&x={}", "x".repeat(65_000)));
    let name = format!("GET {SECRET} HTTP/1.1\r\n{HEADERS}{}: x\r\n\r\n", "x".repeat(65_000));
    let value = format!("GET {SECRET} HTTP/1.1\r\n{HEADERS}x: {}\r\n\r\n", "x".repeat(65_000));
    for request in [url, name, value] {
        assert_eq!(server.ask(request).await.body, "call 1");
    }
}

#[actix_rt::test]
async fn a_long_name_is_cut_in_the_error() {
    let reply = server().get(&format!("/{}", "x".repeat(60_000))).await;

    assert_eq!(reply.status(), 400);
    assert!(reply.body.len() < 250, "{}", reply.body);
}
