//! A bug of ours, wherever it strikes: every caller is answered, the next request works, the log
//! says where.
//!
//! What tests can make panic is what stands behind a trait, or writes for one: the clock, the log,
//! the upstream, the credentials' endpoint. Every actor and every handler reads the clock and logs,
//! so a panic at each read and at each line, one after the other, strikes all of them.

use std::{cell::Cell, rc::Rc, time::Duration};

use futures_util::future::{LocalBoxFuture, join_all};
use parameters_secrets_extension::{
    cache::Urgency,
    fetch::{
        aws::{CurrentToken, SessionToken},
        demand::LONGEST_FETCH,
        error::FetchError,
        upstream::{BatchAnswer, Upstream, UpstreamAnswer, Upstreams},
    },
    http::Authorizer,
    key::{ParameterKey, SecretKey},
    settings::Tokens,
};
use tokio::{
    runtime::Builder,
    time::{Instant, pause},
};

use crate::support::{
    cache::{Config, TestCache, pass, secret},
    log::{CapturedLog, PanickingLog},
    reply::Reply,
    server::{TestServer, get, token},
    upstream::{FakeUpstream, Outcome},
};

const SECRET: &str = "/secretsmanager/get?secretId=db";
const PARAMETER: &str = "/systemsmanager/parameters/get?name=/db";
const LATENCY: Duration = Duration::from_millis(20);
const TTL: Duration = Duration::from_secs(10);

/// Waits as long as a fetch may take; two permits, so that one of three keys queues.
fn config() -> Config {
    Config {
        ttl: TTL,
        permits: 2,
        refresh_ahead: true,
        batches: true,
        stale_if_error: TTL,
        deadline: Some(LONGEST_FETCH),
        capacity: 2,
        ..Config::default()
    }
}

/// Counts requests in and answers out.
#[derive(Default)]
struct Checker {
    asked: Cell<usize>,
    answered: Cell<usize>,
    failed: Cell<usize>,
}

impl Checker {
    /// Asks over a connection of its own.
    async fn ask(&self, server: &TestServer, target: &str) {
        self.asked.set(self.asked.get() + 1);
        self.judge(&server.get(target).await);
    }

    fn judge(&self, reply: &Reply) {
        self.answered.set(self.answered.get() + 1);
        match reply.status() {
            200 => {}
            400 | 500 => {
                assert_eq!(reply.header("X-Amzn-ErrorType"), Some("InternalFailure"), "{reply:?}");
                assert_eq!(reply.header("Content-Type"), Some("text/plain"));
                let start =
                    "an unexpected error occurred while executing request: InternalFailure: ";
                assert!(reply.body.starts_with(start), "{reply:?}");
                self.failed.set(self.failed.get() + 1);
            }
            _ => panic!("{reply:?}"),
        }
    }

    /// Everything that a request can cause: misses that coalesce and that queue, batches, hits, the
    /// fetch in the last fifth, a refresh, an expired value, an eviction, an invocation.
    async fn ask_everything(&self, server: &TestServer) {
        let targets = [SECRET, SECRET, PARAMETER, "/secretsmanager/get?secretId=a"];
        join_all(targets.map(|target| self.ask(server, target))).await;
        let batch = "/systemsmanager/parameters/batch?name=/a&name=/b&name=/c";
        let reply = server.get(batch).await;
        assert!(matches!(reply.status(), 200 | 500), "{reply:?}");
        self.ask(server, SECRET).await;
        server.service.cache.invoked();
        pass(TTL * 9 / 10).await;
        self.ask(server, SECRET).await;
        pass(LATENCY * 2).await;
        self.ask(server, &format!("{SECRET}&refreshNow=true")).await;
        pass(TTL).await;
        self.ask(server, SECRET).await;
    }

    /// As if nothing had happened.
    async fn assert_all_is_well(&self, server: &TestServer) {
        assert_eq!(self.answered, self.asked, "every request has its answer");
        let failed = self.failed.get();
        for target in [SECRET, PARAMETER, SECRET] {
            self.ask(server, target).await;
        }
        let reply = server.get("/systemsmanager/parameters/batch?name=/d&name=/e").await;
        assert!(!reply.body.contains("InternalFailure"), "{reply:?}");
        assert_eq!(self.failed.get(), failed, "the next requests work");
        assert_eq!(server.get("/ping").await.status(), 200);
    }
}

