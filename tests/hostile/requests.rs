//! Requests, and the answers to them.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use super::program::TOKEN;

/// A whole request with the right token, for this target and with these further lines of a head.
pub fn get(target: &str, lines: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nX-Aws-Parameters-Secrets-Token: {TOKEN}\r\n{lines}\r\n"
    )
}

/// One answer: its status and the length of its body. None if the connection has ended.
pub fn read_answer(connection: &mut TcpStream, received: &mut Vec<u8>) -> Option<(u16, usize)> {
    let mut chunk = [0; 16_384];
    loop {
        if let Some((status, head, length)) = parse(received)
            && received.len() >= head + length
        {
            received.drain(..head + length);
            return Some((status, length));
        }
        match connection.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(read) => received.extend_from_slice(&chunk[..read]),
        }
    }
}

/// Asks over a connection that stays open.
pub fn ask(connection: &mut TcpStream, request: impl AsRef<[u8]>) -> Option<(u16, usize)> {
    // One that is refused before it is whole cannot be sent to its end.
    let _ = connection.write_all(request.as_ref());
    read_answer(connection, &mut Vec::new())
}

/// The status, the length of the head and that of the body of the answer that this begins with.
fn parse(received: &[u8]) -> Option<(u16, usize, usize)> {
    let head = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&received[..head]).expect("a head is ASCII");
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    Some((status, head, length.expect("every answer says how long it is").parse().unwrap()))
}
