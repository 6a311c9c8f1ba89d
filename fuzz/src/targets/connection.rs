//! What comes over a client's connection: one request or several, pieces of them, no HTTP at all.
//!
//! The server is the program's own, on a socket. Every answer is in the contract's form, no request
//! gets two, the connection ends, and a client beside it is still served.

use std::{net::SocketAddr, rc::Rc, sync::Arc};

use actix::{Actor, Addr};
use actix_rt::System;
use actix_web::web;
use futures_util::future::LocalBoxFuture;
use parameters_secrets_extension::{
    clock::SystemClock,
    extension::assembly,
    fetch::upstream::{Upstream, UpstreamAnswer, Upstreams},
    freeze::FreezeWatch,
    http::{Authorizer, CountConnections, HttpActor, Listeners, Service, routes},
    key::{ParameterKey, SecretKey},
    secret::SecretValue,
    settings::{Settings, Token, Tokens},
    snapshot::Snapshot,
    stats::Stats,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Builder,
    task::yield_now,
};

use crate::support::reply::Reply;

const PING: &[u8] = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";

// Never dropped: at a thread's end what it is made of may be gone.
thread_local!(static RIG: &'static Rig = Box::leak(Box::new(Rig::new())));

struct Rig {
    system: actix_rt::SystemRunner,
    server: Addr<HttpActor>,
    address: SocketAddr,
}

/// Answers each key with its name.
struct Echo;

impl Upstream<SecretKey> for Echo {
    fn fetch(&self, key: SecretKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        Box::pin(std::future::ready(Ok(SecretValue::new(key.to_string()))))
    }
}

impl Upstream<ParameterKey> for Echo {
    fn fetch(&self, key: ParameterKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        Box::pin(std::future::ready(Ok(SecretValue::new(key.to_string()))))
    }
}

impl Rig {
    fn new() -> Self {
        // Time is paused, and goes on when all wait: half a request is refused at once.
        let runtime =
            || Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let system = System::with_tokio_rt(runtime);
        let (server, address) = system.block_on(async {
            let listeners = Listeners::bind(0).unwrap();
            let address = listeners.ipv4_address().unwrap();
            let (clock, stats) = (Arc::new(SystemClock), Rc::new(Stats::default()));
            let settings = Settings::read([]).settings;
            let cache = assembly::cache(
                &settings,
                &Snapshot::new(None),
                Upstreams::of_one(Echo),
                FreezeWatch::new(clock.clone()),
                clock.clone(),
                Rc::clone(&stats),
            );
            let tokens = Tokens { session: Token::new("token".to_owned()), ..Tokens::default() };
            let authorizer = Authorizer::new(&tokens, None, clock);
            let service = web::Data::new(Service { authorizer, cache, stats });
            (HttpActor::new(listeners, routes(service)).start(), address)
        });
        Self { system, server, address }
    }
}

pub fn run(bytes: &[u8]) {
    RIG.with(|rig| rig.system.block_on(send(rig, bytes)));
}

async fn send(rig: &Rig, bytes: &[u8]) {
    let mut client = connect(rig).await;
    // The server may have ended the connection already.
    let _ = client.write_all(bytes).await;
    let _ = client.shutdown().await;
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.expect("a close in order, not a reset");
    check(&received, bytes);
    drop(client);

    let mut beside = connect(rig).await;
    beside.write_all(PING).await.unwrap();
    let mut answer = [0; 15];
    beside.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK", "another client is served");
    drop(beside);
    for _ in 0..100_000 {
        if rig.server.send(CountConnections).await.unwrap() == 0 {
            return;
        }
        yield_now().await;
    }
    panic!("a connection is left");
}

async fn connect(rig: &Rig) -> TcpStream {
    let client = TcpStream::connect(rig.address).await.unwrap();
    client.set_nodelay(true).unwrap();
    client
}

/// Everything the server said is answers, one after the other; no more than there are ends of
/// heads, and one for what is no request.
fn check(mut received: &[u8], sent: &[u8]) {
    let empty_lines = sent.split(|byte| *byte == b'\n').filter(|line| matches!(line, [] | [b'\r']));
    let most = empty_lines.count() + 1;
    let mut answers = 0;
    while !received.is_empty() {
        // The answer to a HEAD says how long its body would be.
        let (reply, length) = [true, false]
            .into_iter()
            .find_map(|has_body| {
                let (reply, length) = Reply::parse(received, has_body)?;
                let rest = &received[length..];
                (rest.is_empty() || rest.starts_with(b"HTTP/1.")).then_some((reply, length))
            })
            .unwrap_or_else(|| panic!("answered by {:?}", String::from_utf8_lossy(received)));
        assert!([200, 400, 401].contains(&reply.status()), "{reply:?}");
        assert_eq!(reply.header("X-Amzn-ErrorType").is_some(), reply.status() != 200, "{reply:?}");
        answers += 1;
        received = &received[length..];
    }
    assert!(answers <= most, "{answers} answers, {most} at most");
}
