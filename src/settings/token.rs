//! The tokens that a client has to send. They are secrets: they never reach a log line.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use constant_time_eq::constant_time_eq;
use zeroize::Zeroizing;

/// This project's variable for a token, where there is no session token.
pub const OWN_VARIABLE: &str = "PARAMETERS_SECRETS_EXTENSION_TOKEN";

/// The variable of AWS's agent for the same.
pub(super) const AGENTS_VARIABLE: &str = "AWS_TOKEN";

/// How either begins where it names a file, as with AWS's agent.
const FILE: &str = "file://";

/// The longest file, in bytes. Session tokens are a quarter of it at most.
const LONGEST_FILE: usize = 16 * 1024;

/// A token that opens the cache: redacted `Debug`, no `Display`, wiped when dropped.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Takes over `text` without the blanks around it; `None` if nothing is left.
    pub fn new(text: String) -> Option<Self> {
        let text = Zeroizing::new(text);
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| Self(Zeroizing::new(trimmed.to_owned())))
    }

    /// Reads a file of at most 16 KiB. Blanks and line feeds around the token do not count, as with
    /// AWS's agent.
    ///
    /// # Errors
    ///
    /// The file holds no token. The text says why, and shows nothing of the content.
    pub fn from_file(path: &Path) -> io::Result<Self> {
        let wrong = |why| io::Error::new(io::ErrorKind::InvalidData, why);
        // Opening a pipe would wait for its writer.
        if !fs::metadata(path)?.is_file() {
            return Err(wrong("it is not a regular file"));
        }
        // As large as it may get: a text that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(LONGEST_FILE + 1));
        File::open(path)?.take(LONGEST_FILE as u64 + 1).read_to_string(&mut text)?;
        if text.len() > LONGEST_FILE {
            return Err(wrong("it has more than 16 KiB"));
        }
        let trimmed = text.trim();
        if trimmed.chars().any(char::is_control) {
            return Err(wrong(
                "it has more than one line, or another character that no header can have",
            ));
        }
        Self::new(trimmed.to_owned()).ok_or_else(|| wrong("it is empty"))
    }

    /// Whether a client sent this token. In constant time, and by whole words: a token is a
    /// thousand bytes long and stands in every request.
    pub(crate) fn is(&self, presented: &[u8]) -> bool {
        constant_time_eq(self.reveal().as_bytes(), presented)
    }

    /// The token itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A token that the user has chosen, for clients beside a container.
#[derive(Clone, Debug)]
pub struct GivenToken {
    /// The variable that has it.
    pub variable: &'static str,
    /// The token, or where it is.
    pub source: TokenSource,
}

/// A token, or where it is.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// The token.
    Value(Token),
    /// The file that holds it, and may hold another one later.
    File(PathBuf),
}

impl GivenToken {
    /// What the variable's value means: `file://` and a path, or the token. None if it is blank.
    pub fn new(variable: &'static str, value: String) -> Option<Self> {
        let token = Token::new(value)?;
        let source = match token.reveal().strip_prefix(FILE) {
            Some(path) => TokenSource::File(PathBuf::from(path)),
            None => TokenSource::Value(token),
        };
        Some(Self { variable, source })
    }
}

/// The tokens there are.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// `AWS_SESSION_TOKEN`: every function has it but those with SnapStart.
    pub session: Option<Token>,
    /// `PARAMETERS_SECRETS_EXTENSION_TOKEN`, else `AWS_TOKEN`.
    pub given: Option<GivenToken>,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN`: what a function with SnapStart has.
    pub container: Option<Token>,
}

/// What a client has to send.
#[derive(Clone, Copy, Debug)]
pub enum Accepted<'a> {
    /// The session token.
    Session(&'a Token),
    /// The one that the user has chosen.
    Given(&'a GivenToken),
    /// This one, or the session token of the current credentials.
    Container(&'a Token),
}

impl Tokens {
    /// Keeps the variable if it is a token, and returns any other: a token is kept nowhere else.
    pub(super) fn keep(&mut self, name: String, value: String) -> Option<(String, String)> {
        match name.as_str() {
            "AWS_SESSION_TOKEN" => self.session = Token::new(value),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN" => self.container = Token::new(value),
            // The environment has no order, so ours replaces the agent's.
            OWN_VARIABLE => self.given = GivenToken::new(OWN_VARIABLE, value).or(self.given.take()),
            AGENTS_VARIABLE => {
                let agents = || GivenToken::new(AGENTS_VARIABLE, value);
                self.given = self.given.take().or_else(agents);
            }
            _ => return Some((name, value)),
        }
        None
    }

    /// Those that are known already.
    pub fn values(&self) -> impl Iterator<Item = &Token> {
        let given = self.given.as_ref().and_then(|given| match &given.source {
            TokenSource::Value(token) => Some(token),
            TokenSource::File(_) => None,
        });
        self.session.iter().chain(given).chain(&self.container)
    }

    /// The first of them that there is; none if every request is refused.
    pub fn accepted(&self) -> Option<Accepted<'_>> {
        let session = self.session.as_ref().map(Accepted::Session);
        let given = self.given.as_ref().map(Accepted::Given);
        session.or(given).or_else(|| self.container.as_ref().map(Accepted::Container))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{LONGEST_FILE, Token};

    fn from_file(content: impl AsRef<[u8]>) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, content).unwrap();
        Token::from_file(&path)
            .map(|token| token.reveal().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_files_line_feed_is_no_part_of_the_token() {
        for content in ["token", "token\n", "\u{a0} token\r\n", "\n\ttoken \n\n"] {
            assert_eq!(from_file(content).as_deref(), Ok("token"), "{content:?}");
        }
    }

    #[test]
    fn a_file_without_a_token_says_why_and_shows_nothing_of_itself() {
        for (content, why) in [
            (vec![], "it is empty"),
            (b" \n".to_vec(), "it is empty"),
            (b"one\ntwo".to_vec(), "it has more than one line"),
            (b"\xff\xfe".to_vec(), "stream did not contain valid UTF-8"),
            (vec![b'x'; LONGEST_FILE + 1], "it has more than 16 KiB"),
        ] {
            let error = from_file(&content).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
        assert_eq!(from_file(vec![b'x'; LONGEST_FILE]).unwrap().len(), LONGEST_FILE);
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let error = Token::from_file(folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "it is not a regular file");
        let error = Token::from_file(&folder.path().join("missing")).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    }
}