/// Runs with time paused from the very start, so that nothing waits in real time.
fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = || Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    actix_rt::System::with_tokio_rt(runtime).block_on(test)
}

fn server() -> (FakeUpstream, TestServer) {
    let upstream = FakeUpstream::new().taking(LATENCY);
    let server = TestServer::with(config(), Upstreams::of_one(upstream.clone()));
    (upstream, server)
}

/// One life with a panic at these reads of the clock: whether the first of them came, and how many
/// callers failed by it.
fn panic_at_reads(first: usize, second: usize) -> (bool, usize) {
    run(async {
        let (_upstream, server) = server();
        let checker = Checker::default();
        server.clock.panics_at(first, second);
        checker.ask_everything(&server).await;
        let came = server.clock.stops_panicking();
        checker.assert_all_is_well(&server).await;
        (came, checker.failed.get())
    })
}

#[test]
fn wherever_the_clock_is_read_a_panic_costs_no_caller_its_answer() {
    let (mut reads, mut failed) = (0, 0);
    loop {
        let (came, failures) = panic_at_reads(reads + 1, 0);
        if !came {
            break;
        }
        reads += 1;
        failed += failures;
    }
    assert!(reads > 30, "only {reads} reads");
    assert!(failed > 0, "some of them are in a handler");
}

/// The second one strikes the second attempt.
#[test]
fn a_second_panic_over_the_same_question_costs_no_caller_its_answer_either() {
    for first in (1..60).step_by(3) {
        for second in (1..12).step_by(2) {
            panic_at_reads(first, second);
        }
    }
}

#[test]
fn whichever_line_of_the_log_panics_costs_no_caller_its_answer() {
    let life = |line| {
        run(async {
            let (_upstream, server) = server();
            let checker = Checker::default();
            let log = PanickingLog::at(line);
            checker.ask_everything(&server).await;
            let came = !log.will_panic();
            drop(log);
            checker.assert_all_is_well(&server).await;
            came
        })
    };
    let lines = (1..).take_while(|line| life(*line)).count();
    assert!(lines > 20, "only {lines} lines");
}

#[actix_rt::test]
async fn every_upstream_call_may_panic_once_and_twice() {
    pause();
    for panics in 1..=2 {
        let (upstream, server) = server();
        let checker = Checker::default();
        for _ in 0..panics {
            upstream.then(Outcome::Panic);
        }
        for _ in 0..panics {
            join_all([SECRET, SECRET, SECRET].map(|target| checker.ask(&server, target))).await;
        }
        assert_eq!(checker.failed.get(), 3 * panics);
        checker.assert_all_is_well(&server).await;
    }
}

/// Panics before there is a future to poll, as a bug in what makes the request would.
#[derive(Clone, Default)]
struct PanicsAtOnce {
    has_panicked: Rc<Cell<bool>>,
}

impl PanicsAtOnce {
    fn panic_once(&self) {
        if !self.has_panicked.replace(true) {
            std::panic::resume_unwind(Box::new("as told"));
        }
    }
}

impl Upstream<SecretKey> for PanicsAtOnce {
    fn fetch(&self, key: SecretKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        self.panic_once();
        Upstream::fetch(&FakeUpstream::new(), key)
    }
}

impl Upstream<ParameterKey> for PanicsAtOnce {
    fn fetch(&self, key: ParameterKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        self.panic_once();
        Upstream::fetch(&FakeUpstream::new(), key)
    }

    fn fetch_together(&self, keys: Vec<ParameterKey>) -> LocalBoxFuture<'static, BatchAnswer> {
        self.panic_once();
        FakeUpstream::new().fetch_together(keys)
    }
}

