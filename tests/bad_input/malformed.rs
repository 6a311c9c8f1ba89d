//! Bytes that are not a request.

use super::{assert_refused, assert_serves, server};
use crate::support::server::{HEADERS, get};

const MALFORMED: &str = "this is not a well-formed HTTP/1.1 request";

#[actix_rt::test]
async fn what_is_no_request_is_refused() {
    let server = server();
    for request in [
        "\x00\x01\x02\x03",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", // how HTTP/2 begins
        "GET\r\n\r\n",
        "GET /secretsmanager/get\r\n\r\n",
        "GET / HTTP/1.2\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/9\r\nHost: localhost\r\n\r\n",
        "G\u{e4}T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "G(T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n: no name\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nb\u{0}d: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nbad: \u{1}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n folded: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", // no Host
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        assert_refused(&server, request, MALFORMED).await;
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn a_client_that_speaks_tls_is_told_to_use_http() {
    let server = server();
    let hello = "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}";
    assert_refused(&server, hello, "this is TLS, and the port speaks plain HTTP: use http://")
        .await;
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn what_is_odd_but_a_request_is_answered() {
    let server = server();
    let request = get(super::SECRET);
    for odd in [
        format!("\r\n\r\n\n{request}"),
        request.replace("\r\n", "\n"),
        request.replace("\r\n\r\n", "\r\n\n"),
        request.replace("\r\n\r\n", "\nX: \r\n\r\n"),
    ] {
        assert_eq!(server.ask(&odd).await.body, "call 1", "{odd:?}");
    }
}

#[actix_rt::test]
async fn methods_that_ask_for_more_than_an_answer_are_bad_requests() {
    let server = server();
    for request in [
        format!("CONNECT localhost:2773 HTTP/1.1\r\n{HEADERS}\r\n"),
        format!("OPTIONS * HTTP/1.1\r\n{HEADERS}\r\n"),
        format!("POST / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{HEADERS}\r\n"),
    ] {
        let reply = server.ask(request).await;
        assert_eq!(reply.body, "Bad Request: only GET is answered");
        assert_serves(&server).await;
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn a_websocket_is_a_request_like_any_other() {
    let server = server();
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    let request = format!("GET {} HTTP/1.1\r\n{upgrade}{HEADERS}\r\n", super::SECRET);
    assert_eq!(server.ask(request).await.body, "call 1");
    server.no_connection_is_left().await;
}
