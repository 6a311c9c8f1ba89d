//! Which tokens are accepted where: a SnapStart function has no session token of its own, and
//! beside a container the user chooses one, which a file may hold.

use std::{
    cell::{Cell, RefCell},
    fs,
    path::Path,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use futures_util::future::{LocalBoxFuture, join_all};
use parameters_secrets_extension::{
    clock::Clock,
    fetch::{
        aws::{CurrentToken, SessionToken},
        error::FetchError,
        upstream::Upstreams,
    },
    http::Authorizer,
    settings::{GivenToken, Tokens},
};
use tokio::time::{Instant, advance, pause};

use crate::support::{
    cache::Config,
    clock::TestClock,
    reply::Reply,
    server::{TOKEN, TestServer, token},
    upstream::FakeUpstream,
};

/// How long credentials are valid, counted from when the endpoint was asked.
const LIFETIME: Duration = Duration::from_secs(900);

/// Gives the session tokens it is told, one at a time, and counts how often it is asked.
#[derive(Default)]
struct CredentialsEndpoint {
    token: RefCell<Option<&'static str>>,
    hangs: Cell<bool>,
    has_expired: Cell<bool>,
    asked: RefCell<usize>,
    clock: RefCell<Option<Arc<TestClock>>>,
}

impl CurrentToken for CredentialsEndpoint {
    fn current_token(&self) -> LocalBoxFuture<'_, Result<SessionToken, FetchError>> {
        Box::pin(async {
            *self.asked.borrow_mut() += 1;
            if self.hangs.get() {
                std::future::pending().await
            }
            tokio::task::yield_now().await;
            let lifetime = if self.has_expired.get() { Duration::ZERO } else { LIFETIME };
            let expires = self.clock.borrow().as_ref().map(|clock| clock.now().wall + lifetime);
            let token = self.token.borrow().and_then(token);
            token
                .map(|token| SessionToken { token, expires })
                .ok_or(FetchError::Dispatch { reason: "connection refused".to_owned() })
        })
    }
}

fn endpoint_with(token: &'static str) -> Rc<CredentialsEndpoint> {
    Rc::new(CredentialsEndpoint { token: RefCell::new(Some(token)), ..Default::default() })
}

fn server(tokens: Tokens, endpoint: &Rc<CredentialsEndpoint>) -> TestServer {
    let (asked, endpoint) = (Rc::clone(endpoint), Rc::clone(endpoint) as Rc<dyn CurrentToken>);
    let upstreams = Upstreams::of_one(FakeUpstream::new());
    TestServer::guarded(Config::default(), upstreams, |clock| {
        asked.clock.replace(Some(Arc::clone(&clock)));
        Authorizer::new(&tokens, Some(endpoint), clock)
    })
}

fn snap_start() -> Tokens {
    Tokens { container: token("container-token"), ..Tokens::default() }
}

async fn reply_with(server: &TestServer, token: &str) -> Reply {
    let head = format!("Host: localhost\r\nX-Aws-Parameters-Secrets-Token: {token}\r\n");
    server.ask(format!("GET /secretsmanager/get?secretId=db HTTP/1.1\r\n{head}\r\n")).await
}

async fn status_with(server: &TestServer, token: &str) -> u16 {
    reply_with(server, token).await.status()
}

