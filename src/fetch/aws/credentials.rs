//! Where credentials come from, and which session token they have now.

use std::{sync::Arc, time::SystemTime};

use aws_config::{
    ecs::EcsCredentialsProvider, environment::EnvironmentVariableCredentialsProvider,
    meta::credentials::CredentialsProviderChain, provider_config::ProviderConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, future},
};
use futures_util::future::LocalBoxFuture;

use crate::{
    fetch::{
        aws::{http_pool::HttpPool, redact::KnownTokens, sdk_error::causes, set_up::Aws},
        error::FetchError,
    },
    settings::Token,
};

/// What to do where no credentials are found.
pub const WHERE_CREDENTIALS_COME_FROM: &str = "on Lambda the function's role brings AWS_ACCESS_KEY_ID, \
    AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, with SnapStart AWS_CONTAINER_CREDENTIALS_FULL_URI; on ECS the \
    task role brings AWS_CONTAINER_CREDENTIALS_RELATIVE_URI; on a laptop run \
    eval \"$(aws configure export-credentials --format env)\"";

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

/// Knows the session token of the credentials a SnapStart function has now.
pub trait CurrentToken {
    /// Asks for it each time. Fails if there are no credentials, or none with a session token.
    fn current_token(&self) -> LocalBoxFuture<'_, Result<SessionToken, FetchError>>;
}

/// Environment credentials, else the container endpoint, which SnapStart functions have.
///
/// The endpoint is called over a pool like AWS's: the SDK's other HTTP client would be linked in for it alone.
///
/// # Errors
///
/// The pool could not be set up.
pub(super) fn provider(tokens: Arc<KnownTokens>) -> Result<SharedCredentialsProvider, FetchError> {
    let client = HttpPool::of_the_credentials()?.client()?;
    let container = EcsCredentialsProvider::builder()
        .configure(&ProviderConfig::without_region().with_http_client(client));
    let source = CredentialsProviderChain::first_try(
        "Environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else("Container", container.build());
    Ok(SharedCredentialsProvider::new(Noting { source, tokens }))
}

/// Takes note of every session token that calls are signed with.
#[derive(Debug)]
struct Noting {
    source: CredentialsProviderChain,
    tokens: Arc<KnownTokens>,
}

impl ProvideCredentials for Noting {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials = self.source.provide_credentials().await?;
            let token = credentials.session_token().map(str::to_owned);
            token.and_then(Token::new).into_iter().for_each(|token| self.tokens.add(token));
            Ok(credentials)
        })
    }
}

impl CurrentToken for Arc<Aws> {
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
