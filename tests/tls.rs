//! What the program says to AWS before anything is encrypted, and with which servers it agrees.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread::{self, JoinHandle},
};

use rustls::{
    NamedGroup, ProtocolVersion, ServerConfig, ServerConnection, Stream, SupportedProtocolVersion,
    crypto::{SupportedKxGroup, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer},
};

use crate::support::program::{CERTIFICATE, KEY, LONG_ENOUGH, Program, TOKEN, connect};

/// The numbers of the key exchanges, as IANA lists them (TLS Supported Groups).
const X25519MLKEM768: u16 = 0x11ec;
const X25519: u16 = 0x001d;

/// The numbers of the extensions of a ClientHello (RFC 8446, section 4.2).
const SUPPORTED_GROUPS: u16 = 10;
const KEY_SHARE: u16 = 51;

#[test]
fn the_client_hello_offers_post_quantum_key_exchange_first_and_the_classical_one_beside_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let extension = Program::start(port_of(&listener));
    let asked = ask(&extension);

    let (mut connection, _) = listener.accept().unwrap();
    let hello = ClientHello::read(&mut connection);
    drop((listener, connection)); // the SDK's attempts end at once
    asked.join().unwrap();

    assert_eq!(hello.groups()[..2], [X25519MLKEM768, X25519]);
    // A key for each, so that neither kind of server has to ask for another ClientHello.
    assert_eq!(hello.key_shares(), [X25519MLKEM768, X25519]);
}

#[test]
fn a_post_quantum_server_and_a_client_agree_on_x25519mlkem768() {
    let everything = aws_lc_rs::ALL_KX_GROUPS;
    let agreed = Server::with(everything, &rustls::version::TLS13).answer_one_secret();
    assert_eq!(agreed, (ProtocolVersion::TLSv1_3, NamedGroup::X25519MLKEM768));
}

#[test]
fn a_server_that_has_only_x25519_is_answered_without_another_client_hello() {
    let classical = &[aws_lc_rs::kx_group::X25519];
    let agreed = Server::with(classical, &rustls::version::TLS13).answer_one_secret();
    assert_eq!(agreed, (ProtocolVersion::TLSv1_3, NamedGroup::X25519));
}

#[test]
fn a_server_that_has_only_tls_1_2_is_spoken_to() {
    let classical = &[aws_lc_rs::kx_group::SECP256R1];
    let agreed = Server::with(classical, &rustls::version::TLS12).answer_one_secret();
    assert_eq!(agreed, (ProtocolVersion::TLSv1_2, NamedGroup::secp256r1));
}

/// Secrets Manager, as far as it concerns TLS.
struct Server {
    listener: TcpListener,
    config: Arc<ServerConfig>,
}

impl Server {
    fn with(
        groups: &[&'static dyn SupportedKxGroup],
        version: &'static SupportedProtocolVersion,
    ) -> Self {
        let provider = rustls::crypto::CryptoProvider {
            kx_groups: groups.to_vec(),
            ..aws_lc_rs::default_provider()
        };
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(CERTIFICATE)],
                PrivateKeyDer::try_from(KEY).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { listener, config: Arc::new(config) }
    }

    /// Lets the extension fetch one secret, over the first connection it makes. Gives what was
    /// agreed on.
    fn answer_one_secret(self) -> (ProtocolVersion, NamedGroup) {
        let extension = Program::start(port_of(&self.listener));
        let asked = ask(&extension);

        let (mut connection, _) = self.listener.accept().unwrap();
        connection.set_read_timeout(Some(LONG_ENOUGH)).unwrap();
        let mut tls = ServerConnection::new(self.config).unwrap();
        let mut stream = Stream::new(&mut tls, &mut connection);
        let call = read_request(&mut stream);
        assert!(call.contains("secretsmanager.GetSecretValue"), "{call}");
        let secret = r#"{"Name":"db","SecretString":"a value"}"#;
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{secret}", secret.len())
            .unwrap();
        stream.flush().unwrap();
        let agreed =
            (tls.protocol_version().unwrap(), tls.negotiated_key_exchange_group().unwrap().name());

        let reply = asked.join().unwrap();
        assert!(reply.starts_with("HTTP/1.1 200 ") && reply.contains("a value"), "{reply}");
        agreed
    }
}

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

/// Reads up to the end of a request's body.
fn read_request(stream: &mut impl Read) -> String {
    let mut text = String::new();
    let mut chunk = [0; 4096];
    loop {
        let length = stream.read(&mut chunk).unwrap();
        assert_ne!(length, 0, "the client hung up: {text}");
        text += std::str::from_utf8(&chunk[..length]).unwrap();
        if text.contains("\r\n\r\n") && text.ends_with('}') {
            return text;
        }
    }
}

/// Asks for a secret, on a thread of its own; gives the whole reply.
fn ask(extension: &Program) -> JoinHandle<String> {
    let port = extension.port();
    thread::spawn(move || {
        let mut connection = connect(port);
        write!(
            connection,
            "GET /secretsmanager/get?secretId=db HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             X-Aws-Parameters-Secrets-Token: {TOKEN}\r\n\r\n"
        )
        .unwrap();
        let mut reply = String::new();
        connection.read_to_string(&mut reply).unwrap();
        reply
    })
}

/// The first message of TLS 1.3 (RFC 8446, section 4.1.2), from behind its four bytes of type and
/// length.
struct ClientHello(Vec<u8>);

impl ClientHello {
    fn read(connection: &mut TcpStream) -> Self {
        connection.set_read_timeout(Some(LONG_ENOUGH)).unwrap();
        let mut header = [0; 5];
        connection.read_exact(&mut header).unwrap();
        let mut record = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        connection.read_exact(&mut record).unwrap();
        assert_eq!((header[0], record[0]), (22, 1), "a handshake record that holds a ClientHello");
        Self(record.split_off(4))
    }

    fn groups(&self) -> Vec<u16> {
        let mut groups = self.extension(SUPPORTED_GROUPS);
        let mut groups = groups.prefixed(2);
        std::iter::from_fn(|| groups.number(2)).collect()
    }

    fn key_shares(&self) -> Vec<u16> {
        let mut shares = self.extension(KEY_SHARE);
        let mut shares = shares.prefixed(2);
        std::iter::from_fn(|| {
            let group = shares.number(2)?;
            shares.prefixed(2);
            Some(group)
        })
        .collect()
    }

    fn extension(&self, wanted: u16) -> Bytes<'_> {
        let mut hello = Bytes(&self.0[2 + 32..]); // behind the version and the random bytes
        hello.prefixed(1); // the session
        hello.prefixed(2); // cipher suites
        hello.prefixed(1); // compression methods
        let mut extensions = hello.prefixed(2);
        while let Some(kind) = extensions.number(2) {
            let data = extensions.prefixed(2);
            if kind == wanted {
                return data;
            }
        }
        panic!("the ClientHello has no extension {wanted}");
    }
}

/// Bytes that are read from their front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// A big-endian number; None at the end.
    fn number(&mut self, length: usize) -> Option<u16> {
        let (number, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(number.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte)))
    }

    /// What follows a length of so many bytes.
    fn prefixed(&mut self, length: usize) -> Bytes<'a> {
        let length = self.number(length).unwrap();
        let (data, rest) = self.0.split_at(usize::from(length));
        self.0 = rest;
        Bytes(data)
    }
}
