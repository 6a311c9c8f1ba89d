//! The extension's HTTP side on a port the system gives, over a fake upstream.

use std::{net::SocketAddr, rc::Rc, sync::Arc};

use super::{
    cache::{Config, TestCache},
    client::RawClient,
    clock::TestClock,
    eventually,
    reply::Reply,
    upstream::FakeUpstream,
};
use actix::{Actor, Addr};
use actix_web::web;
use parameters_secrets_extension::{
    fetch::upstream::Upstreams,
    http::{Authorizer, CountConnections, HttpActor, Listeners, Service, routes},
    settings::{Token, Tokens},
    stats::Stats,
};

pub const TOKEN: &str = "token-of-the-function";

/// The end of every request of the tests' own clients.
pub const HEADERS: &str =
    "Host: localhost:2773\r\nX-Aws-Parameters-Secrets-Token: token-of-the-function\r\n";

/// A whole GET request with the right token.
pub fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\n{HEADERS}\r\n")
}

pub fn token(text: &str) -> Option<Token> {
    Token::new(text.to_owned())
}

pub struct TestServer {
    pub http: Addr<HttpActor>,
    pub service: web::Data<Service>,
    pub stats: Rc<Stats>,
    pub clock: Arc<TestClock>,
    address: SocketAddr,
}

impl TestServer {
    pub fn new(upstream: &FakeUpstream) -> Self {
        Self::with(Config::default(), Upstreams::of_one(upstream.clone()))
    }

    pub fn with(config: Config, upstreams: Upstreams) -> Self {
        let tokens = Tokens { session: token(TOKEN), ..Tokens::default() };
        Self::guarded(config, upstreams, |clock| Authorizer::new(&tokens, None, clock))
    }

    pub fn guarded(
        config: Config,
        upstreams: Upstreams,
        authorizer: impl FnOnce(Arc<TestClock>) -> Authorizer,
    ) -> Self {
        let listeners = Listeners::bind(0).unwrap();
        let address = listeners.ipv4_address().unwrap();
        let TestCache { cache, clock, stats } = TestCache::with(config, upstreams);
        let service = web::Data::new(Service {
            authorizer: authorizer(clock.clone()),
            cache: Rc::into_inner(cache).unwrap(),
            stats: stats.clone(),
        });
        let http = HttpActor::new(listeners, routes(service.clone())).start();
        Self { http, service, stats, clock, address }
    }

    /// The port, at 127.0.0.1 and at ::1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub async fn client(&self) -> RawClient {
        RawClient::connect(self.address).await
    }

    /// Sends this over a connection of its own.
    pub async fn ask(&self, request: impl AsRef<[u8]>) -> Reply {
        self.client().await.ask(request).await
    }

    /// Gets this target over a connection of its own.
    pub async fn get(&self, target: &str) -> Reply {
        self.ask(get(target)).await
    }

    /// Waits until no connection is open.
    pub async fn no_connection_is_left(&self) {
        self.connections_are(0).await;
    }

    /// Waits until so many connections are open.
    pub async fn connections_are(&self, count: usize) {
        eventually(async || self.http.send(CountConnections).await.unwrap() == count).await;
    }
}
