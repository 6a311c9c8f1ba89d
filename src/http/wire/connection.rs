//! One client connection: gives actix-http one request at a time, and corrects what it writes.

use std::{
    cell::{Cell, RefCell},
    io,
    ops::RangeInclusive,
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

use crate::http::wire::{
    connections::Activity, head_end::HeadEnd, refusal, turns::Turn, upgrade::ignore_offer,
};

/// How long a request's head may take to arrive, counted from its first byte that is not a line
/// end.
const HEAD_TIME_OUT: Duration = Duration::from_secs(5);

/// The limit of a request's head, in bytes. A real head is a tenth of it, with a name, a token and
/// all headers; actix-http panics at a header name of 64 KiB.
const HEAD_LIMIT: usize = 65_536;

/// A head that is longer than this is long.
const LONG_HEAD: usize = 8_192;

/// actix-http's buffer for answers. It begins with the first figure, grows with the answer, and is
/// replaced after an answer larger than the second; what it has grown to it keeps otherwise.
const ANSWER_BUFFER: RangeInclusive<usize> = 8_192..=131_072;

/// How long a client that is still sending has to read why its connection ends. Closing a socket
/// with unread bytes resets the connection, and the client would lose the answer.
const FAREWELL: Duration = Duration::from_secs(1);

/// The socket that actix-http reads and writes.
///
/// Hands over one request at a time, once its head is complete; pipelined requests wait until the
/// answer is out. Given all of them, actix-http would write several answers in one piece, and use
/// the method and the `Connection` header of the last request that it read for the one that it
/// answers. It would also time the first request alone.
///
/// Bound: one head, and the bytes that one read brings after it; the rest waits in the kernel.
/// [`Activity::holds`] bounds what all connections hold together.
#[derive(Debug)]
pub(super) struct Connection {
    client: Rc<Client>,
    exchange: Exchange,
    turn: Turn,
    /// Whether its last request was answered before the next one came. Then it need not take turns.
    goes_first: bool,
    head_end: HeadEnd,
    time_out: Option<Pin<Box<Sleep>>>,
    /// Read and not handed over yet: a part of a head, or pipelined requests.
    received: BytesMut,
    /// Wakes actix-http to read on once the answer is out.
    reader: Option<Waker>,
    /// Whether the socket will wake the reader, so that the end of the answer need not.
    reads_on_when_woken: bool,
    rewrite: Option<Rewrite>,
    /// What actix-http's buffer has grown to.
    answer_buffer: usize,
}

/// The part of a connection that outlives actix-http's use of it.
#[derive(Debug)]
pub(super) struct Client {
    socket: RefCell<TcpStream>,
    activity: Activity,
    /// Why a request was refused before actix-http saw it.
    refused: Cell<Option<&'static str>>,
}

/// The state of a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exchange {
    /// Between requests, or within the head of one.
    ReadingHead,
    /// A head is complete, and these bytes of it are still to be handed over.
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
    /// The length of what it replaces, which actix-http is told was written.
    replaced: usize,
}

impl Client {
    pub(super) fn new(socket: TcpStream, activity: Activity) -> Rc<Self> {
        Rc::new(Self { socket: RefCell::new(socket), activity, refused: Cell::new(None) })
    }

    /// Whether the client has sent nothing more, neither bytes nor the end of its stream. If so,
    /// the task is woken when something arrives. Costs no system call until then.
    fn nothing_came(&self, cx: &mut Context<'_>) -> bool {
        let mut byte = [0];
        match self.socket.borrow().poll_peek(cx, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(Ok(0)) => self.activity.client_hung_up(),
            Poll::Ready(_) => {}
            Poll::Pending => return true,
        }
        false
    }

    /// Writes a part of an answer, for which `held` bytes are kept until the client reads it.
    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        part: &[u8],
        held: usize,
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut *self.socket.borrow_mut()).poll_write(cx, part);
        if written.is_pending() && !self.activity.stalls_with(held) {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        written
    }

    /// Closes the connection so that the client can still read the last answer. Does nothing while
    /// another part holds the connection.
    pub(super) async fn dismiss(self: Rc<Self>) {
        let Some(client) = Rc::into_inner(self) else { return };
        let (mut socket, refused) = (client.socket.into_inner(), client.refused.get());
        // Held until the socket is closed: until then the connection counts as open. Its buffers
        // are gone.
        let activity = client.activity;
        let _ = activity.holds(0);
        let farewell = async {
            if let Some(reason) = refused {
                socket.write_all(&refusal::refusal(reason)).await?;
            }
            socket.shutdown().await?;
            copy(&mut socket, &mut sink()).await
        };
        // Errors do not matter: the client is gone, or does not stop sending.
        let _ = timeout(FAREWELL, farewell).await;
    }
}

impl Connection {
    pub(super) fn new(client: Rc<Client>, turn: Turn) -> Self {
        Self {
            client,
            exchange: Exchange::ReadingHead,
            turn,
            goes_first: false,
            head_end: HeadEnd::default(),
            time_out: None,
            received: BytesMut::new(),
            reader: None,
            reads_on_when_woken: false,
            rewrite: None,
            answer_buffer: 0,
        }
    }

