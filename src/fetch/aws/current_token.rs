//! The session token that a function's credentials have now.

use std::{sync::Arc, time::SystemTime};

use aws_credential_types::{Credentials, provider::ProvideCredentials};
use futures_util::future::LocalBoxFuture;

use crate::{
    fetch::{
        aws::{causes::causes, set_up::Aws},
        error::FetchError,
    },
    settings::Token,
};

/// A session token.
#[derive(Clone, Debug)]
pub struct SessionToken {
    /// Its text.
    pub token: Token,
    /// When its credentials expire, if they do.
    pub expires: Option<SystemTime>,
}

impl SessionToken {
    /// Whether the other one has the same text.
    pub fn has_text_of(&self, other: &Self) -> bool {
        self.token.reveal() == other.token.reveal()
    }
}

/// Gives the session token of a SnapStart function's current credentials.
pub trait CurrentToken {
    /// Asks for the credentials each time. Fails if there are none, or if they have no session
    /// token.
    fn current_token(&self) -> LocalBoxFuture<'_, Result<SessionToken, FetchError>>;

    /// Redacts this token in every error. By default no error can repeat it.
    fn keep_secret(&self, _token: &Token) {}
}

impl CurrentToken for Arc<Aws> {
    fn keep_secret(&self, token: &Token) {
        Aws::keep_secret(self, token);
    }

    fn current_token(&self) -> LocalBoxFuture<'_, Result<SessionToken, FetchError>> {
        Box::pin(async {
            let credentials =
                self.current_credentials().await.map_err(|error| self.redact(error))?;
            let token = credentials.session_token().and_then(|token| Token::new(token.to_owned()));
            let expires = credentials.expiry();
            token.map(|token| SessionToken { token, expires }).ok_or_else(|| FetchError::Dispatch {
                reason: "the current credentials have no session token".to_owned(),
            })
        })
    }
}

impl Aws {
    async fn current_credentials(&self) -> Result<Credentials, FetchError> {
        let provider = self.credentials().await?;
        self.on_the_call_thread(async move {
            let credentials = provider.provide_credentials().await;
            credentials.map_err(|error| FetchError::Dispatch { reason: causes(&error) })
        })
        .await
    }
}
