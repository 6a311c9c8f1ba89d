//! A server that is not attacked. What a read from it takes is up to the host, whose processors and
//! network are busy with the attack.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

/// Starts it, and gives its port. It serves one client, and ends with it.
pub fn start() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.set_nodelay(true).unwrap();
        let mut request = [0; 4_096];
        while client.read(&mut request).is_ok_and(|length| length > 0) {
            // As a client of the program expects it.
            if client.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"ResultMetadata\":{}}").is_err() {
                break;
            }
        }
    });
    port
}
