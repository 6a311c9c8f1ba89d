//! Keeps session tokens out of the texts of services.
//!
//! A service repeats what was sent to it: the text of `InvalidSignatureException` holds the
//! canonical request, and with it `x-amz-security-token`. Such texts become answers and lines of
//! the log.

use std::sync::{Mutex, PoisonError};

use crate::{fetch::error::FetchError, settings::Token};

/// How many tokens are kept: the current credentials' and those before, by either service.
const MAX_KNOWN: usize = 4;

const REDACTED: &str = "[redacted]";

/// The tokens that were sent, or may be.
#[derive(Debug, Default)]
pub(super) struct KnownTokens(Mutex<Vec<Token>>);

impl KnownTokens {
    /// Redacts this token in every further text. Beyond four, the oldest is forgotten.
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
        known.iter().fold(line.to_owned(), |line, token| line.replace(token.reveal(), REDACTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::error::UpstreamErrorKind;

    fn knowing(tokens: &[&str]) -> KnownTokens {
        let known = KnownTokens::default();
        tokens
            .iter()
            .filter_map(|token| Token::new((*token).to_owned()))
            .for_each(|token| known.add(token));
        known
    }

    #[test]
    fn what_a_service_repeats_of_the_request_is_cut_off() {
        let message = "The request signature we calculated does not match.\n\nThe Canonical String was\n\
                       'POST\n/\n\nx-amz-security-token:the-token\n";
        let error = FetchError::Upstream {
            code: "InvalidSignatureException".to_owned(),
            message: message.to_owned(),
            kind: UpstreamErrorKind::Passing,
        };

        let redacted = knowing(&[]).redact(error).to_string();

        assert_eq!(redacted, "The request signature we calculated does not match.");
    }

    #[test]
    fn known_tokens_are_cut_out_of_the_first_line_too() {
        let reason = "no answer for the-token, nor for another-token".to_owned();

        let redacted =
            knowing(&["the-token", "another-token"]).redact(FetchError::Dispatch { reason });

        assert_eq!(redacted.to_string(), "no answer for [redacted], nor for [redacted]");
    }

    #[test]
    fn the_newest_tokens_are_known() {
        let known = knowing(&["token-1", "token-2", "token-2", "token-3", "token-4", "token-5"]);

        assert_eq!(known.first_line("token-1 token-2 token-5"), "token-1 [redacted] [redacted]");
    }
}
