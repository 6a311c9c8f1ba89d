//! What actix-http writes, and when, as `http::Connection` takes it.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_http::{
    Error, HttpService, KeepAlive, Request, Response, StatusCode, body::BoxBody, header,
};
use actix_service::{Service, ServiceFactory, fn_service};
use futures_util::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{advance, pause},
};

use crate::support::{cache::settle, soon};

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// One connection: gives what was laid down, and shows each write and flush.
#[derive(Clone, Default)]
struct Wire(Rc<RefCell<Ends>>);

#[derive(Default)]
struct Ends {
    input: VecDeque<Vec<u8>>,
    is_closed: bool,
    output: Vec<String>,
}

const FLUSH: &str = "(flush)";

impl Wire {
    fn with(input: impl AsRef<[u8]>) -> Self {
        let wire = Self::default();
        let input = Some(input.as_ref().to_vec()).filter(|input| !input.is_empty());
        wire.0.borrow_mut().input.extend(input);
        wire
    }

    fn closed(self) -> Self {
        self.0.borrow_mut().is_closed = true;
        self
    }

    /// What was written: a piece for each write, and each flush that follows one.
    fn output(&self) -> Vec<String> {
        self.0.borrow().output.clone()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut ends = self.0.borrow_mut();
        let Some(mut piece) = ends.input.pop_front() else {
            return if ends.is_closed { Poll::Ready(Ok(())) } else { Poll::Pending };
        };
        let rest = piece.split_off(piece.len().min(buffer.remaining()));
        buffer.put_slice(&piece);
        if !rest.is_empty() {
            ends.input.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().output.push(String::from_utf8(bytes.to_vec()).unwrap());
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let output = &mut self.0.borrow_mut().output;
        if output.last().is_some_and(|last| last != FLUSH) {
            output.push(FLUSH.to_owned());
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn answer(_request: Request) -> Result<Response<BoxBody>, Error> {
    let mut response =
        Response::with_body(StatusCode::BAD_REQUEST, BoxBody::new("x".repeat(65_536)));
    response.head_mut().set_camel_case_headers(true);
    let name = header::HeaderName::from_static("x-amzn-errortype");
    response.headers_mut().insert(name, header::HeaderValue::from_static("A"));
    Ok(response)
}

/// Serves this connection as `HttpActor` does. Resolves when actix-http lets go of it.
async fn serve(wire: Wire) {
    let service = HttpService::build()
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(Duration::ZERO)
        .h1(fn_service(answer))
        .new_service(())
        .await
        .unwrap();
    let _ = service.call((wire, None)).await;
}

/// What is written in answer to this, the date left out.
async fn written_for(wire: Wire) -> Vec<String> {
    let serving = tokio::task::spawn_local(serve(wire.clone()));
    settle().await;
    serving.abort();
    let undated = |piece: String| {
        let lines = piece.split_inclusive("\r\n");
        lines.filter(|line| !line.to_lowercase().starts_with("date: ")).collect()
    };
    wire.output().into_iter().map(undated).collect()
}

#[actix_rt::test]
async fn an_answer_is_one_write_and_then_a_flush() {
    let body = "x".repeat(65_536);
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 65536\r\nX-Amzn-Errortype: A\r\n\r\n{body}"
    );

    assert_eq!(written_for(Wire::with(GET)).await, [answer.as_str(), FLUSH]);
}

#[actix_rt::test]
async fn what_cannot_be_parsed_is_answered_without_a_body_and_in_lower_case() {
    let headers: String = (0..97).map(|n| format!("{n}: x\r\n")).collect();
    for (request, status) in [
        ("garbage\r\n\r\n".to_owned(), "400 Bad Request"),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400 Bad Request"),
        (format!("GET / HTTP/1.1\r\n{headers}\r\n"), "431 Request Header Fields Too Large"),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        assert_eq!(
            written_for(Wire::with(&request)).await,
            [answer.as_str(), FLUSH],
            "{request:?}"
        );
    }
}

#[actix_rt::test]
async fn a_client_that_waits_for_a_word_gets_it_ahead_of_the_answer() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";

    let written = written_for(Wire::with(request)).await.concat();

    assert!(written.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 "), "{written}");
}

#[actix_rt::test]
async fn a_body_that_was_not_read_ends_the_connection_and_the_answer_says_so() {
    let wire = Wire::with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    soon(serve(wire.clone())).await;

    let written = wire.output().concat();

    assert!(written.contains("\r\nContent-Length: 65536\r\nConnection: close\r\n"), "{written}");
}

#[actix_rt::test]
async fn the_end_within_a_request_ends_the_connection_without_a_word() {
    let wire = Wire::with(&GET[..20]).closed();
    soon(serve(wire.clone())).await;

    assert!(wire.output().is_empty(), "{:?}", wire.output());
}

#[actix_rt::test]
async fn the_end_behind_a_request_does_not_cost_its_answer() {
    let wire = Wire::with(GET).closed();
    soon(serve(wire.clone())).await;

    assert!(wire.output().concat().starts_with("HTTP/1.1 400 "), "{:?}", wire.output());
}

#[actix_rt::test]
async fn no_timer_ends_a_connection_before_within_or_after_a_request() {
    pause();
    for input in ["", &GET[..20], GET] {
        let mut serving = Box::pin(serve(Wire::with(input)));
        assert_eq!((&mut serving).now_or_never(), None, "{input:?}");
        advance(Duration::from_secs(86_400)).await;
        settle().await;
        assert_eq!((&mut serving).now_or_never(), None, "{input:?}");
    }
}
