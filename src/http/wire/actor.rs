//! The HTTP server: accepts connections, serves them, and drains them at the end.

use std::{fmt, io, rc::Rc, time::Duration};

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use actix_http::{HttpService, KeepAlive};
use actix_service::{
    IntoServiceFactory, Service as _, ServiceFactory, ServiceFactoryExt, map_config,
};
use actix_web::{App, dev::AppConfig, web};
use tokio::{task::yield_now, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::{
    http::wire::{
        connection::{Client, Connection},
        connections::Connections,
        listeners::Listeners,
        turns::Turns,
    },
    log::debug,
};

/// The pause after a failed `accept`: the process may be out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Stops accepting. Replies once every pending answer has been sent, or the grace is over.
#[derive(Debug)]
pub struct Drain {
    /// The longest wait for pending answers.
    pub grace: Duration,
}

impl Message for Drain {
    type Result = ();
}

/// Replies with the number of open client connections.
#[derive(Debug)]
pub struct CountConnections;

impl Message for CountConnections {
    type Result = usize;
}

/// Adds the request handler to an App.
type Routes = Box<dyn FnOnce(&mut web::ServiceConfig)>;

/// Owns the listeners and every client connection.
///
/// actix-web's service runs on our own accept loop, on the one thread: `HttpServer` would add two
/// threads, a thread hop on every hit, and half a millisecond to a cold start. `Connections` has
/// the bounds.
pub struct HttpActor {
    /// Taken when the actor starts.
    unstarted: Option<(Listeners, Routes)>,
    connections: Rc<Connections>,
    draining: CancellationToken,
}

impl fmt::Debug for HttpActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpActor").finish_non_exhaustive()
    }
}

impl HttpActor {
    /// Serves `routes` on `listeners` as soon as the actor has started.
    pub fn new(
        listeners: Listeners,
        routes: impl FnOnce(&mut web::ServiceConfig) + 'static,
    ) -> Self {
        Self {
            unstarted: Some((listeners, Box::new(routes))),
            connections: Connections::new(),
            draining: CancellationToken::new(),
        }
    }
}

impl Actor for HttpActor {
    type Context = Context<Self>;

    fn started(&mut self, _ctx: &mut Self::Context) {
        let Some((listeners, routes)) = self.unstarted.take() else { return };
        let (connections, draining) = (Rc::clone(&self.connections), self.draining.clone());
        // A task of its own, not the context's: the context polls all its futures at every message.
        tokio::task::spawn_local(async move {
            let accepting = accept(listeners, routes, connections);
            if let Some(Err(error)) = draining.run_until_cancelled(accepting).await {
                error!(%error, "cannot serve");
            }
        });
    }
}

impl Handler<Drain> for HttpActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, drain: Drain, _ctx: &mut Self::Context) -> Self::Result {
        self.draining.cancel();
        let connections = Rc::clone(&self.connections);
        Box::pin(async move {
            if timeout(drain.grace, connections.all_idle()).await.is_err() {
                debug!("requests were still unanswered when the grace ended");
            }
        })
    }
}

impl Handler<CountConnections> for HttpActor {
    type Result = usize;

    fn handle(&mut self, _count: CountConnections, _ctx: &mut Self::Context) -> Self::Result {
        self.connections.count()
    }
}

