//! Owns the server: start, drain, stop.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    rc::Rc,
    time::Duration,
};

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use actix_http::{HttpService, KeepAlive};
use actix_service::{
    IntoServiceFactory, Service as _, ServiceFactory, ServiceFactoryExt, map_config,
};
use actix_web::{App, dev::AppConfig, web};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::http::wire::{
    connection::{Client, Connection},
    connections::Connections,
};
use crate::log::debug;

/// Connections the kernel may hold for us before we accept them: a burst of a whole environment's threads.
/// With the usual 128 the kernel drops the others' first packet, and they come back after a second.
const BACKLOG: i32 = 4_096;

/// How long to wait before accepting again when the process has no file left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Binds the port on loopback, so that the kernel queues clients from here on.
///
/// # Errors
///
/// The port is taken, or not allowed.
pub fn bind(port: u16) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Takes no new connection, and resolves when the answers under way have gone out.
#[derive(Debug)]
pub struct Drain {
    /// How long to wait for them at most.
    pub grace: Duration,
}

impl Message for Drain {
    type Result = ();
}

/// Tells how many client connections are open.
#[derive(Debug)]
pub struct CountConnections;

impl Message for CountConnections {
    type Result = usize;
}

/// Adds to the App what answers its requests.
type Routes = Box<dyn FnOnce(&mut web::ServiceConfig)>;

/// Owns the listener and every client connection.
///
/// actix-web's service runs on our own accept loop, on the one thread: `HttpServer` would add two threads,
/// a thread hop on every hit, and half a millisecond to a cold start. `Connections` has the bounds.
pub struct HttpActor {
    /// Until the actor has started.
    unstarted: Option<(StdListener, Routes)>,
    connections: Rc<Connections>,
    draining: CancellationToken,
}

impl fmt::Debug for HttpActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpActor").finish_non_exhaustive()
    }
}

impl HttpActor {
    /// Serves `routes` on `listener` as soon as the actor has started.
    pub fn new(
        listener: StdListener,
        routes: impl FnOnce(&mut web::ServiceConfig) + 'static,
    ) -> Self {
        Self {
            unstarted: Some((listener, Box::new(routes))),
            connections: Connections::new(),
            draining: CancellationToken::new(),
        }
    }
}

impl Actor for HttpActor {
    type Context = Context<Self>;

    fn started(&mut self, _ctx: &mut Self::Context) {
        let Some((listener, routes)) = self.unstarted.take() else { return };
        let (connections, draining) = (Rc::clone(&self.connections), self.draining.clone());
        // A task of its own, not the context's: the context polls all its futures at every message.
        tokio::task::spawn_local(async move {
            let accepting = accept(listener, routes, connections);
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

/// Accepts until dropped. One task a connection: a panic in a handler is one connection's failure.
async fn accept(
    listener: StdListener,
    routes: Routes,
    connections: Rc<Connections>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let app = App::new().configure(routes).into_factory();
    let http = HttpService::build()
        .keep_alive(KeepAlive::Os)
        // Would end a connection that has not been used yet; `Connection` times requests.
        .client_request_timeout(Duration::ZERO)
        .h1(map_config(app.map_err(|error: actix_web::Error| error.error_response()), |()| {
            AppConfig::default()
        }))
        .new_service(())
        .await
        .map_err(|()| io::Error::other("the HTTP service did not start"))?;
    loop {
        connections.make_room().await;
        let stream = match listener.accept().await {
            Ok((stream, _client)) => stream,
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Only delays small answers, so a failure is not worth the connection.
        let _ = stream.set_nodelay(true);
        let activity = connections.add();
        let id = activity.id();
        let client = Client::new(stream, activity);
        let serving = http.call((Connection::new(Rc::clone(&client)), None));
        let task = tokio::task::spawn_local(async move {
            // The client hung up, or sent what is no HTTP: it has its answer.
            let _ = serving.await;
            client.dismiss().await;
        });
        connections.served_by(id, task.abort_handle());
    }
}
