//! One client connection: whether it is in use, and the last touch to what is written.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::http::{connections::Activity, refusal};

/// A client's socket, as actix-http reads and writes it.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    activity: Activity,
    /// Whether the answer to what was read last has begun to go out.
    answering: Cell<bool>,
    rewrite: Option<Rewrite>,
}

/// An answer that replaces what actix-http handed over.
#[derive(Debug)]
struct Rewrite {
    remaining: Bytes,
    /// The length of what it replaces: what actix-http is told was written.
    replaced: usize,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, activity: Activity) -> Self {
        Self { stream, activity, answering: Cell::new(false), rewrite: None }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let had_room = buffer.remaining() > 0;
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > filled {
            self.answering.set(false);
            self.activity.request_arrived();
        } else if had_room {
            self.activity.client_hung_up();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.rewrite.is_none() && !self.answering.get() {
            self.rewrite = refusal::rewritten(buffer)
                .map(|remaining| Rewrite { remaining, replaced: buffer.len() });
            self.answering.set(true);
        }
        let Self { stream, rewrite, .. } = &mut *self;
        let Some(answer) = rewrite else { return Pin::new(stream).poll_write(cx, buffer) };
        while answer.remaining.has_remaining() {
            let written = ready!(Pin::new(&mut *stream).poll_write(cx, &answer.remaining))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            answer.remaining.advance(written);
        }
        let replaced = answer.replaced;
        *rewrite = None;
        Poll::Ready(Ok(replaced))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        // actix-http flushes when it has written all it had, and also when there was nothing to write.
        if self.answering.replace(false) {
            self.activity.answered();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
