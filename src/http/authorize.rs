//! Admits requests that carry the token of this environment.

use std::{cell::Cell, fmt, rc::Rc, sync::Arc};

use actix_web::http::header::{HeaderMap, HeaderName};
use tracing::warn;

use crate::{
    clock::Clock,
    fetch::{aws::CurrentToken, error::SharedFetchError},
    http::{reply::BAD_TOKEN, snap_start_tokens::SnapStartTokens, token_file::TokenFile},
    log::debug,
    settings::{self, GivenToken, Token, TokenSource, Tokens},
};

const TOKEN: HeaderName = HeaderName::from_static("x-aws-parameters-secrets-token");

/// Compares a request's token with the one of this environment, in constant time.
pub struct Authorizer {
    accepted: Accepted,
    warned_of: WarnedOf,
}

enum Accepted {
    /// A function's `AWS_SESSION_TOKEN`, or the token of the user's choice.
    One { token: Token, variable: &'static str },
    /// The token in a file.
    OfFile(TokenFile),
    /// A SnapStart function has no session token in its environment: its clients send the session
    /// token of their current credentials, or the token with which they fetched those credentials.
    SnapStart { container: Token, current: Option<SnapStartTokens> },
    /// There is no token.
    None,
}

/// The kinds of refusal that have been logged at WARN.
#[derive(Default)]
struct WarnedOf {
    missing: Cell<bool>,
    wrong: Cell<bool>,
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer").finish_non_exhaustive()
    }
}

impl Authorizer {
    /// Accepts the first of `tokens` that is set. Under SnapStart it accepts the token that
    /// `current` gives, too.
    pub fn new(
        tokens: &Tokens,
        current: Option<Rc<dyn CurrentToken>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let accepted = match tokens.accepted() {
            Some(settings::Accepted::Session(token)) => {
                Accepted::One { token: token.clone(), variable: "AWS_SESSION_TOKEN" }
            }
            Some(settings::Accepted::Given(GivenToken { variable, source })) => match source {
                TokenSource::Value(token) => Accepted::One { token: token.clone(), variable },
                TokenSource::File(path) => {
                    Accepted::OfFile(TokenFile::new(path.clone(), variable, current, clock))
                }
            },
            Some(settings::Accepted::Container(token)) => Accepted::SnapStart {
                container: token.clone(),
                current: current.map(|source| SnapStartTokens::new(source, clock)),
            },
            None => Accepted::None,
        };
        Self { accepted, warned_of: WarnedOf::default() }
    }

    /// Looks for the token, so that the log warns of a missing one before the first request.
    pub async fn look(&self) {
        if let Accepted::OfFile(file) = &self.accepted {
            file.look().await;
        }
    }

    /// Logs why a request was refused, which its answer does not say. The first refusal of each
    /// kind is a warning; the others are at DEBUG, because a client repeats its mistake with every
    /// request and would fill the log.
    pub(super) fn log_refusal(&self, headers: &HeaderMap) {
        if headers.contains_key(&TOKEN) {
            if !self.warned_of.wrong.replace(true) {
                warn!(
                    "a request was refused with 401 because its token is wrong: send {}",
                    self.what_to_send()
                );
            }
            debug!(token = "wrong", "refused: {BAD_TOKEN}");
        } else {
            if !self.warned_of.missing.replace(true) {
                warn!(
                    "a request was refused with 401 because it has no token: send {} in the header \
                     X-Aws-Parameters-Secrets-Token",
                    self.what_to_send()
                );
            }
            debug!(token = "missing", "refused: {BAD_TOKEN}");
        }
    }

    fn what_to_send(&self) -> String {
        match &self.accepted {
            Accepted::One { variable, .. } => {
                format!("the {variable} that this environment has now")
            }
            Accepted::OfFile(file) => format!("what {} holds now", file.path().display()),
            Accepted::SnapStart { .. } => "the session token of the function's current \
                credentials, or AWS_CONTAINER_AUTHORIZATION_TOKEN"
                .to_owned(),
            Accepted::None => {
                format!("{}, once it is set here and for the client", settings::OWN_VARIABLE)
            }
        }
    }

    /// Whether a request with these headers may be answered.
    ///
    /// # Errors
    ///
    /// There is nothing to check the token against: the token's file cannot be read, or a SnapStart
    /// function has no credentials.
    pub async fn admits(&self, headers: &HeaderMap) -> Result<bool, SharedFetchError> {
        let Some(presented) = headers.get(&TOKEN) else { return Ok(false) };
        let presented = presented.as_bytes();
        match &self.accepted {
            Accepted::One { token, .. } => Ok(token.is(presented)),
            Accepted::OfFile(file) if file.knows(presented) => Ok(true),
            // On the heap, so that the future of a hit stays small.
            Accepted::OfFile(file) => Box::pin(file.admit(presented)).await,
            Accepted::SnapStart { container, .. } if container.is(presented) => Ok(true),
            Accepted::SnapStart { current: Some(current), .. } => {
                Box::pin(current.admit(presented)).await
            }
            Accepted::SnapStart { current: None, .. } | Accepted::None => Ok(false),
        }
    }
}
