//! Checks the session tokens of a SnapStart function, whose environment has none.
//!
//! A client sends the session token of its current credentials. Each client renews them at its own
//! time, before they expire, so the previous token stays valid until its credentials expire. Only
//! an unknown token costs a call to the credentials' endpoint.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::timeout};
use tracing::warn;

use crate::{
    clock::{Clock, Moment},
    fetch::{
        aws::{CurrentToken, SessionToken},
        error::{FetchError, SharedFetchError},
    },
};

/// How long an answer of the endpoint, or its failure, is reused: it gets one call in this time,
/// whatever clients send.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The endpoint is in the same environment: it answers in milliseconds or not at all.
const LONGEST_ANSWER: Duration = Duration::from_secs(5);

pub(super) struct SnapStartTokens {
    source: Rc<dyn CurrentToken>,
    clock: Arc<dyn Clock>,
    known: RefCell<Known>,
    /// Locked while the endpoint is asked, so that other callers wait for the same answer.
    last_asked: Mutex<Option<(Moment, Result<(), SharedFetchError>)>>,
}

/// The current token and the one before it.
#[derive(Default)]
struct Known {
    current: Option<SessionToken>,
    previous: Option<SessionToken>,
}

impl SnapStartTokens {
    pub(super) fn new(source: Rc<dyn CurrentToken>, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, known: RefCell::default(), last_asked: Mutex::new(None) }
    }

    /// Whether `presented` is the token of credentials that have not expired.
    ///
    /// # Errors
    ///
    /// The token is unknown and the endpoint gave no answer, so it cannot be checked.
    pub(super) async fn admit(&self, presented: &[u8]) -> Result<bool, SharedFetchError> {
        if self.is_known(presented) {
            return Ok(true);
        }
        let mut last_asked = self.last_asked.lock().await;
        if let Some((since, outcome)) = &*last_asked
            && self.clock.now().age_since(*since).is_some_and(|age| age < ASKED_AGAIN_AFTER)
        {
            return outcome
                .clone()
                .map(|()| self.is_current(presented) || self.is_known(presented));
        }
        // Set before the call: should this caller hang up, the next one must not ask again at once.
        *last_asked = Some((self.clock.now(), Err(Arc::new(unavailable(&not_in_time())))));
        let answer = timeout(LONGEST_ANSWER, self.source.current_token()).await;
        let outcome = match answer.unwrap_or_else(|_elapsed| Err(not_in_time())) {
            Ok(token) => {
                self.known.borrow_mut().add(token);
                Ok(())
            }
            Err(error) => {
                warn!(%error, "no credentials to check a request's token against");
                Err(Arc::new(unavailable(&error)))
            }
        };
        *last_asked = Some((self.clock.now(), outcome.clone()));
        outcome.map(|()| self.is_current(presented) || self.is_known(presented))
    }

    /// Whether it is the current token, whatever its expiry says.
    fn is_current(&self, presented: &[u8]) -> bool {
        let known = self.known.borrow();
        known.current.as_ref().is_some_and(|current| current.token.is(presented))
    }

    /// Whether it is the current token, or the one before it, and has not expired.
    fn is_known(&self, presented: &[u8]) -> bool {
        let (known, now) = (self.known.borrow(), self.clock.now().wall);
        let valid = [&known.current, &known.previous].into_iter().flatten();
        valid
            .filter(|token| token.expires.is_none_or(|expires| now < expires))
            .any(|token| token.token.is(presented))
    }
}

impl Known {
    fn add(&mut self, token: SessionToken) {
        let is_new = !self.current.as_ref().is_some_and(|current| current.has_text_of(&token));
        let before = self.current.replace(token);
        // A previous token without an expiry would be valid for ever.
        if is_new && let Some(before) = before.filter(|before| before.expires.is_some()) {
            self.previous = Some(before);
        }
    }
}

fn not_in_time() -> FetchError {
    let millis = LONGEST_ANSWER.as_millis();
    let reason = format!("the credentials' endpoint has not answered within {millis} ms");
    FetchError::Dispatch { reason }
}

fn unavailable(why: &FetchError) -> FetchError {
    let reason = format!("credentials are unavailable, so the token cannot be checked: {why}");
    FetchError::Dispatch { reason }
}
