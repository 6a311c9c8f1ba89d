//! Whatever bytes come: one answer after the other or the end, never a crash, and the next is
//! served.

use proptest::{prelude::*, sample::Index};
use tokio::time::pause;

use super::{SECRET, assert_serves, server};
use crate::support::{
    reply::Reply,
    server::{HEADERS, get},
};

#[derive(Clone, Debug)]
enum Mutation {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index),
    Cut(Index),
    Repeat(Index),
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "\r\n",
        "\n",
        "\r",
        "\r\n\r\n",
        "%",
        "%0",
        "%zz",
        "&",
        "=",
        "?",
        "/",
        " ",
        ":",
        "\0",
        "HTTP/1.0",
        "HTTP/2.0",
        "HEAD ",
        "POST ",
        "CONNECT ",
        "Connection: close\r\n",
        "Content-Length: 10\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "Upgrade: websocket\r\n",
        "Connection: upgrade\r\n",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
    ];
    prop_oneof![
        3 => proptest::sample::select(words.map(|word| word.as_bytes().to_vec()).to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 1..20),
    ]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (any::<Index>(), word()).prop_map(|(at, word)| Mutation::Insert(at, word)),
        any::<Index>().prop_map(Mutation::Remove),
        any::<Index>().prop_map(Mutation::Cut),
        any::<Index>().prop_map(Mutation::Repeat),
    ]
}

fn mutated(mut request: Vec<u8>, mutations: Vec<Mutation>) -> Vec<u8> {
    for mutation in mutations {
        match mutation {
            _ if request.is_empty() => {}
            Mutation::Replace(at, byte) => *at.get_mut(&mut request) = byte,
            Mutation::Insert(at, word) => {
                let at = at.index(request.len());
                request.splice(at..at, word);
            }
            Mutation::Remove(at) => {
                request.remove(at.index(request.len()));
            }
            Mutation::Cut(at) => request.truncate(at.index(request.len())),
            Mutation::Repeat(at) => request.extend_from_within(at.index(request.len())..),
        }
    }
    request
}

fn good_request() -> impl Strategy<Value = Vec<u8>> {
    let close = format!("GET {SECRET} HTTP/1.1\r\nConnection: close\r\n{HEADERS}\r\n");
    let body = format!("POST {SECRET} HTTP/1.1\r\nContent-Length: 5\r\n{HEADERS}\r\nhello");
    let chunks = format!(
        "GET {SECRET} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n{HEADERS}\r\n5\r\nhello\r\n0\r\n\r\n"
    );
    let requests =
        [get(SECRET), get("/systemsmanager/parameters/get/?name=%2Fa"), close, body, chunks];
    proptest::sample::select(requests.map(String::into_bytes).to_vec())
}

fn anything() -> impl Strategy<Value = Vec<u8>> {
    let mutated_requests = proptest::collection::vec(
        (good_request(), proptest::collection::vec(mutation(), 0..4))
            .prop_map(|(request, mutations)| mutated(request, mutations)),
        1..4,
    );
    prop_oneof![
        1 => proptest::collection::vec(any::<u8>(), 0..2_000),
        4 => mutated_requests.prop_map(|requests| requests.concat()),
    ]
}

/// Everything that the server sent is a sequence of answers in the form of AWS's extension.
fn assert_is_answers(mut bytes: &[u8], request: &[u8]) {
    let request = String::from_utf8_lossy(request);
    while !bytes.is_empty() {
        let answers = String::from_utf8_lossy(bytes);
        // The answer to a HEAD says how long its body would be.
        let (reply, length) = [true, false]
            .into_iter()
            .find_map(|has_body| {
                let (reply, length) = Reply::parse(bytes, has_body)?;
                let rest = &bytes[length..];
                (rest.is_empty() || rest.starts_with(b"HTTP/1.")).then_some((reply, length))
            })
            .unwrap_or_else(|| panic!("{request:?} was answered by {answers:?}"));
        assert!([200, 400, 401].contains(&reply.status()), "{request:?}: {reply:?}");
        let is_error = reply.status() != 200;
        assert_eq!(reply.header("X-Amzn-ErrorType").is_some(), is_error, "{request:?}: {reply:?}");
        assert_eq!(reply.header("Content-Type"), Some("text/plain"), "{request:?}: {reply:?}");
        bytes = &bytes[length..];
    }
}

async fn assert_survives(bytes: &[u8]) {
    pause();
    let server = server();
    let mut client = server.client().await;
    client.try_send(bytes).await;
    client.end().await;
    assert_is_answers(client.rest().await.as_bytes(), bytes);
    server.no_connection_is_left().await;
    assert_serves(&server).await;
}

proptest! {
    #[test]
    fn whatever_bytes_come_the_next_request_is_answered(bytes in anything()) {
        actix_rt::System::new().block_on(assert_survives(&bytes));
    }
}