#[actix_rt::test]
async fn with_snap_start_the_container_token_is_admitted_without_asking_for_credentials() {
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
async fn a_renewed_session_token_opens_at_once_and_the_old_one_until_its_credentials_expire() {
    pause();
    let endpoint = endpoint_with("old");
    let server = server(snap_start(), &endpoint);
    assert_eq!(status_with(&server, "old").await, 200);

    endpoint.token.replace(Some("new"));
    advance(Duration::from_secs(1)).await;

    assert_eq!(status_with(&server, "new").await, 200);
    assert_eq!(status_with(&server, "old").await, 200);

    advance(LIFETIME - Duration::from_secs(1)).await;
    assert_eq!(status_with(&server, "new").await, 200);
    assert_eq!(status_with(&server, "old").await, 401);
}

#[actix_rt::test]
async fn what_the_endpoint_has_just_given_opens_even_if_it_says_that_it_has_expired() {
    pause();
    let endpoint = endpoint_with("session-token");
    let server = server(snap_start(), &endpoint);
    endpoint.has_expired.set(true);

    for _ in 0..2 {
        assert_eq!(status_with(&server, "session-token").await, 200);
        assert_eq!(status_with(&server, "wrong").await, 401);
    }
}

#[actix_rt::test]
async fn a_known_token_needs_no_endpoint() {
    pause();
    let endpoint = endpoint_with("session-token");
    let server = server(snap_start(), &endpoint);
    assert_eq!(status_with(&server, "session-token").await, 200);

    endpoint.hangs.set(true);
    advance(Duration::from_secs(60)).await;

    assert_eq!(status_with(&server, "session-token").await, 200);
    assert_eq!(*endpoint.asked.borrow(), 1);
}

#[actix_rt::test]
async fn an_endpoint_that_hangs_is_asked_once_for_all_and_the_answer_says_so() {
    pause();
    let endpoint = endpoint_with("session-token");
    endpoint.hangs.set(true);
    let server = server(snap_start(), &endpoint);
    let started = Instant::now();
    let askers = (0..4).map(|_| reply_with(&server, "session-token"));

    for reply in join_all(askers).await {
        assert_eq!(reply.status(), 400);
        assert_eq!(reply.header("X-Amzn-ErrorType"), Some("DispatchFailure"));
        assert_eq!(
            reply.body,
            "an unexpected error occurred while executing request: DispatchFailure: credentials \
             are unavailable, so the token cannot be checked: the credentials' endpoint has not \
             answered within 5000 ms"
        );
    }
    let took = started.elapsed();
    assert!(took < Duration::from_millis(5_100), "{took:?}");
    assert_eq!(*endpoint.asked.borrow(), 1);

    // A second later it is asked again.
    endpoint.hangs.set(false);
    assert_eq!(status_with(&server, "session-token").await, 400);
    advance(Duration::from_secs(1)).await;
    assert_eq!(status_with(&server, "session-token").await, 200);
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

    let statuses = join_all(askers).await;

    assert_eq!(statuses, [401; 100]);
    assert_eq!(*endpoint.asked.borrow(), 1);
}

#[actix_rt::test]
async fn without_credentials_only_the_container_token_opens() {
    let endpoint = Rc::new(CredentialsEndpoint::default());
    let server = server(snap_start(), &endpoint);

    let reply = reply_with(&server, "session-token").await;
    assert_eq!(reply.status(), 400);
    assert!(reply.body.ends_with("cannot be checked: connection refused"), "{reply:?}");
    assert_eq!(status_with(&server, "container-token").await, 200);
}

#[actix_rt::test]
async fn a_function_with_a_session_token_accepts_that_one_alone() {
    let endpoint = endpoint_with("current-token");
    let tokens = Tokens { session: token(TOKEN), ..snap_start() };
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

fn given(value: &str) -> Tokens {
    let given = GivenToken::new("AWS_TOKEN", value.to_owned());
    Tokens { given, container: token("container-token"), ..Tokens::default() }
}

fn file(path: &Path) -> Tokens {
    given(&format!("file://{}", path.display()))
}

#[actix_rt::test]
async fn beside_a_container_the_users_token_opens_and_no_other() {
    let endpoint = endpoint_with("current-token");
    let server = server(given("users-token"), &endpoint);

    assert_eq!(status_with(&server, "users-token").await, 200);
    assert_eq!(status_with(&server, "container-token").await, 401);
    assert_eq!(status_with(&server, "current-token").await, 401);
    assert_eq!(*endpoint.asked.borrow(), 0);
}

#[actix_rt::test]
async fn a_session_token_goes_before_the_users() {
    let tokens = Tokens { session: token(TOKEN), ..given("users-token") };
    let server = server(tokens, &endpoint_with("current-token"));

    assert_eq!(status_with(&server, TOKEN).await, 200);
    assert_eq!(status_with(&server, "users-token").await, 401);
}

#[actix_rt::test]
async fn the_token_in_a_file_opens_and_a_new_one_does_as_soon_as_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "old\n").unwrap();
    let server = server(file(&path), &endpoint_with("current-token"));
    assert_eq!(status_with(&server, "old").await, 200);
    assert_eq!(status_with(&server, "new").await, 401);

    fs::write(&path, "new\n").unwrap();

    assert_eq!(status_with(&server, "new").await, 200);
    assert_eq!(status_with(&server, "old").await, 401);
    assert_eq!(status_with(&server, "container-token").await, 401);
}

#[actix_rt::test]
async fn a_token_that_was_exchanged_opens_for_less_than_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "old").unwrap();
    let server = server(file(&path), &endpoint_with("current-token"));
    assert_eq!(status_with(&server, "old").await, 200);

    fs::write(&path, "new").unwrap();
    server.clock.freeze(Duration::from_secs(1));

    assert_eq!(status_with(&server, "old").await, 401);
}

#[actix_rt::test]
async fn without_the_tokens_file_the_answer_says_which_is_missing_and_what_belongs_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let server = server(file(&path), &endpoint_with("current-token"));

    let reply = reply_with(&server, "token").await;
    assert_eq!(reply.status(), 400);
    assert_eq!(reply.header("X-Amzn-ErrorType"), Some("DispatchFailure"));
    let beginning = format!(
        "an unexpected error occurred while executing request: DispatchFailure: no token to compare \
         with, because {}, which AWS_TOKEN names, cannot be read (No such file",
        path.display()
    );
    assert!(reply.body.starts_with(&beginning), "{reply:?}");
    assert!(
        reply.body.contains("what clients send as X-Aws-Parameters-Secrets-Token"),
        "{reply:?}"
    );

    fs::write(&path, "token").unwrap();
    assert_eq!(status_with(&server, "token").await, 200);

    fs::remove_file(&path).unwrap();
    server.clock.freeze(Duration::from_secs(1));
    assert_eq!(status_with(&server, "token").await, 400);
}

#[actix_rt::test]
async fn a_hundred_requests_at_once_are_judged_by_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "token").unwrap();
    let server = server(file(&path), &endpoint_with("current-token"));

    let right = join_all((0..100).map(|_| status_with(&server, "token"))).await;
    let wrong = join_all((0..100).map(|_| status_with(&server, "wrong"))).await;

    assert_eq!((right, wrong), (vec![200; 100], vec![401; 100]));
}
