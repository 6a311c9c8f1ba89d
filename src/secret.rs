//! The one type that holds plaintext.
//!
//! A secret's value enters as a [`SecretValue`] when an upstream answers and leaves it only through
//! [`SecretValue::reveal`]. It has no `Display`, its `Debug` is redacted, and the memory is wiped
//! when the last clone is dropped.

use std::fmt;

use bytes::Bytes;
use zeroize::Zeroizing;

/// A secret's plaintext, or a finished response body that contains one.
///
/// Cloning is a pointer copy: every caller of one key shares the same bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Bytes);

impl SecretValue {
    /// Takes over `plaintext`; the memory is wiped when the last clone is dropped.
    pub fn new(plaintext: impl Into<Vec<u8>>) -> Self {
        Self(Bytes::from_owner(Zeroizing::new(plaintext.into())))
    }

    /// Size in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The plaintext itself. Every call is a place where it may leave the process, so there are
    /// few: where a response body is made, where a field is taken out of one, and the HTTP reply.
    pub fn reveal(&self) -> Bytes {
        self.0.clone()
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[redacted, {} bytes]", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::SecretValue;

    #[test]
    fn debug_shows_the_size_and_never_the_plaintext() {
        let value = SecretValue::new("correct horse");
        assert_eq!(format!("{value:?}"), "[redacted, 13 bytes]");
    }

    #[test]
    fn clones_share_the_same_bytes() {
        let value = SecretValue::new("correct horse");
        assert_eq!(value.reveal().as_ptr(), value.clone().reveal().as_ptr());
    }
}
