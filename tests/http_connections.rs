//! How long a connection stays open, and what decides it.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    time::Duration,
};

use parameters_secrets_extension::http::Listeners;
use tokio::time::{advance, pause};

use crate::support::{
    client::RawClient,
    server::{HEADERS, TestServer, get},
    upstream::FakeUpstream,
};

const SECRET: &str = "/secretsmanager/get?secretId=db";

fn server() -> TestServer {
    TestServer::new(&FakeUpstream::new())
}

#[actix_rt::test]
async fn a_connection_is_kept_without_a_word_about_it() {
    let server = server();
    let mut client = server.client().await;
    for _ in 0..100 {
        let reply = client.ask(get(SECRET)).await;
        assert_eq!(reply.header("Connection"), None);
    }
    server.connections_are(1).await;
}

#[actix_rt::test]
async fn an_error_does_not_end_a_connection() {
    let server = server();
    let mut client = server.client().await;
    for (target, status) in [("/", 400), (SECRET, 200), ("/secretsmanager/get", 400)] {
        assert_eq!(client.ask(get(target)).await.status(), status);
    }
    server.connections_are(1).await;
}

#[actix_rt::test]
async fn connection_close_is_answered_by_connection_close_and_by_closing() {
    let server = server();
    for (target, status) in [(SECRET, "200 OK"), ("/nowhere", "400 Bad Request")] {
        for close in ["Connection: close", "connection: Close", "Connection: foo, close"] {
            let mut client = server.client().await;
            client.send(format!("GET {target} HTTP/1.1\r\n{close}\r\n{HEADERS}\r\n")).await;
            let answer = client.rest().await;

            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
            assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
        }
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn http_1_0_is_answered_and_closed() {
    let server = server();
    for (target, status) in [(SECRET, "200 OK"), ("/nowhere", "400 Bad Request")] {
        let mut client = server.client().await;
        client.send(format!("GET {target} HTTP/1.0\r\n{HEADERS}\r\n")).await;
        let answer = client.rest().await;

        assert!(answer.starts_with(&format!("HTTP/1.0 {status}\r\n")), "{answer}");
        assert!(answer.contains("\r\nContent-Type: text/plain\r\n"), "{answer}");
        assert_eq!(answer.contains("\r\nX-Amzn-ErrorType: "), target == "/nowhere", "{answer}");
    }
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn http_1_0_is_kept_if_it_asks_so() {
    let mut client = server().client().await;
    for _ in 0..3 {
        let request = format!("GET {SECRET} HTTP/1.0\r\nConnection: keep-alive\r\n{HEADERS}\r\n");
        let reply = client.ask(request).await;

        assert_eq!(reply.header("Connection"), Some("keep-alive"));
        assert_eq!(reply.body, "call 1");
    }
}

#[actix_rt::test]
async fn an_idle_connection_is_never_closed_whether_it_was_used_or_not() {
    pause();
    let server = server();
    let mut used = server.client().await;
    used.ask(get(SECRET)).await;
    let mut unused = server.client().await;
    server.connections_are(2).await;

    // Everything runs between two steps.
    for _ in 0..24 {
        advance(Duration::from_secs(3_600)).await;
        server.connections_are(2).await;
    }

    assert_eq!(used.ask(get(SECRET)).await.status(), 200);
    assert_eq!(unused.ask(get(SECRET)).await.status(), 200);
}

#[actix_rt::test]
async fn a_connection_ends_when_its_client_ends_it() {
    let server = server();
    let mut client = server.client().await;
    client.ask(get(SECRET)).await;
    drop(client);
    let never_used = server.client().await;
    drop(never_used);

    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn a_client_that_sends_no_more_still_gets_its_answer() {
    let server = server();
    let mut client = server.client().await;
    client.send(get(SECRET)).await;
    client.end().await;

    assert!(client.rest().await.ends_with("\r\n\r\ncall 1"));
    server.no_connection_is_left().await;
}

#[actix_rt::test]
async fn an_offer_to_upgrade_is_ignored_and_the_connection_stays() {
    let server = server();
    let mut client = server.client().await;
    for offer in [
        // Java's HttpClient and `curl --http2` send this with every first request.
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n",
        "connection: upgrade\r\nupgrade: websocket\r\n",
        "Upgrade: websocket\r\n",
        "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
    ] {
        let reply = client.ask(format!("GET {SECRET} HTTP/1.1\r\n{offer}{HEADERS}\r\n")).await;

        assert_eq!(reply.status_line, "HTTP/1.1 200 OK", "{offer}");
        assert_eq!(reply.header_names(), ["Content-Length", "Content-Type", "Date"], "{offer}");
        assert_eq!(reply.body, "call 1");
    }
    server.connections_are(1).await;
}

#[actix_rt::test]
async fn an_offer_to_upgrade_is_ignored_in_whatever_pieces_it_comes() {
    let server = server();
    let mut client = server.client().await;
    let offer =
        format!("GET {SECRET} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n{HEADERS}\r\n");
    for cut in 1..offer.len() {
        client.send(&offer[..cut]).await;
        tokio::task::yield_now().await;
        let reply = client.ask(&offer[cut..]).await;

        assert_eq!(reply.header("Connection"), None, "cut at {cut}");
    }
    server.connections_are(1).await;
}

#[actix_rt::test]
async fn an_offer_to_upgrade_does_not_keep_a_connection_that_is_to_be_closed() {
    let server = server();
    let mut client = server.client().await;
    client
        .send(format!(
            "GET {SECRET} HTTP/1.1\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n{HEADERS}\r\n"
        ))
        .await;

    assert!(client.rest().await.contains("\r\nConnection: close\r\n"));
}

#[actix_rt::test]
async fn both_loopback_addresses_answer_on_one_port() {
    let server = server();
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return; // a host without IPv6
    }
    let ipv6 = SocketAddr::from((Ipv6Addr::LOCALHOST, server.port()));
    let mut client = RawClient::connect(ipv6).await;

    assert_eq!(client.ask(get(SECRET)).await.body, "call 1");
    assert_eq!(server.get(SECRET).await.body, "call 1");
}

#[test]
fn a_port_that_is_taken_on_either_address_is_an_error_that_names_it() {
    for taken in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
        let Ok(other) = TcpListener::bind((taken, 0)) else { continue };
        let address = other.local_addr().unwrap();
        let error = Listeners::bind(address.port()).unwrap_err();

        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("{address}: ")), "{error}");
    }
}
