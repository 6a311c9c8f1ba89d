//! Who may ask: whoever knows the function's session token.

use std::{cell::Cell, fmt, rc::Rc, sync::Arc, time::Duration};

use actix_web::http::header::{HeaderMap, HeaderName};
use constant_time_eq::constant_time_eq;
use tracing::warn;

use crate::{
    clock::{Clock, Moment},
    fetch::aws::CurrentToken,
    http::reply::BAD_TOKEN,
    log::debug,
    settings::{Token, Tokens},
};

const TOKEN: HeaderName = HeaderName::from_static("x-aws-parameters-secrets-token");

/// How long the current credentials are taken for current. Bounds what wrong tokens can cost: one call
/// to the container endpoint in this time.
const CREDENTIALS_KEPT: Duration = Duration::from_secs(1);

/// Compares a request's token with the function's, in constant time.
///
/// A function has `AWS_SESSION_TOKEN`. A SnapStart function has none: its clients send the session token of
/// their current credentials, or the token they got these with; both are accepted there.
pub struct Authorizer {
    tokens: Tokens,
    current: Option<KeptToken>,
    warned_of: WarnedOf,
}

/// Which refusals the log has told of at WARN.
#[derive(Default)]
struct WarnedOf {
    missing: Cell<bool>,
    wrong: Cell<bool>,
}

/// Asks for the current token at most once in [`CREDENTIALS_KEPT`].
struct KeptToken {
    source: Rc<dyn CurrentToken>,
    clock: Arc<dyn Clock>,
    known: tokio::sync::Mutex<Option<(Moment, Token)>>,
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer").finish_non_exhaustive()
    }
}

impl Authorizer {
    /// Accepts `tokens`, and without a session token among them the one `current` knows.
    pub fn new(
        tokens: Tokens,
        current: Option<Rc<dyn CurrentToken>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let has_container_credentials = tokens.session.is_none() && tokens.container.is_some();
        let current = current.filter(|_| has_container_credentials).map(|source| KeptToken {
            source,
            clock,
            known: tokio::sync::Mutex::new(None),
        });
        Self { tokens, current, warned_of: WarnedOf::default() }
    }

    /// Logs why a request was not admitted: its client is not told. The first of each kind is a warning,
    /// because a client that has it wrong has it wrong each time; the others must not fill the log.
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

    /// Whether the request that came with these headers may be answered.
    pub async fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(presented) = headers.get(&TOKEN) else { return false };
        let presented = presented.as_bytes();
        if let Some(session) = &self.tokens.session {
            return same(session, presented);
        }
        if self.tokens.container.as_ref().is_some_and(|container| same(container, presented)) {
            return true;
        }
        match &self.current {
            Some(current) => current.admits(presented).await,
            None => false,
        }
    }
}

impl KeptToken {
    async fn admits(&self, presented: &[u8]) -> bool {
        // Held while the endpoint is asked: whoever else asks meanwhile shares its answer.
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some((since, token)) = &*known
            && now.age_since(*since).is_some_and(|age| age < CREDENTIALS_KEPT)
        {
            return same(token, presented);
        }
        let Some(token) = self.source.current_token().await else { return false };
        let admitted = same(&token, presented);
        *known = Some((now, token));
        admitted
    }
}

/// In constant time, and by whole words: a token is a thousand bytes long and stands in every request.
fn same(expected: &Token, presented: &[u8]) -> bool {
    constant_time_eq(expected.reveal().as_bytes(), presented)
}
