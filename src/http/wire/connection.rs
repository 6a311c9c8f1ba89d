//! One client connection: one request at a time, and the last touch to what is written.

use std::{
    cell::{Cell, RefCell},
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, copy, sink},
    net::TcpStream,
    time::{Sleep, sleep, timeout},
};

use crate::http::wire::{connections::Activity, head_end::HeadEnd, refusal};

/// How long a request's head may take to arrive, counted from its first byte.
const HEAD_TIME_OUT: Duration = Duration::from_secs(5);

/// What a request's head must be smaller than. A name, a token and all headers of a real one are a
/// tenth of it; actix-http panics at a header name of 64 KiB.
const HEAD_LIMIT: usize = 65_536;

/// How long a client that is still sending may read why it is not listened to any more: closing on unread
/// bytes resets the connection, and the client would lose what it was told.
const FAREWELL: Duration = Duration::from_secs(1);

/// A client's socket, as actix-http reads and writes it.
///
/// Hands over one request at a time: what a client has sent ahead waits until the answer is out. actix-http
/// alone would write several answers in one piece, and take the method and the `Connection` header of the
/// last request it read for those of the one it answers. Nor would it time any but the first request.
///
/// Bound: one read's worth of bytes sent ahead; more wait in the kernel.
#[derive(Debug)]
pub(super) struct Connection {
    client: Rc<Client>,
    phase: Phase,
    head_end: HeadEnd,
    time_out: Option<Pin<Box<Sleep>>>,
    sent_ahead: BytesMut,
    /// Reads on once the answer is out.
    reader: Option<Waker>,
    /// Whether the socket wakes the reader, so that nobody else has to.
    reads_on_when_woken: bool,
    rewrite: Option<Rewrite>,
}

/// What outlives actix-http's part in a connection.
#[derive(Debug)]
pub(super) struct Client {
    socket: RefCell<TcpStream>,
    activity: Activity,
    /// Why the request is refused that actix-http has never seen whole.
    refused: Cell<Option<&'static str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between requests, or within the head of one.
    Reading,
    /// A head was handed over whole.
    Asking,
    /// The answer is going out.
    Answering { is_last: bool },
    /// No further request is read.
    Ending,
}

/// An answer that replaces what actix-http handed over.
#[derive(Debug)]
struct Rewrite {
    remaining: Bytes,
    /// The length of what it replaces: what actix-http is told was written.
    replaced: usize,
}

impl Client {
    pub(super) fn new(socket: TcpStream, activity: Activity) -> Rc<Self> {
        Rc::new(Self { socket: RefCell::new(socket), activity, refused: Cell::new(None) })
    }

    /// Looks whether the client has sent more, or the end of its stream, without reading it; if not, whatever
    /// comes wakes the task. Costs no system call until something arrives.
    fn nothing_came(&self, cx: &mut Context<'_>) -> bool {
        let mut byte = [0];
        match self.socket.borrow().poll_peek(cx, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(Ok(0)) => self.activity.client_hung_up(),
            Poll::Ready(_) => {}
            Poll::Pending => return true,
        }
        false
    }

    /// Ends a connection so that the client gets to read the last answer. Nobody else may hold it any more.
    pub(super) async fn dismiss(self: Rc<Self>) {
        let Some(client) = Rc::into_inner(self) else { return };
        let (mut socket, refused) = (client.socket.into_inner(), client.refused.get());
        // Held until the socket is closed: it counts as open.
        let _activity = client.activity;
        let farewell = async {
            if let Some(reason) = refused {
                socket.write_all(&refusal::refusal(reason)).await?;
            }
            socket.shutdown().await?;
            copy(&mut socket, &mut sink()).await
        };
        // A client that is gone, or that does not stop sending, is not worth more.
        let _ = timeout(FAREWELL, farewell).await;
    }
}

