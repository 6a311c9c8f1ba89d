//! The guard of the hit path: what one hit allocates, from its first byte read to its last byte
//! written.
//!
//! Allocations are counted, not seconds or instructions: the figure is the same on every machine,
//! and a copy of the value, a future more, a message more or a line that is formatted and then not
//! written all show in it.

use std::{rc::Rc, sync::Arc, time::Duration};

use actix::{Actor, Addr, System};
use actix_web::web;
use allocation_counter::AllocationInfo;
use parameters_secrets_extension::{
    cache::Cache,
    clock::{Clock, SystemClock},
    http::{Authorizer, Drain, HttpActor, Listeners, Service, routes},
    log,
    settings::{LogLevel, Token, Tokens},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{cache::TestCache, soon, upstream::FakeUpstream};

/// What a hit may allocate, as it was measured last. `make bench-guard` shows today's figures;
/// commit lower ones.
const COMMITTED: Cost = Cost { allocations: 7, bytes: 2_265 };

/// How much more is a failure: 15 %.
const TOLERANCE: (u64, u64) = (115, 100);

const HITS: u64 = 1_000;

/// As long as a session token of Lambda's.
const TOKEN_LENGTH: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    allocations: u64,
    bytes: u64,
}

impl Cost {
    fn of_one_hit(all: AllocationInfo) -> Self {
        Self { allocations: rounded(all.count_total), bytes: rounded(all.bytes_total) }
    }

    fn exceeds(self, committed: Self) -> bool {
        let exceeds = |now, then| now * TOLERANCE.1 > then * TOLERANCE.0;
        exceeds(self.allocations, committed.allocations) || exceeds(self.bytes, committed.bytes)
    }
}

fn rounded(all: u64) -> u64 {
    (all + HITS / 2) / HITS
}

#[test]
#[expect(clippy::print_stdout, reason = "the figure to commit, for `make bench-guard`")]
fn a_hit_allocates_no_more_than_was_committed() {
    let cost = cost_of_one_hit();
    println!("one hit: {cost:?}, committed: {COMMITTED:?}");
    assert!(!cost.exceeds(COMMITTED), "one hit took {cost:?}, more than 15 % over {COMMITTED:?}");
}

#[test]
fn a_growth_of_more_than_15_percent_in_either_figure_is_seen() {
    let committed = Cost { allocations: 20, bytes: 2_000 };

    assert!(!Cost { allocations: 23, bytes: 2_300 }.exceeds(committed));
    assert!(Cost { allocations: 24, ..committed }.exceeds(committed));
    assert!(Cost { bytes: 2_301, ..committed }.exceeds(committed));
}

#[test]
fn a_log_that_does_not_show_hits_adds_nothing_to_one() {
    let without_a_log = cost_of_one_hit();
    let at_info = log::subscriber(LogLevel::Info, std::io::sink);

    let with_a_log = tracing::subscriber::with_default(at_info, cost_of_one_hit);

    assert_eq!(with_a_log, without_a_log);
}

/// Over a real connection to the real server, on the one thread; the client itself allocates
/// nothing.
fn cost_of_one_hit() -> Cost {
    let system = System::new();
    let mut client = system.block_on(Client::of_a_cached_secret());
    let all = allocation_counter::measure(|| {
        system.block_on(soon(async {
            for _ in 0..HITS {
                client.ask().await;
            }
        }));
    });
    system.block_on(client.server.send(Drain { grace: Duration::ZERO })).unwrap();
    Cost::of_one_hit(all)
}

struct Client {
    server: Addr<HttpActor>,
    stream: TcpStream,
    request: String,
    answer: Vec<u8>,
}

impl Client {
    async fn of_a_cached_secret() -> Self {
        let token = "t".repeat(TOKEN_LENGTH);
        let listeners = Listeners::bind(0).unwrap();
        let address = listeners.ipv4_address().unwrap();
        let server = HttpActor::new(listeners, routes(web::Data::new(service(&token)))).start();
        let mut client = Self {
            server,
            stream: TcpStream::connect(address).await.unwrap(),
            request: format!(
                "GET /secretsmanager/get?secretId=db HTTP/1.1\r\nHost: localhost\r\n\
                 X-Aws-Parameters-Secrets-Token: {token}\r\n\r\n"
            ),
            answer: Vec::new(),
        };
        client.learn_the_answer().await;
        for _ in 0..HITS {
            client.ask().await;
        }
        client
    }

    /// The miss: it fills the cache, and its answer is as long as every hit's.
    async fn learn_the_answer(&mut self) {
        self.stream.write_all(self.request.as_bytes()).await.unwrap();
        while !self.answer.ends_with(b"call 1") {
            assert_ne!(self.stream.read_buf(&mut self.answer).await.unwrap(), 0);
        }
        assert!(self.answer.starts_with(b"HTTP/1.1 200 "));
    }

    async fn ask(&mut self) {
        self.stream.write_all(self.request.as_bytes()).await.unwrap();
        self.stream.read_exact(&mut self.answer).await.unwrap();
        assert!(self.answer.ends_with(b"call 1"), "only the first was a miss");
    }
}

fn service(token: &str) -> Service {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let TestCache { cache, stats, .. } = TestCache::new(&FakeUpstream::new());
    let tokens = Tokens { session: Token::new(token.to_owned()), ..Tokens::default() };
    let cache: Cache = Rc::into_inner(cache).unwrap();
    Service { authorizer: Authorizer::new(&tokens, None, clock), cache, stats }
}