/// Accepts until dropped. Each connection has a task of its own, so that a panic below the handlers
/// ends that connection alone.
async fn accept(
    listeners: Listeners,
    routes: Routes,
    connections: Rc<Connections>,
) -> io::Result<()> {
    let listeners = listeners.into_async()?;
    let app = App::new().configure(routes).into_factory();
    let http = HttpService::build()
        .keep_alive(KeepAlive::Os)
        // It would end connections that have not been used yet; `Connection` times requests
        // instead.
        .client_request_timeout(Duration::ZERO)
        .h1(map_config(app.map_err(|error: actix_web::Error| error.error_response()), |()| {
            AppConfig::default()
        }))
        .new_service(())
        .await
        .map_err(|()| io::Error::other("the HTTP service did not start"))?;
    let turns = Turns::default();
    loop {
        let stream = match listeners.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Only now: a full table is no reason to close a connection until another client waits.
        connections.make_room().await;
        // A failure only delays small answers, so the connection stays.
        let _ = stream.set_nodelay(true);
        let activity = connections.add();
        let id = activity.id();
        let client = Client::new(stream, activity);
        let serving = http.call((Connection::new(Rc::clone(&client), turns.turn()), None));
        let task = tokio::task::spawn_local(async move {
            // An error means that the client hung up, or sent malformed HTTP and has its answer.
            let _ = serving.await;
            client.dismiss().await;
        });
        connections.served_by(id, task.abort_handle());
        // However many new clients wait, those that are connected get their turn between them.
        yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, net::SocketAddr};

    use actix::Addr;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    /// Serves so many connections.
    fn serve(
        limit: usize,
        answer: impl Fn() -> &'static str + Clone + 'static,
    ) -> (Addr<HttpActor>, SocketAddr) {
        let listeners = Listeners::bind(0).unwrap();
        let address = listeners.ipv4_address().unwrap();
        let routes = |app: &mut web::ServiceConfig| {
            app.default_service(web::to(move || std::future::ready(answer())));
        };
        let actor = HttpActor {
            unstarted: Some((listeners, Box::new(routes))),
            connections: Connections::with_limit(limit),
            draining: CancellationToken::new(),
        };
        (actor.start(), address)
    }

    async fn client(address: SocketAddr) -> TcpStream {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(REQUEST).await.unwrap();
        assert_ne!(client.read(&mut [0; 1_024]).await.unwrap(), 0);
        client
    }

    #[actix_rt::test]
    async fn one_request_after_the_other_goes_before_requests_sent_all_at_once() {
        let served = Rc::new(Cell::new(0));
        let counted = Rc::clone(&served);
        let (server, address) = serve(100, move || {
            counted.set(counted.get() + 1);
            "answer"
        });
        let mut one_after_the_other = client(address).await;
        let mut all_at_once = Vec::new();
        for _ in 0..50 {
            all_at_once.push(TcpStream::connect(address).await.unwrap());
        }
        while server.send(CountConnections).await.unwrap() < 51 {
            yield_now().await;
        }

        for client in &mut all_at_once {
            client.try_write(&REQUEST.repeat(10)).unwrap();
        }
        one_after_the_other.try_write(REQUEST).unwrap();

        let before = served.get();
        assert_ne!(one_after_the_other.read(&mut [0; 1_024]).await.unwrap(), 0);
        let meanwhile = served.get() - before;
        assert!(meanwhile < 20, "{meanwhile} of 500 were served before it");
        while served.get() < 501 + 1 {
            yield_now().await;
        }
    }

    #[actix_rt::test]
    async fn clients_that_hang_up_all_at_once_hold_up_no_other() {
        let (server, address) = serve(100, || "answer");
        let mut asks = client(address).await;
        let mut others = Vec::new();
        for _ in 0..50 {
            others.push(client(address).await);
        }

        drop(others);
        asks.try_write(REQUEST).unwrap();
        assert_ne!(asks.read(&mut [0; 1_024]).await.unwrap(), 0);

        let left = server.send(CountConnections).await.unwrap();
        assert!(left > 30, "{left} of 51 were still to be closed");
        while server.send(CountConnections).await.unwrap() > 1 {
            yield_now().await;
        }
    }

    #[actix_rt::test]
    async fn a_full_table_closes_a_connection_only_for_a_client_that_waits() {
        let (server, address) = serve(2, || "answer");
        let mut oldest = client(address).await;
        let _second = client(address).await;
        for _ in 0..1_000 {
            yield_now().await;
        }
        assert_eq!(server.send(CountConnections).await.unwrap(), 2);

        let _third = client(address).await;

        assert_eq!(oldest.read(&mut [0]).await.unwrap(), 0, "the least needed one");
        assert_eq!(server.send(CountConnections).await.unwrap(), 2);
    }
}
