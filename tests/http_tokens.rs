//! Which tokens are accepted where: a SnapStart function has no session token of its own.

use std::{cell::RefCell, rc::Rc, time::Duration};

use futures_util::future::LocalBoxFuture;
use parameters_secrets_extension::{
    fetch::{aws::CurrentToken, upstream::Upstreams},
    http::Authorizer,
    settings::{Token, Tokens},
};
use tokio::time::{advance, pause};

use crate::support::{
    cache::Config,
    server::{TOKEN, TestServer, token},
    upstream::FakeUpstream,
};

/// Gives the session tokens it is told, one at a time, and counts how often it is asked.
#[derive(Default)]
struct CredentialsEndpoint {
    token: RefCell<Option<&'static str>>,
    asked: RefCell<usize>,
}

impl CurrentToken for CredentialsEndpoint {
    fn current_token(&self) -> LocalBoxFuture<'_, Option<Token>> {
        Box::pin(async {
            *self.asked.borrow_mut() += 1;
            tokio::task::yield_now().await;
            self.token.borrow().and_then(token)
        })
    }
}

fn endpoint_with(token: &'static str) -> Rc<CredentialsEndpoint> {
    Rc::new(CredentialsEndpoint { token: RefCell::new(Some(token)), ..Default::default() })
}

fn server(tokens: Tokens, endpoint: &Rc<CredentialsEndpoint>) -> TestServer {
    let endpoint = Rc::clone(endpoint) as Rc<dyn CurrentToken>;
    let upstreams = Upstreams::of_one(FakeUpstream::new());
    TestServer::guarded(Config::default(), upstreams, |clock| {
        Authorizer::new(tokens, Some(endpoint), clock)
    })
}

fn snap_start() -> Tokens {
    Tokens { session: None, container: token("container-token") }
}

async fn status_with(server: &TestServer, token: &str) -> u16 {
    let head = format!("Host: localhost\r\nX-Aws-Parameters-Secrets-Token: {token}\r\n");
    server.ask(format!("GET /secretsmanager/get?secretId=db HTTP/1.1\r\n{head}\r\n")).await.status()
}

#[actix_rt::test]
async fn with_snap_start_the_container_token_opens_and_nobody_asks_for_credentials() {
    let endpoint = endpoint_with("session-token");
    let server = server(snap_start(), &endpoint);

    assert_eq!(status_with(&server, "container-token").await, 200);
    assert_eq!(*endpoint.asked.borrow(), 0);
}

#[actix_rt::test]
async fn with_snap_start_the_session_token_of_the_current_credentials_opens() {
    let endpoint = endpoint_with("session-token");
    let server = server(snap_start(), &endpoint);

    assert_eq!(status_with(&server, "session-token").await, 200);
    assert_eq!(status_with(&server, "wrong").await, 401);
    assert_eq!(status_with(&server, "").await, 401);
}

#[actix_rt::test]
async fn a_rotated_session_token_opens_within_a_second_and_the_old_one_no_more() {
    pause();
    let endpoint = endpoint_with("old");
    let server = server(snap_start(), &endpoint);
    assert_eq!(status_with(&server, "old").await, 200);

    endpoint.token.replace(Some("new"));
    advance(Duration::from_secs(1)).await;

    assert_eq!(status_with(&server, "new").await, 200);
    assert_eq!(status_with(&server, "old").await, 401);
}

#[actix_rt::test]
async fn a_token_that_was_current_before_a_freeze_is_looked_up_again() {
    pause();
    let endpoint = endpoint_with("old");
    let server = server(snap_start(), &endpoint);
    assert_eq!(status_with(&server, "old").await, 200);

    endpoint.token.replace(Some("new"));
    server.clock.freeze(Duration::from_secs(3_600));

    assert_eq!(status_with(&server, "old").await, 401);
    assert_eq!(status_with(&server, "new").await, 200);
}

#[actix_rt::test]
async fn a_hundred_wrong_tokens_ask_the_endpoint_once() {
    pause();
    let endpoint = endpoint_with("session-token");
    let server = server(snap_start(), &endpoint);
    let askers = (0..100).map(|_| status_with(&server, "wrong"));

    let statuses = futures_util::future::join_all(askers).await;

    assert_eq!(statuses, [401; 100]);
    assert_eq!(*endpoint.asked.borrow(), 1);
}

#[actix_rt::test]
async fn without_credentials_only_the_container_token_opens() {
    let endpoint = Rc::new(CredentialsEndpoint::default());
    let server = server(snap_start(), &endpoint);

    assert_eq!(status_with(&server, "session-token").await, 401);
    assert_eq!(status_with(&server, "container-token").await, 200);
}

#[actix_rt::test]
async fn a_function_with_a_session_token_accepts_that_one_alone() {
    let endpoint = endpoint_with("current-token");
    let tokens = Tokens { session: token(TOKEN), container: token("container-token") };
    let server = server(tokens, &endpoint);

    assert_eq!(status_with(&server, TOKEN).await, 200);
    assert_eq!(status_with(&server, "container-token").await, 401);
    assert_eq!(status_with(&server, "current-token").await, 401);
    assert_eq!(*endpoint.asked.borrow(), 0);
}

#[actix_rt::test]
async fn without_any_token_everything_is_refused() {
    let endpoint = endpoint_with("current-token");
    let server = server(Tokens::default(), &endpoint);

    assert_eq!(status_with(&server, "current-token").await, 401);
    assert_eq!(status_with(&server, "").await, 401);
}
