//! Keeps session tokens out of the texts of services.
//!
//! A service repeats what was sent to it: the text of `InvalidSignatureException` holds the
//! canonical request, and with it `x-amz-security-token`. Such texts become answers and lines of
//! the log.

use std::{
    collections::BTreeSet,
    iter::successors,
    sync::{Mutex, PoisonError},
};

use crate::{fetch::error::FetchError, settings::Token};

/// How many tokens are kept: the current credentials' and those before, by either service, the
/// client's and what the endpoint of the credentials is shown, each of which may be exchanged.
const MAX_KNOWN: usize = 8;

const REDACTED: &str = "[redacted]";

/// The tokens that were sent, or may be.
#[derive(Debug, Default)]
pub(super) struct KnownTokens(Mutex<Vec<Token>>);

impl KnownTokens {
    /// Redacts this token in every further text. Beyond eight, the oldest is forgotten.
    pub(super) fn add(&self, token: Token) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.iter().any(|other| other.reveal() == token.reveal()) {
            return;
        }
        if known.len() == MAX_KNOWN {
            known.remove(0);
        }
        known.push(token);
    }

    /// The error with the first line of its text alone, and with the tokens redacted.
    pub(super) fn redact(&self, error: FetchError) -> FetchError {
        match error {
            FetchError::Upstream { code, message, kind } => {
                FetchError::Upstream { code, message: self.first_line(&message), kind }
            }
            FetchError::Dispatch { reason } => {
                FetchError::Dispatch { reason: self.first_line(&reason) }
            }
            other => other,
        }
    }

    fn first_line(&self, text: &str) -> String {
        let line = text.lines().next().unwrap_or_default();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().fold(line.to_owned(), |line, token| without(token.reveal(), &line))
    }
}

/// The text without the token, wherever and in whatever mixture it is plain and percent-encoded.
fn without(token: &str, text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = match length_of(token.as_bytes(), rest.as_bytes()) {
            Some(length) => {
                kept.push_str(REDACTED);
                length
            }
            None => {
                kept.push(next);
                next.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    kept
}

/// How many bytes the token takes at the beginning of this text; none if it is not there.
///
/// A text can be read in several ways where the token has a percent sign: `%25` is that sign
/// encoded, or itself before a 2 and a 5. All of them are followed.
fn length_of(token: &[u8], text: &[u8]) -> Option<usize> {
    let mut ends = BTreeSet::from([0]);
    for &byte in token {
        ends = ends
            .into_iter()
            .flat_map(|end| lengths_of_one(byte, &text[end..]).map(move |length| end + length))
            .collect();
    }
    ends.last().copied()
}

/// The byte itself, `%2F`, or `%252F` where that was encoded once more, and so on.
fn lengths_of_one(byte: u8, text: &[u8]) -> impl Iterator<Item = usize> {
    let plain = (text.first() == Some(&byte)).then_some(1);
    let rests = successors(text.strip_prefix(b"%"), |rest| rest.strip_prefix(b"25"));
    let encoded = rests.filter(move |rest| {
        let digits = rest.get(..2).and_then(|digits| str::from_utf8(digits).ok());
        digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) == Some(byte)
    });
    plain.into_iter().chain(encoded.map(|rest| text.len() - rest.len() + 2))
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
