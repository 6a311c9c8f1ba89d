//! The program as it runs outside Lambda, and what it takes in memory.

use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use super::upstream::{AUTHORITY, Upstream};

pub const TOKEN: &str = "token";

/// Longer than any time-out of the program's.
pub const LONG_ENOUGH: Duration = Duration::from_secs(60);

/// Killed when dropped.
pub struct Program {
    process: Child,
    port: u16,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Program {
    pub fn start(upstream: &Upstream) -> Self {
        Self::with(upstream, &[])
    }

    /// With these settings beside those that it needs.
    pub fn with(upstream: &Upstream, settings: &[(&str, &str)]) -> Self {
        Self::writing_to(upstream, settings, Stdio::null())
    }

    /// With its log there.
    pub fn writing_to(
        upstream: &Upstream,
        settings: &[(&str, &str)],
        log: impl Into<Stdio>,
    ) -> Self {
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
            .env(
                "AWS_ENDPOINT_URL_SECRETS_MANAGER",
                format!("https://localhost:{}", upstream.port()),
            )
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

    /// The most memory that was ever resident, in megabytes, rounded up.
    pub fn peak_memory_mb(&self) -> u64 {
        let kibibytes = self.status("VmHWM:");
        (kibibytes * 1_024 / 1_000).div_ceil(1_000)
    }

    /// How many files may be open before the kernel enlarges its table of them.
    pub fn places_for_open_files(&self) -> u64 {
        self.status("FDSize:")
    }

    /// A number that Linux tells about the process, in the unit that it has there.
    fn status(&self, what: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("Linux tells it");
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// The test build, or the one that `make hostile` names.
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
