//! Requests that no proper client sends: each gets a clear 400, and no other request is affected.

mod half_requests;
mod hang_ups;
mod malformed;
mod oversized;
mod pipelined;
mod random;
mod with_body;

use crate::support::{
    reply::Reply,
    server::{TestServer, get},
    upstream::FakeUpstream,
};

const SECRET: &str = "/secretsmanager/get?secretId=db";

fn server() -> TestServer {
    TestServer::new(&FakeUpstream::new())
}

/// Answers a request over a new connection.
async fn assert_serves(server: &TestServer) {
    assert_eq!(server.get(SECRET).await.status(), 200);
}

/// The whole of what came over a connection is one clear 400 and its end.
#[track_caller]
fn assert_is_one_refusal(answer: &str, reason: &str) {
    let Some((reply, length)) = Reply::parse(answer.as_bytes(), true) else {
        panic!("no answer: {answer:?}");
    };
    assert_eq!(reply.status_line, "HTTP/1.1 400 Bad Request");
    assert_eq!(
        reply.header_names(),
        ["Connection", "Content-Length", "Content-Type", "Date", "X-Amzn-ErrorType"]
    );
    assert_eq!(reply.header("Connection"), Some("close"));
    assert_eq!(reply.header("Content-Type"), Some("text/plain"));
    assert_eq!(reply.header("X-Amzn-ErrorType"), Some("BadRequestException"));
    assert_eq!(reply.body, format!("Bad Request: {reason}"));
    assert_eq!(length, answer.len(), "nothing follows: {answer}");
}

/// Sends this, gets one refusal, and the server goes on.
async fn assert_refused(server: &TestServer, request: impl AsRef<[u8]>, reason: &str) {
    let mut client = server.client().await;
    client.try_send(request).await;
    assert_is_one_refusal(&client.rest().await, reason);
    assert_serves(server).await;
}

#[actix_rt::test]
async fn two_thousand_idle_connections_hold_up_no_hit() {
    let server = server();
    let mut idle = Vec::new();
    for _ in 0..2_000 {
        idle.push(server.client().await);
    }
    server.connections_are(2_000).await;

    let mut client = server.client().await;
    for _ in 0..100 {
        assert_eq!(client.ask(get(SECRET)).await.body, "call 1");
    }
    // All of them can still be used, and all of them end.
    for client in &mut idle {
        assert_eq!(client.ask(get(SECRET)).await.body, "call 1");
    }
    drop((client, idle));
    server.no_connection_is_left().await;
}