impl Connection {
    pub(super) fn new(client: Rc<Client>) -> Self {
        Self {
            client,
            phase: Phase::Reading,
            head_end: HeadEnd::default(),
            time_out: None,
            sent_ahead: BytesMut::new(),
            reader: None,
            reads_on_when_woken: false,
            rewrite: None,
        }
    }

    /// Reads what is there, but nothing beyond the end of a head. Gives whether the head is complete.
    fn read_head(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        if self.sent_ahead.is_empty() {
            let start = buffer.filled().len();
            ready!(Pin::new(&mut *self.client.socket.borrow_mut()).poll_read(cx, buffer))?;
            let read = &buffer.filled()[start..];
            let end = self.head_end.find(read);
            if let Some(end) = end {
                self.sent_ahead.extend_from_slice(&read[end..]);
                buffer.set_filled(start + end);
            }
            return Poll::Ready(Ok(end.is_some()));
        }
        let room = self.sent_ahead.len().min(buffer.remaining());
        let end = self.head_end.find(&self.sent_ahead[..room]);
        buffer.put_slice(&self.sent_ahead.split_to(end.unwrap_or(room)));
        Poll::Ready(Ok(end.is_some()))
    }

    fn poll_time_out(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.time_out {
            Some(time_out) => time_out.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    /// Tells actix-http that nothing more comes, and the client why once actix-http has let go.
    fn refuse(&mut self, reason: &'static str) -> Poll<io::Result<()>> {
        self.client.refused.set(Some(reason));
        self.phase = Phase::Ending;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.phase {
            Phase::Reading => {}
            Phase::Asking | Phase::Answering { .. } => {
                let nothing_came = self.client.nothing_came(cx);
                self.reads_on_when_woken = nothing_came && self.sent_ahead.is_empty();
                self.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Phase::Ending => return Poll::Ready(Ok(())),
        }
        let start = buffer.filled().len();
        let Poll::Ready(is_complete) = self.read_head(cx, buffer)? else {
            ready!(self.poll_time_out(cx));
            return self.refuse(refusal::TOO_SLOW);
        };
        if self.head_end.seen() > HEAD_LIMIT {
            buffer.set_filled(start);
            return self.refuse(refusal::TOO_LARGE);
        }
        if is_complete {
            self.time_out = None;
            self.phase = Phase::Asking;
            self.client.activity.request_arrived();
        } else if self.time_out.is_none() && buffer.filled().len() > start {
            self.time_out = Some(Box::pin(sleep(HEAD_TIME_OUT)));
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
        // What actix-http makes of a part of the request.
        if self.client.refused.get().is_some() {
            return Poll::Ready(Ok(buffer.len()));
        }
        if matches!(self.phase, Phase::Reading | Phase::Asking) {
            // Nobody wants the body that this would invite.
            if buffer.starts_with(refusal::CONTINUE) {
                return Poll::Ready(Ok(refusal::CONTINUE.len()));
            }
            self.phase = Phase::Answering { is_last: refusal::says_close(buffer) };
            self.rewrite = refusal::rewritten(buffer)
                .map(|remaining| Rewrite { remaining, replaced: buffer.len() });
        }
        let Self { client, rewrite, .. } = &mut *self;
        let mut socket = client.socket.borrow_mut();
        let Some(answer) = rewrite else { return Pin::new(&mut *socket).poll_write(cx, buffer) };
        while answer.remaining.has_remaining() {
            let written = ready!(Pin::new(&mut *socket).poll_write(cx, &answer.remaining))?;
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
        ready!(Pin::new(&mut *self.client.socket.borrow_mut()).poll_flush(cx))?;
        // actix-http flushes when it has written all it had, and also when there was nothing to write.
        if let Phase::Answering { is_last } = self.phase {
            self.phase = if is_last { Phase::Ending } else { Phase::Reading };
            self.head_end = HeadEnd::default();
            self.client.activity.answered();
            if let Some(reader) = self.reader.take()
                && (is_last || !self.reads_on_when_woken)
            {
                reader.wake();
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Leaves the end of the connection to [`Client::dismiss`].
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
