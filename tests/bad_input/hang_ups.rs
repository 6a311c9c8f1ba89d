//! Clients that go away.

use std::time::Duration;

use tokio::time::pause;

use super::{SECRET, assert_serves, server};
use crate::support::{
    server::{TestServer, get},
    upstream::FakeUpstream,
};

#[actix_rt::test]
async fn clients_that_hang_up_at_any_byte_leave_nothing_behind() {
    let server = server();
    let request = get(SECRET);
    for length in 0..=request.len() {
        let mut client = server.client().await;
        client.send(&request[..length]).await;
        drop(client);
    }
    server.no_connection_is_left().await;
    assert_serves(&server).await;
}

#[actix_rt::test]
async fn clients_that_hang_up_while_their_answer_is_fetched_leave_nothing_behind() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_secs(1));
    let server = TestServer::new(&upstream);
    for _ in 0..100 {
        let mut client = server.client().await;
        client.send(get(SECRET)).await;
        drop(client);
    }
    let mut patient = server.client().await;

    assert_eq!(patient.ask(get(SECRET)).await.body, "call 1");
    drop(patient);
    server.no_connection_is_left().await;
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn clients_that_never_read_leave_nothing_behind() {
    let server = server();
    for _ in 0..20 {
        let mut client = server.client().await;
        client.send(get(SECRET).repeat(50)).await;
        drop(client);
    }
    server.no_connection_is_left().await;
    assert_serves(&server).await;
}
