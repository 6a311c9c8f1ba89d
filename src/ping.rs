//! `--ping`: whether an extension serves on this machine's port. An image that is the program alone
//! has nothing else that a container's health check could run.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    num::NonZeroU16,
    time::Duration,
};

/// Each step's. Health checks give 5 s by default.
const TIME_OUT: Duration = Duration::from_secs(1);

const HEALTHY: &[u8] = b"HTTP/1.1 200 ";

/// Asks for `/ping` on 127.0.0.1.
///
/// # Errors
///
/// Nothing listens, it does not answer within a second, or it answers something else.
pub(crate) fn ping(port: NonZeroU16) -> io::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.get()));
    let mut stream = TcpStream::connect_timeout(&address, TIME_OUT)?;
    stream.set_read_timeout(Some(TIME_OUT))?;
    stream.set_write_timeout(Some(TIME_OUT))?;
    stream.write_all(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; HEALTHY.len()];
    stream.read_exact(&mut status)?;
    if status == HEALTHY { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{Ipv4Addr, TcpListener},
        num::NonZeroU16,
        thread,
    };

    fn answering(with: &'static str) -> std::io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = NonZeroU16::new(listener.local_addr().unwrap().port()).unwrap();
        let server = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            // What is not read makes the close a reset, which takes the answer with it.
            assert_ne!(client.read(&mut [0; 256]).unwrap(), 0);
            client.write_all(with.as_bytes()).unwrap();
        });
        let outcome = super::ping(port);
        server.join().unwrap();
        outcome
    }

    #[test]
    fn only_a_200_is_healthy() {
        assert!(answering("HTTP/1.1 200 OK\r\n\r\n").is_ok());
        assert!(answering("HTTP/1.1 503 Service Unavailable\r\n\r\n").is_err());
        assert!(answering("").is_err());
    }
}
