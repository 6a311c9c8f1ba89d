//! The tokens that a client has to send. They are secrets: they never reach a log line.

use std::fmt;

use constant_time_eq::constant_time_eq;
use zeroize::Zeroizing;

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

/// The tokens that are accepted.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// `AWS_SESSION_TOKEN`: every function has it but those with SnapStart.
    pub session: Option<Token>,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN`: what a function with SnapStart has instead.
    pub container: Option<Token>,
}

impl Tokens {
    /// Keeps the variable if it is a token, and returns any other: a token is kept nowhere else.
    pub(super) fn keep(&mut self, name: String, value: String) -> Option<(String, String)> {
        let token = match name.as_str() {
            "AWS_SESSION_TOKEN" => &mut self.session,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN" => &mut self.container,
            _ => return Some((name, value)),
        };
        *token = Token::new(value);
        None
    }

    /// Whether no token is accepted, so that every request is refused.
    pub fn is_empty(&self) -> bool {
        self.session.is_none() && self.container.is_none()
    }
}
