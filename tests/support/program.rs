//! The program as it runs outside Lambda.

use std::{
    env,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

pub const TOKEN: &str = "token";

/// Signed the certificate that upstreams on `localhost` have. Both hold for a hundred years; made
/// by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500`, with
/// `basicConstraints` CA:TRUE, then with `-CA`, CA:FALSE and `subjectAltName` DNS:localhost.
pub const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/authority.pem");
pub const CERTIFICATE: &[u8] = include_bytes!("../tls/server.der");
pub const KEY: &[u8] = include_bytes!("../tls/server-key.der");

/// Longer than any time-out of the program's.
pub const LONG_ENOUGH: Duration = Duration::from_secs(60);

/// Killed when dropped.
pub struct Program {
    pub process: Child,
    port: u16,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Program {
    /// Over Secrets Manager at this port.
    pub fn start(upstream: u16) -> Self {
        Self::with(upstream, &[])
    }

    /// With these settings beside those that it needs.
    pub fn with(upstream: u16, settings: &[(&str, &str)]) -> Self {
        Self::writing_to(upstream, settings, Stdio::null())
    }

    /// With its log there.
    pub fn writing_to(upstream: u16, settings: &[(&str, &str)], log: impl Into<Stdio>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(path())
            .env_clear()
            .envs([
                ("AWS_REGION", "eu-central-1"),
                ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
                ("AWS_SECRET_ACCESS_KEY", "key"),
                ("AWS_SESSION_TOKEN", TOKEN),
                ("AWS_MAX_ATTEMPTS", "1"),
                ("AWS_CA_BUNDLE", AUTHORITY),
            ])
            .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("https://localhost:{upstream}"))
            .env("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port.to_string())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(log)
            .spawn()
            .unwrap();
        let program = Self { process, port };
        drop(connect(port)); // it listens
        program
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The test build, or the one that the environment names.
fn path() -> PathBuf {
    let built = env!("CARGO_BIN_EXE_parameters-secrets-extension");
    env::var_os("EXTENSION_BINARY").map_or_else(|| built.into(), PathBuf::from)
}

/// The port is bound a few milliseconds after the start.
pub fn connect(port: u16) -> TcpStream {
    for _ in 0..LONG_ENOUGH.as_millis() / 10 {
        if let Ok(connection) = TcpStream::connect(("127.0.0.1", port)) {
            connection.set_read_timeout(Some(LONG_ENOUGH)).unwrap();
            connection.set_nodelay(true).unwrap();
            return connection;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the program does not listen on port {port}");
}
