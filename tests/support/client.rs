//! A client that sends bytes as told and shows the bytes that come back.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{reply::Reply, soon};

/// One connection.
pub struct RawClient {
    stream: TcpStream,
    received: Vec<u8>,
}

impl RawClient {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = soon(TcpStream::connect(address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, received: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon(self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Sends as much as the server takes.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _closed_by_the_server = soon(self.stream.write_all(bytes.as_ref())).await;
    }

    /// Sends no more, and still reads.
    pub async fn end(&mut self) {
        let _closed_by_the_server = soon(self.stream.shutdown()).await;
    }

    /// The next answer, as long as its `Content-Length` says.
    pub async fn reply(&mut self) -> Reply {
        self.next_reply(true).await
    }

    /// The next answer, which has no body whatever its `Content-Length` says.
    pub async fn reply_to_head(&mut self) -> Reply {
        self.next_reply(false).await
    }

    pub async fn ask(&mut self, request: impl AsRef<[u8]>) -> Reply {
        self.send(request).await;
        self.reply().await
    }

    /// All that comes until the server closes the connection, in order and without a reset.
    pub async fn rest(&mut self) -> String {
        let received = &mut self.received;
        soon(self.stream.read_to_end(received)).await.expect("a close in order, not a reset");
        String::from_utf8(std::mem::take(&mut self.received)).unwrap()
    }

    async fn next_reply(&mut self, has_body: bool) -> Reply {
        loop {
            if let Some((reply, length)) = Reply::parse(&self.received, has_body) {
                self.received.drain(..length);
                return reply;
            }
            let read = soon(self.stream.read_buf(&mut self.received)).await.unwrap();
            assert_ne!(read, 0, "closed after {:?}", String::from_utf8_lossy(&self.received));
        }
    }
}
