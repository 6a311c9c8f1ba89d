//! Listens on the port, at every loopback address of the host.

use std::{
    future::pending,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener},
};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

/// Connections that the kernel may hold until they are accepted: a burst of all threads of an
/// environment. With the usual 128 the kernel drops the first packet of the others, and their
/// clients repeat it only after a second.
const BACKLOG: i32 = 4_096;

/// Answers live for one hop, which is loopback: wherever a packet filter sends them, the first
/// router drops them.
const HOPS: u32 = 1;

/// Sockets that listen on 127.0.0.1 and, where the host has IPv6, on ::1. Where `localhost` is ::1
/// first, some clients never try the other address (Node.js 18).
#[derive(Debug)]
pub struct Listeners {
    ipv4: StdListener,
    ipv6: Option<StdListener>,
}

impl Listeners {
    /// Binds the port; from here on the kernel queues clients. Port 0 stands for any free port.
    ///
    /// # Errors
    ///
    /// The port is taken at either address, or may not be bound. A host without IPv6 is not an
    /// error.
    pub fn bind(port: u16) -> io::Result<Self> {
        let ipv4 = listen((Ipv4Addr::LOCALHOST, port).into())?;
        let port = ipv4.local_addr()?.port();
        let ipv6 = match listen((Ipv6Addr::LOCALHOST, port).into()) {
            Ok(socket) => Some(socket),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(_no_ipv6) => None,
        };
        Ok(Self { ipv4, ipv6 })
    }

    /// The address for IPv4 clients.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn ipv4_address(&self) -> io::Result<SocketAddr> {
        self.ipv4.local_addr()
    }

    /// Registers the sockets with the runtime, which must be running.
    pub(super) fn into_async(self) -> io::Result<AsyncListeners> {
        let ipv6 = self.ipv6.map(TcpListener::from_std).transpose()?;
        Ok(AsyncListeners { ipv4: TcpListener::from_std(self.ipv4)?, ipv6 })
    }
}

fn listen(address: SocketAddr) -> io::Result<StdListener> {
    let listen = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        // Accepted sockets inherit it. It is a second lock: a system that has none is served all
        // the same.
        let _ = match address {
            SocketAddr::V4(_) => socket.set_ttl_v4(HOPS),
            SocketAddr::V6(_) => socket.set_unicast_hops_v6(HOPS),
        };
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    listen().map_err(|error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}")))
}

/// [`Listeners`], registered with the runtime.
pub(super) struct AsyncListeners {
    ipv4: TcpListener,
    ipv6: Option<TcpListener>,
}

impl AsyncListeners {
    /// Accepts the next connection. Neither address is served before the other. Dropping the future
    /// loses no client.
    pub(super) async fn accept(&self) -> io::Result<TcpStream> {
        let ipv6 = async {
            match &self.ipv6 {
                Some(ipv6) => ipv6.accept().await,
                None => pending().await,
            }
        };
        let (stream, _client) = tokio::select! {
            accepted = self.ipv4.accept() => accepted?,
            accepted = ipv6 => accepted?,
        };
        Ok(stream)
    }
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;

    use super::*;

    #[actix_rt::test]
    async fn no_answer_outlives_its_first_hop() {
        let listeners = Listeners::bind(0).unwrap();
        let port = listeners.ipv4_address().unwrap().port();
        let has_ipv6 = listeners.ipv6.is_some();
        let listeners = listeners.into_async().unwrap();

        let _client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let accepted = listeners.accept().await.unwrap();
        assert_eq!(SockRef::from(&accepted).ttl_v4().unwrap(), 1);

        if has_ipv6 {
            let _client = TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.unwrap();
            let accepted = listeners.accept().await.unwrap();
            assert_eq!(SockRef::from(&accepted).unicast_hops_v6().unwrap(), 1);
        }
    }
}
