//! Errors, as bytes on the wire: every error of AWS's extension and every one of this project's
//! own, and the order of the checks.

use std::time::Duration;

use parameters_secrets_extension::{
    cache::Urgency,
    fetch::{
        error::{FetchError, UpstreamErrorKind},
        pool::MAX_QUEUED,
        upstream::Upstreams,
    },
};
use tokio::time::pause;

use crate::support::{
    cache::{Config, secret},
    log::CapturedLog,
    reply::Reply,
    server::{HEADERS, TestServer, get},
    upstream::{AnswerWith, FakeUpstream, Outcome},
};

const SECRET: &str = "/secretsmanager/get?secretId=db";
const FAILED: &str = "an unexpected error occurred while executing request";

fn server() -> TestServer {
    TestServer::new(&FakeUpstream::new())
}

#[track_caller]
fn assert_is(reply: &Reply, status_line: &str, code: &str, body: &str) {
    assert_eq!(reply.status_line, status_line);
    assert_eq!(reply.header("X-Amzn-ErrorType"), Some(code));
    assert_eq!(reply.header("Content-Type"), Some("text/plain"));
    assert_eq!(
        reply.header_names(),
        ["Content-Length", "Content-Type", "Date", "X-Amzn-ErrorType"]
    );
    assert_eq!(reply.body, body);
}

#[track_caller]
fn assert_is_bad_request(reply: &Reply, reason: &str) {
    let body = format!("Bad Request: {reason}");
    assert_is(reply, "HTTP/1.1 400 Bad Request", "BadRequestException", &body);
}

#[track_caller]
fn assert_is_unauthorized(reply: &Reply) {
    let body = "bad session token or header key";
    assert_is(reply, "HTTP/1.1 401 Unauthorized", "AccessDeniedException", body);
}

#[actix_rt::test]
async fn a_missing_or_wrong_token_is_401_with_the_official_text() {
    let server = server();
    for header in [
        "",
        "X-Aws-Parameters-Secrets-Token: wrong\r\n",
        "X-Aws-Parameters-Secrets-Token: \r\n",
        "X-Aws-Parameters-Secrets-Token: token-of-the-functio\r\n",
        "X-Aws-Parameters-Secrets-Token: token-of-the-function-and-more\r\n",
        "X-Aws-Parameters-Secrets-Token: TOKEN-OF-THE-FUNCTION\r\n",
        "X-Aws-Parameters-Secrets: token-of-the-function\r\n",
        "Authorization: token-of-the-function\r\n",
    ] {
        let request = format!("GET {SECRET} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n");
        assert_is_unauthorized(&server.ask(request).await);
    }
}

#[actix_rt::test]
async fn any_method_but_get_is_a_bad_request() {
    let server = server();
    for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "BREW", "get", "PROPFIND"]
    {
        let reply = server.ask(format!("{method} {SECRET} HTTP/1.1\r\n{HEADERS}\r\n")).await;
        assert_is_bad_request(&reply, "only GET is answered");
    }
}

#[actix_rt::test]
async fn head_is_a_bad_request_without_a_body() {
    let mut client = server().client().await;
    client.send(format!("HEAD {SECRET} HTTP/1.1\r\n{HEADERS}\r\n")).await;

    let reply = client.reply_to_head().await;

    assert_eq!(reply.status_line, "HTTP/1.1 400 Bad Request");
    assert_eq!(reply.header("X-Amzn-ErrorType"), Some("BadRequestException"));
    // The next answer begins right behind the head.
    assert_eq!(client.ask(get(SECRET)).await.body, "call 1");
}

#[actix_rt::test]
async fn an_unknown_path_is_a_bad_request_that_names_both_paths() {
    let server = server();
    for path in ["/", "/secretsmanager", "/secretsmanager/get//", "/SecretsManager/get", "/ping/"] {
        let reason = format!(
            "unknown path \"{path}\": ask for /secretsmanager/get or /systemsmanager/parameters/get"
        );
        assert_is_bad_request(&server.get(&format!("{path}?secretId=db")).await, &reason);
    }
}

#[actix_rt::test]
async fn a_query_that_asks_nothing_is_a_bad_request_that_says_what_is_wrong() {
    let server = server();
    let parameter = "/systemsmanager/parameters/get?name=a";
    let name =
        "query parameter name is missing or empty: it must be a parameter's name, path or ARN";
    let id = "query parameter secretId is missing or empty: it must be a secret's name or ARN";
    let number = "query parameter version is \"x\": it must be a whole number below 2^64";
    let flag = "query parameter withDecryption is \"yes\": it must be true or false";
    let broken = "query parameter \"name\" has the broken percent-encoding \"%zz\": % must be \
                  followed by two hexadecimal digits, and a % itself is written %25";
    for (target, reason) in [
        ("/secretsmanager/get".to_owned(), id),
        ("/secretsmanager/get?secretId=".to_owned(), id),
        ("/systemsmanager/parameters/get/?secretId=a".to_owned(), name),
        (format!("{parameter}&version=x"), number),
        (format!("{parameter}&withDecryption=yes"), flag),
        ("/systemsmanager/parameters/get?name=%zz".to_owned(), broken),
    ] {
        assert_is_bad_request(&server.get(&target).await, reason);
    }
}

