//! An answer as it stood on the wire.

use std::fmt;

/// One answer. Header names keep their capitals; they are sorted, because their order means
/// nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    pub status_line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    /// The answer that `bytes` begin with and its length, once it is complete.
    pub fn parse(bytes: &[u8], has_body: bool) -> Option<(Self, usize)> {
        let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..head_end]).unwrap();
        let (status_line, lines) = head.split_once("\r\n").expect("a status line and headers");
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").expect("a colon and one blank");
            (name.to_owned(), value.to_owned())
        };
        let mut headers: Vec<_> = lines.split("\r\n").map(header).collect();
        headers.sort();
        let mut reply = Self { status_line: status_line.to_owned(), headers, body: String::new() };
        let body = head_end + 4;
        let length = if has_body { reply.header("Content-Length")?.parse().unwrap() } else { 0 };
        reply.body = String::from_utf8(bytes.get(body..body + length)?.to_vec()).unwrap();
        Some((reply, body + length))
    }

    /// The status as a number.
    pub fn status(&self) -> u16 {
        self.status_line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The value of the header of this name, in these capitals.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_name, value) = self.headers.iter().find(|(candidate, _)| candidate == name)?;
        Some(value)
    }

    pub fn header_names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _value)| name.as_str()).collect()
    }
}

/// As the wire has it, so that a failed assertion can be read.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status_line)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        writeln!(f, "\n{}", self.body)
    }
}