#[actix_rt::test]
async fn a_call_that_panics_before_it_is_a_future_answers_all_it_was_for() {
    pause();
    let server = TestServer::with(config(), Upstreams::of_one(PanicsAtOnce::default()));
    let cache = &server.service.cache;
    let callers = [(), ()].map(|()| cache.look_up(secret("db"), Urgency::Patient));
    for answer in join_all(callers).await {
        assert!(matches!(*answer.unwrap_err(), FetchError::Panicked));
    }
    Checker::default().assert_all_is_well(&server).await;

    let server = TestServer::with(config(), Upstreams::of_one(PanicsAtOnce::default()));
    let reply = server.get("/systemsmanager/parameters/batch?name=/a&name=/b").await;
    assert_eq!(
        reply.body.matches("InternalFailure").count(),
        4,
        "a code and a text each: {reply:?}"
    );
    Checker::default().assert_all_is_well(&server).await;
}

/// A credentials' endpoint whose client has a bug.
struct PanickingEndpoint(Cell<bool>);

impl CurrentToken for PanickingEndpoint {
    fn current_token(&self) -> LocalBoxFuture<'_, Result<SessionToken, FetchError>> {
        Box::pin(async {
            assert!(self.0.replace(true), "the endpoint's client is broken");
            let token = token(crate::support::server::TOKEN).unwrap();
            Ok(SessionToken { token, expires: None })
        })
    }
}

#[actix_rt::test]
async fn a_handler_that_panics_answers_500_on_a_connection_that_goes_on_and_the_log_says_where() {
    let log = CapturedLog::at_debug_with_panics();
    let upstreams = Upstreams::of_one(FakeUpstream::new());
    let server = TestServer::guarded(Config::default(), upstreams, |clock| {
        let tokens = Tokens { container: token("another"), ..Tokens::default() };
        Authorizer::new(&tokens, Some(Rc::new(PanickingEndpoint(Cell::new(false)))), clock)
    });
    let mut client = server.client().await;

    let reply = client.ask(get(SECRET)).await;

    assert_eq!(reply.status_line, "HTTP/1.1 500 Internal Server Error");
    assert_eq!(reply.header("X-Amzn-ErrorType"), Some("InternalFailure"));
    assert_eq!(reply.header("Content-Type"), Some("text/plain"));
    assert_eq!(
        reply.body,
        "an unexpected error occurred while executing request: InternalFailure: \
         the request ended by a panic; the log has its message"
    );
    server.clock.freeze(Duration::from_secs(1)); // the endpoint is asked once in a second
    assert_eq!(client.ask(get(SECRET)).await.body, "call 1");
    let errors = log.lines("ERROR");
    assert_eq!(errors.len(), 1, "{errors:?}");
    let (place, message) = errors[0].rsplit_once(": ").unwrap();
    assert!(place.starts_with("panicked at tests/panics.rs:"), "{place}");
    assert_eq!(message, "the endpoint's client is broken");
}

#[test]
fn a_hit_that_panics_is_a_500_and_the_next_one_a_hit() {
    run(async {
        let (upstream, server) = server();
        let mut client = server.client().await;
        client.ask(get(SECRET)).await;
        let before = Instant::now();

        server.clock.panics_next();
        assert_eq!(client.ask(get(SECRET)).await.status(), 500);

        assert_eq!(client.ask(get(SECRET)).await.body, "call 1");
        assert_eq!((upstream.calls(), before.elapsed()), (1, Duration::ZERO));
    });
}

#[test]
fn no_panic_leaves_callers_with_old_values_for_good() {
    let is_new_after_a_panic_at = |read| {
        run(async {
            let upstream = FakeUpstream::new();
            let config = Config { stale_if_error: 10 * TTL, ..config() };
            let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
            test.get(&secret("db")).await.unwrap();
            pass(TTL).await;

            test.clock.panics_at(read, 0);
            let _ = test.caller(&secret("db")).await;
            let came = test.clock.stops_panicking();
            for _ in 0..2 {
                pass(TTL / 5).await;
                let _ = test.get(&secret("db")).await;
            }
            let (_, age) = test.get_with_age(&secret("db")).await.unwrap();
            assert_eq!(age, None, "read {read}");
            came
        })
    };
    let reads = (1..).take_while(|read| is_new_after_a_panic_at(*read)).count();
    assert!(reads > 3, "{reads}");
}
