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

use crate::http::wire::{connections::Activity, head_end::HeadEnd, refusal, upgrade::ignore_offer};

/// How long a request's head may take to arrive, counted from its first byte that does not end a line.
const HEAD_TIME_OUT: Duration = Duration::from_secs(5);

/// What a request's head must be smaller than. A name, a token and all headers of a real one are a
/// tenth of it; actix-http panics at a header name of 64 KiB.
const HEAD_LIMIT: usize = 65_536;

/// How long a client that is still sending may take to read why its connection ends. Closing on unread
/// bytes resets the connection, and the client would lose the answer.
const FAREWELL: Duration = Duration::from_secs(1);

/// A client's socket, as actix-http reads and writes it.
///
/// Hands over one request at a time, and its head whole: what a client has sent ahead waits until the
/// answer is out. actix-http alone would write several answers in one piece, and take the method and the
/// `Connection` header of the last request it read for those of the one it answers. Nor would it time
/// any but the first request.
///
/// Bound: a head, and one read's worth of bytes behind it; more wait in the kernel.
#[derive(Debug)]
pub(super) struct Connection {
    client: Rc<Client>,
    exchange: Exchange,
    head_end: HeadEnd,
    time_out: Option<Pin<Box<Sleep>>>,
    /// What was read and not handed over: a part of a head, or what was sent ahead.
    received: BytesMut,
    /// Reads on once the answer is out.
    reader: Option<Waker>,
    /// Whether the socket wakes the reader, so that the end of an answer need not.
    reads_on_when_woken: bool,
    rewrite: Option<Rewrite>,
}

/// What outlives actix-http's part in a connection.
#[derive(Debug)]
pub(super) struct Client {
    socket: RefCell<TcpStream>,
    activity: Activity,
    /// Why a request is refused that actix-http has never seen.
    refused: Cell<Option<&'static str>>,
}

/// How far a request and its answer have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exchange {
    /// Between requests, or within the head of one.
    ReadingHead,
    /// A head is whole, and these bytes of it are still to be handed over.
    HandingOver { remaining: usize },
    /// A head was handed over.
    AwaitingAnswer,
    /// The answer is going out.
    WritingAnswer { is_last: bool },
    /// No further request is read.
    Ended,
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

    /// Ends a connection so that the client can read the last answer. Does nothing while another part
    /// still holds the connection.
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
            exchange: Exchange::ReadingHead,
            head_end: HeadEnd::default(),
            time_out: None,
            received: BytesMut::new(),
            reader: None,
            reads_on_when_woken: false,
            rewrite: None,
        }
    }

    /// Reads until a head is whole and hands it over, or nothing of it.
    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if let Some(length) = self.find_received_head() {
                if length > HEAD_LIMIT {
                    return self.refuse(refusal::TOO_LARGE);
                }
                ignore_offer(&mut self.received[..length]);
                self.exchange = Exchange::HandingOver { remaining: length };
                self.hand_over(buffer);
                return Poll::Ready(Ok(()));
            }
            if self.head_end.seen() > HEAD_LIMIT {
                return self.refuse(refusal::TOO_LARGE);
            }
            if self.head_end.is_no_head() {
                return self.refuse(refusal::MALFORMED);
            }
            if self.head_end.has_begun() && self.time_out.is_none() {
                self.time_out = Some(Box::pin(sleep(HEAD_TIME_OUT)));
            }
            let start = buffer.filled().len();
            if Pin::new(&mut *self.client.socket.borrow_mut()).poll_read(cx, buffer)?.is_pending() {
                ready!(self.poll_time_out(cx));
                return self.refuse(refusal::TOO_SLOW);
            }
            let piece = &buffer.filled()[start..];
            if piece.is_empty() {
                return Poll::Ready(Ok(())); // the end of the stream
            }
            // Nearly every head comes whole, in one piece, and stays where it was read to.
            if self.received.is_empty()
                && let Some(length) = self.head_end.find(piece)
                && length <= HEAD_LIMIT
            {
                self.received.extend_from_slice(&piece[length..]);
                buffer.set_filled(start + length);
                ignore_offer(&mut buffer.filled_mut()[start..]);
                self.handed_over();
                return Poll::Ready(Ok(()));
            }
            self.received.extend_from_slice(piece);
            buffer.set_filled(start);
        }
    }

    /// The length of the head that what was received begins with, once it is whole.
    fn find_received_head(&mut self) -> Option<usize> {
        self.head_end.find(&self.received[self.head_end.seen()..])
    }

    /// Hands over as much of a whole head as there is room for.
    fn hand_over(&mut self, buffer: &mut ReadBuf<'_>) {
        let Exchange::HandingOver { remaining } = &mut self.exchange else { return };
        let part = self.received.split_to(buffer.remaining().min(*remaining));
        buffer.put_slice(&part);
        *remaining -= part.len();
        if *remaining == 0 {
            if self.received.is_empty() {
                self.received = BytesMut::new(); // an idle connection keeps no room for a long head
            }
            self.handed_over();
        }
    }

    fn handed_over(&mut self) {
        self.time_out = None;
        self.exchange = Exchange::AwaitingAnswer;
        self.client.activity.request_arrived();
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
        self.exchange = Exchange::Ended;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.exchange {
            Exchange::ReadingHead => self.poll_head(cx, buffer),
            Exchange::HandingOver { .. } => {
                self.hand_over(buffer);
                Poll::Ready(Ok(()))
            }
            Exchange::AwaitingAnswer | Exchange::WritingAnswer { .. } => {
                let nothing_came = self.client.nothing_came(cx);
                self.reads_on_when_woken = nothing_came && self.received.is_empty();
                self.reader = Some(cx.waker().clone());
                Poll::Pending
            }
            Exchange::Ended => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !matches!(self.exchange, Exchange::WritingAnswer { .. }) {
            // It would invite a body, which no request of ours has.
            if buffer.starts_with(refusal::CONTINUE) {
                return Poll::Ready(Ok(refusal::CONTINUE.len()));
            }
            self.exchange = Exchange::WritingAnswer { is_last: refusal::says_close(buffer) };
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
        if let Exchange::WritingAnswer { is_last } = self.exchange {
            self.exchange = if is_last { Exchange::Ended } else { Exchange::ReadingHead };
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