    /// Reads until a head is complete, and hands over all of it or nothing.
    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let found = self.find_received_head();
            if self.head_end.seen() > HEAD_LIMIT {
                return self.refuse(refusal::TOO_LARGE);
            }
            if let Some(length) = found {
                ignore_offer(&mut self.received[..length]);
                self.exchange = Exchange::HandingOver { remaining: length };
                return self.poll_hand_over(cx, buffer);
            }
            if self.head_end.is_tls() {
                return self.refuse(refusal::TLS);
            }
            if self.head_end.is_malformed() {
                return self.refuse(refusal::MALFORMED);
            }
            if self.head_end.has_begun() && self.time_out.is_none() {
                self.time_out = Some(Box::pin(sleep(HEAD_TIME_OUT)));
            }
            let start = buffer.filled().len();
            if !self.goes_first && self.client.socket.borrow().poll_read_ready(cx)?.is_ready() {
                ready!(self.turn.poll(cx));
            }
            if Pin::new(&mut *self.client.socket.borrow_mut()).poll_read(cx, buffer)?.is_pending() {
                self.turn.end();
                ready!(self.poll_time_out(cx));
                return self.refuse(refusal::TOO_SLOW);
            }
            let piece = &buffer.filled()[start..];
            if piece.is_empty() {
                // Thousands of clients may hang up at once.
                ready!(self.turn.poll(cx));
                return Poll::Ready(Ok(())); // the end of the stream
            }
            // Nearly every head arrives in one piece, and stays in the buffer into which it was
            // read.
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
            if self.received.len() > LONG_HEAD {
                // At once, and not piece by piece: the pieces that it outgrows stay resident.
                self.received.reserve(HEAD_LIMIT.saturating_sub(self.received.len()));
            }
            self.received.extend_from_slice(piece);
            buffer.set_filled(start);
            let held = self.received.len() + self.answer_buffer;
            if !self.client.activity.stalls_with(held) {
                self.received = BytesMut::new();
                return self.refuse(refusal::TOO_MUCH);
            }
        }
    }

    /// The length of the head at the start of what was received, once it is complete.
    fn find_received_head(&mut self) -> Option<usize> {
        self.head_end.find(&self.received[self.head_end.seen()..])
    }

    /// Hands over as much of a complete head as the buffer has room for.
    fn poll_hand_over(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.goes_first {
            ready!(self.turn.poll(cx));
        }
        let Exchange::HandingOver { remaining } = &mut self.exchange else {
            return Poll::Ready(Ok(()));
        };
        let part = self.received.split_to(buffer.remaining().min(*remaining));
        buffer.put_slice(&part);
        *remaining -= part.len();
        if *remaining == 0 {
            if self.received.is_empty() {
                // An idle connection must not keep the memory of a long head.
                self.received = BytesMut::new();
            }
            self.handed_over();
        }
        Poll::Ready(Ok(()))
    }

    fn handed_over(&mut self) {
        self.time_out = None;
        self.goes_first = false;
        self.turn.end();
        let _ = self.client.activity.holds(self.received.len() + self.answer_buffer);
        self.exchange = Exchange::AwaitingAnswer;
        self.client.activity.request_arrived();
    }

    fn poll_time_out(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.time_out {
            Some(time_out) => time_out.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    /// Tells actix-http that the stream has ended. The client is told why once actix-http has
    /// dropped the connection.
    fn refuse(&mut self, reason: &'static str) -> Poll<io::Result<()>> {
        self.client.refused.set(Some(reason));
        self.exchange = Exchange::Ended;
        Poll::Ready(Ok(()))
    }
}

/// What the buffer is after an answer of this length.
fn grown(buffer: usize, answer: usize) -> usize {
    match answer {
        _ if answer > *ANSWER_BUFFER.end() => 0,
        _ if answer > *ANSWER_BUFFER.start() => buffer.max(answer),
        _ => buffer,
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
            Exchange::HandingOver { .. } => self.poll_hand_over(cx, buffer),
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
            // It would invite a body, which no valid request has.
            if buffer.starts_with(refusal::CONTINUE) {
                return Poll::Ready(Ok(refusal::CONTINUE.len()));
            }
            self.exchange = Exchange::WritingAnswer { is_last: refusal::says_close(buffer) };
            self.answer_buffer = grown(self.answer_buffer, buffer.len());
            self.rewrite = refusal::rewritten(buffer)
                .map(|remaining| Rewrite { remaining, replaced: buffer.len() });
        }
        let Self { client, rewrite, .. } = &mut *self;
        let Some(answer) = rewrite else { return client.poll_write(cx, buffer, buffer.len()) };
        while answer.remaining.has_remaining() {
            let written = ready!(client.poll_write(cx, &answer.remaining, buffer.len()))?;
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
        // actix-http flushes when it has written all it had, and also when there was nothing to
        // write.
        if let Exchange::WritingAnswer { is_last } = self.exchange {
            self.exchange = if is_last { Exchange::Ended } else { Exchange::ReadingHead };
            self.head_end = HeadEnd::default();
            self.goes_first = self.reads_on_when_woken;
            let has_room = self.client.activity.holds(self.received.len() + self.answer_buffer);
            self.client.activity.answered();
            if !has_room && self.answer_buffer > 0 {
                // The client has its answer. Only the end of the connection frees the buffer, and
                // only an error ends it at once.
                self.exchange = Exchange::Ended;
                return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
            }
            if let Some(reader) = self.reader.take()
                && (is_last || !self.reads_on_when_woken)
            {
                reader.wake();
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Does nothing: [`Client::dismiss`] closes the connection.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
