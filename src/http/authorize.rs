//! Admits requests that carry the function's session token.

use std::{cell::Cell, fmt, rc::Rc, sync::Arc};

use actix_web::http::header::{HeaderMap, HeaderName};
use tracing::warn;

use crate::{
    clock::Clock,
    fetch::{aws::CurrentToken, error::SharedFetchError},
    http::{reply::BAD_TOKEN, snap_start_tokens::SnapStartTokens},
    log::debug,
    settings::Tokens,
};

const TOKEN: HeaderName = HeaderName::from_static("x-aws-parameters-secrets-token");

/// Compares a request's token with the function's, in constant time.
///
/// A function has `AWS_SESSION_TOKEN`. A SnapStart function has none: its clients send the session
/// token of their current credentials, or the token with which they fetched those credentials; both
/// are accepted.
pub struct Authorizer {
    tokens: Tokens,
    current: Option<SnapStartTokens>,
    warned_of: WarnedOf,
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
    /// Accepts `tokens`. If the function has container credentials and no session token among them,
    /// accepts the token that `current` gives, too.
    pub fn new(
        tokens: Tokens,
        current: Option<Rc<dyn CurrentToken>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let has_container_credentials = tokens.session.is_none() && tokens.container.is_some();
        let current = current
            .filter(|_| has_container_credentials)
            .map(|source| SnapStartTokens::new(source, clock));
        Self { tokens, current, warned_of: WarnedOf::default() }
    }

    /// Logs why a request was refused, which its answer does not say. The first refusal of each
    /// kind is a warning; the others are at DEBUG, because a client repeats its mistake with every
    /// request and would fill the log.
    pub(super) fn log_refusal(&self, headers: &HeaderMap) {
        if headers.contains_key(&TOKEN) {
            if !self.warned_of.wrong.replace(true) {
                warn!(
                    "a request was refused with 401 because its token is wrong: send the \
                     AWS_SESSION_TOKEN that this environment has now"
                );
            }
            debug!(token = "wrong", "refused: {BAD_TOKEN}");
        } else {
            if !self.warned_of.missing.replace(true) {
                warn!(
                    "a request was refused with 401 because it has no token: send AWS_SESSION_TOKEN \
                     in the header X-Aws-Parameters-Secrets-Token"
                );
            }
            debug!(token = "missing", "refused: {BAD_TOKEN}");
        }
    }

    /// Whether a request with these headers may be answered.
    ///
    /// # Errors
    ///
    /// Under SnapStart, when there are no credentials to check the token against.
    pub async fn admits(&self, headers: &HeaderMap) -> Result<bool, SharedFetchError> {
        let Some(presented) = headers.get(&TOKEN) else { return Ok(false) };
        let presented = presented.as_bytes();
        if let Some(session) = &self.tokens.session {
            return Ok(session.is(presented));
        }
        if self.tokens.container.as_ref().is_some_and(|container| container.is(presented)) {
            return Ok(true);
        }
        match &self.current {
            // On the heap, so that the future of a hit stays small.
            Some(current) => Box::pin(current.admit(presented)).await,
            None => Ok(false),
        }
    }
}
