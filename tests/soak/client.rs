//! A client of the soak: it waits for as long as it takes, and holds its answer against what is
//! promised.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{reply::Reply, server::get};

/// A connection that was used and can be used again.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, received: Vec::new() }
    }

    pub async fn get(&mut self, target: &str) -> Reply {
        self.stream.write_all(get(target).as_bytes()).await.unwrap();
        loop {
            if let Some((reply, length)) = Reply::parse(&self.received, true) {
                assert_eq!(length, self.received.len(), "one answer to one request");
                self.received.clear();
                return reply;
            }
            let read = self.stream.read_buf(&mut self.received).await.unwrap();
            assert_ne!(read, 0, "the server hung up on a request");
        }
    }
}

/// How old the answer says it is.
pub fn stale_age(reply: &Reply) -> Option<Duration> {
    let seconds = reply.header("Age")?.parse().unwrap();
    assert_eq!(reply.header("Warning"), Some("110 - \"Response is Stale\""));
    Some(Duration::from_secs(seconds))
}