#[actix_rt::test]
async fn the_token_is_checked_before_the_method_the_method_before_the_path_the_path_before_the_query()
 {
    let server = server();
    let everything_wrong = "/nowhere?name=%zz";
    let reply = server.ask(format!("POST {everything_wrong} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert_is_unauthorized(&reply.await);

    let reply = server.ask(format!("POST {everything_wrong} HTTP/1.1\r\n{HEADERS}\r\n")).await;
    assert_is_bad_request(&reply, "only GET is answered");

    let reply = server.get(everything_wrong).await;
    assert!(reply.body.starts_with("Bad Request: unknown path \"/nowhere\""), "{reply:?}");
}

#[actix_rt::test]
async fn a_forwarded_request_is_refused_whatever_else_it_is() {
    let server = server();
    for header in [
        "X-Forwarded-For: 10.0.0.1",
        "forwarded: for=10.0.0.1",
        "x-forwarded-for: ",
        "Via: 1.1 proxy",
    ] {
        for target in [SECRET, "/ping"] {
            let request = format!("GET {target} HTTP/1.1\r\n{header}\r\n{HEADERS}\r\n");
            let reply = server.ask(request).await;
            assert_is_bad_request(&reply, "forwarded requests are refused");
        }
    }
}

#[actix_rt::test]
async fn a_request_for_another_host_is_refused_whatever_else_it_is() {
    let server = server();
    for target in [SECRET, "/ping"] {
        let request = get(target).replace("localhost:2773", "rebound.example:2773");
        let absolute = get(&format!("http://rebound.example{target}"));
        for (request, host) in [(request, "rebound.example:2773"), (absolute, "rebound.example")] {
            let reason = format!("host is \"{host}\": it must be localhost, 127.0.0.1 or [::1]");
            assert_is_bad_request(&server.ask(request).await, &reason);
        }
    }
}

#[actix_rt::test]
async fn every_loopback_name_with_any_port_and_none_at_all_is_answered() {
    let server = server();
    for host in ["localhost", "127.0.0.1:2773", "[::1]:1", ""] {
        let reply = server.ask(get(SECRET).replace("localhost:2773", host)).await;
        assert_eq!(reply.status(), 200, "{host:?}");
    }
    let without_host =
        get(SECRET).replace("HTTP/1.1", "HTTP/1.0").replace("Host: localhost:2773\r\n", "");
    assert_eq!(server.ask(without_host).await.status(), 200);
    let absolute = get(&format!("http://localhost:2773{SECRET}"));
    assert_eq!(server.ask(absolute).await.status(), 200);
}

#[actix_rt::test]
async fn an_upstreams_error_keeps_the_generic_text_and_adds_code_and_message() {
    let upstreams = Upstreams::of_one(AnswerWith(|_| {
        let message = "Secrets Manager can't find the specified secret.".to_owned();
        Err(FetchError::Upstream {
            code: "ResourceNotFoundException".into(),
            message,
            kind: UpstreamErrorKind::Refusal,
        })
    }));
    let reply = TestServer::with(Config::default(), upstreams).get(SECRET).await;

    let body = format!(
        "{FAILED}: ResourceNotFoundException: Secrets Manager can't find the specified secret."
    );
    assert_is(&reply, "HTTP/1.1 400 Bad Request", "ResourceNotFoundException", &body);
}

#[actix_rt::test]
async fn an_upstreams_code_that_is_no_header_value_still_gets_an_answer() {
    let upstream = FakeUpstream::new().always(Outcome::Error("two\r\nlines"));
    let reply = TestServer::new(&upstream).get(SECRET).await;

    let body = format!("{FAILED}: two\r\nlines: as told");
    assert_is(&reply, "HTTP/1.1 400 Bad Request", "InternalFailure", &body);
}

#[actix_rt::test]
async fn an_upstream_that_cannot_be_reached_is_a_dispatch_failure() {
    let upstreams = Upstreams::of_one(AnswerWith(|_| {
        Err(FetchError::Dispatch { reason: "connection refused".into() })
    }));
    let reply = TestServer::with(Config::default(), upstreams).get(SECRET).await;

    let body = format!("{FAILED}: DispatchFailure: connection refused");
    assert_is(&reply, "HTTP/1.1 400 Bad Request", "DispatchFailure", &body);
}

#[actix_rt::test]
async fn an_upstream_that_hangs_is_a_request_time_out() {
    pause();
    let config = Config { time_out: Some(Duration::from_millis(20)), ..Config::default() };
    let upstream = FakeUpstream::new().always(Outcome::Hang);
    let reply = TestServer::with(config, Upstreams::of_one(upstream)).get(SECRET).await;

    let body = format!(
        "{FAILED}: RequestTimeout: no answer from secretsmanager within 20 ms: \
         the service did not answer; does a missing route, a security group, a network ACL or a \
         proxy hold it up?"
    );
    assert_is(&reply, "HTTP/1.1 400 Bad Request", "RequestTimeout", &body);
}

#[actix_rt::test]
async fn a_panic_of_ours_is_an_answer_too_and_the_next_request_is_served() {
    let upstream = FakeUpstream::new();
    upstream.then(Outcome::Panic);
    let mut client = TestServer::new(&upstream).client().await;

    let reply = client.ask(get(SECRET)).await;

    let body =
        format!("{FAILED}: InternalFailure: the fetch ended by a panic; the log has its message");
    assert_is(&reply, "HTTP/1.1 400 Bad Request", "InternalFailure", &body);
    assert_eq!(client.ask(get(SECRET)).await.body, "call 2");
}

#[actix_rt::test]
async fn beyond_the_queue_the_answer_is_overloaded_and_when_to_come_again() {
    pause();
    let config = Config { permits: 1, ..Config::default() };
    let upstream = FakeUpstream::new().always(Outcome::Hang);
    let server = TestServer::with(config, Upstreams::of_one(upstream.clone()));
    for number in 0..=MAX_QUEUED {
        let service = server.service.clone();
        let look_up = async move {
            service.cache.look_up(secret(&number.to_string()), Urgency::Patient).await
        };
        tokio::task::spawn_local(look_up);
    }
    upstream.calls_are(1).await;

    let reply = server.get("/secretsmanager/get?secretId=another").await;

    assert_eq!(reply.status_line, "HTTP/1.1 400 Bad Request");
    assert_eq!(reply.header("X-Amzn-ErrorType"), Some("Overloaded"));
    assert_eq!(reply.header("Retry-After"), Some("1"));
    assert!(reply.body.starts_with(&format!("{FAILED}: Overloaded: ")), "{reply:?}");
}

#[actix_rt::test]
async fn the_first_401_of_each_kind_is_a_warning_that_says_what_to_send() {
    let server = server();
    let log = CapturedLog::start();
    let missing = format!("GET {SECRET} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let wrong = format!(
        "GET {SECRET} HTTP/1.1\r\nHost: localhost\r\nX-Aws-Parameters-Secrets-Token: wrong\r\n\r\n"
    );
    for (request, words) in
        [(missing, "it has no token: send"), (wrong, "its token is wrong: send")]
    {
        for _ in 0..3 {
            assert_eq!(server.ask(request.clone()).await.status(), 401);
        }
        let lines = log.take_lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("WARN ") && lines[0].contains(words), "{lines:?}");
    }
}

#[actix_rt::test]
async fn a_refused_request_leaves_one_line_in_the_debug_log_that_says_why() {
    let server = server();
    let log = CapturedLog::at_debug();
    let with_headers =
        |headers: &str| format!("GET {SECRET} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    let long = "x".repeat(1_000);
    let unknown_path = format!(
        "refused: unknown path \"/{}…\": ask for /secretsmanager/get or \
         /systemsmanager/parameters/get",
        "x".repeat(79)
    );
    for (request, line) in [
        (with_headers(""), "refused: bad session token or header key token=missing"),
        (
            with_headers("X-Aws-Parameters-Secrets-Token: wrong\r\n"),
            "refused: bad session token or header key token=wrong",
        ),
        (with_headers("X-Forwarded-For: b\r\n"), "refused: forwarded requests are refused"),
        (format!("POST {SECRET} HTTP/1.1\r\n{HEADERS}\r\n"), "refused: only GET is answered"),
        (get(&format!("/{long}")), &unknown_path),
        (
            get("/systemsmanager/parameters/get?name=a&version=%0A"),
            r#"refused: query parameter version is "\n": it must be a whole number below 2^64"#,
        ),
        (get("/a b"), "refused: this is not a well-formed HTTP/1.1 request"),
    ] {
        assert_ne!(server.ask(request).await.status(), 200);
        let lines = log.take_lines().into_iter().filter(|line| !line.starts_with("WARN "));
        assert_eq!(lines.collect::<Vec<_>>(), [format!("DEBUG {line}")]);
    }
    assert_eq!(server.get("/ping").await.status(), 200);
    assert!(log.text().is_empty());
}

#[actix_rt::test]
async fn a_refused_request_is_nothing_to_tell_at_info() {
    let server = server();
    let log = CapturedLog::start();
    assert_eq!(server.get("/nowhere").await.status(), 400);

    assert!(log.text().is_empty());
}
