//! Secrets Manager, as far as it concerns these tests: a secret's name ends with how long its value
//! is.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
};

use super::program::{CERTIFICATE, KEY};

/// Answers on threads of its own, which end with their connections.
pub struct Upstream {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    hangs: AtomicBool,
    /// What was asked for and has a word in it that no client may ask for.
    smuggled: Mutex<Vec<String>>,
}

impl Upstream {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let (config, for_thread) = (Arc::new(config()), Arc::clone(&shared));
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let (config, shared) = (Arc::clone(&config), Arc::clone(&for_thread));
                thread::spawn(move || {
                    // The program is killed at the end of a test.
                    let _ = serve(connection, config, &shared);
                });
            }
        });
        Self { port, shared }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on no call is answered.
    pub fn hangs(&self) {
        self.shared.hangs.store(true, Ordering::Relaxed);
    }

    pub fn smuggled(&self) -> Vec<String> {
        self.shared.smuggled.lock().unwrap().clone()
    }
}

fn config() -> ServerConfig {
    let certificate = vec![CertificateDer::from(CERTIFICATE)];
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificate, PrivateKeyDer::try_from(KEY).unwrap())
        .unwrap()
}

fn serve(connection: TcpStream, config: Arc<ServerConfig>, shared: &Shared) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let tls = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(tls, connection);
    while let Some(name) = read_name(&mut stream)? {
        if name.contains("smuggled") {
            shared.smuggled.lock().unwrap().push(name.clone());
        }
        while shared.hangs.load(Ordering::Relaxed) {
            thread::park();
        }
        let length = name.rsplit('-').next().and_then(|length| length.parse().ok()).unwrap_or(0);
        let body = format!(r#"{{"Name":"a name","SecretString":"{}"}}"#, "v".repeat(length));
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
        stream.flush()?;
    }
    Ok(())
}

/// The name that the next call asks for. None if no call follows.
fn read_name(stream: &mut impl Read) -> io::Result<Option<String>> {
    let mut call = Vec::new();
    let mut chunk = [0; 16_384];
    loop {
        let length = stream.read(&mut chunk)?;
        if length == 0 {
            return Ok(None);
        }
        call.extend_from_slice(&chunk[..length]);
        if call.ends_with(b"}")
            && let Some(at) = find(&call, b"\"SecretId\":\"")
        {
            let name = &call[at..];
            let end = name.iter().position(|byte| *byte == b'"').unwrap_or(name.len());
            return Ok(Some(String::from_utf8_lossy(&name[..end]).into_owned()));
        }
    }
}

/// Where it ends.
fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word).map(|at| at + word.len())
}
