//! Where credentials come from.

use std::{path::PathBuf, sync::Arc};

use aws_config::{
    ecs::EcsCredentialsProvider, environment::EnvironmentVariableCredentialsProvider,
    meta::credentials::CredentialsProviderChain, provider_config::ProviderConfig,
};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use crate::{
    fetch::{
        aws::{http_pool::HttpPool, redact::KnownTokens},
        error::FetchError,
    },
    settings::Token,
};

/// Where to get credentials, for errors that say that there are none.
pub const WHERE_CREDENTIALS_COME_FROM: &str = "on Lambda the function's role brings AWS_ACCESS_KEY_ID, \
    AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, with SnapStart AWS_CONTAINER_CREDENTIALS_FULL_URI; on ECS the \
    task role brings AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, on EKS Pod Identity \
    AWS_CONTAINER_CREDENTIALS_FULL_URI; on a laptop run \
    eval \"$(aws configure export-credentials --format env)\"";

/// Environment credentials, else the container endpoint, which SnapStart functions, ECS tasks and
/// pods have.
///
/// The endpoint is called over a pool like AWS's: the SDK's other HTTP client would be linked in
/// for it alone. `authorization` names the file with the token for the endpoint, if there is one.
///
/// # Errors
///
/// The pool could not be set up.
pub(super) fn provider(
    authorization: Option<PathBuf>,
    tokens: Arc<KnownTokens>,
) -> Result<SharedCredentialsProvider, FetchError> {
    let client = HttpPool::of_the_credentials()?.client()?;
    let container = EcsCredentialsProvider::builder()
        .configure(&ProviderConfig::without_region().with_http_client(client));
    let source = CredentialsProviderChain::first_try(
        "Environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else("Container", container.build());
    Ok(SharedCredentialsProvider::new(Noting { source, authorization, tokens }))
}

/// Notes every session token with which calls are signed, and the token for the endpoint, so that
/// they can be redacted.
#[derive(Debug)]
struct Noting {
    source: CredentialsProviderChain,
    authorization: Option<PathBuf>,
    tokens: Arc<KnownTokens>,
}

impl ProvideCredentials for Noting {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            // The SDK is about to read it, too, and says what is wrong with it.
            let shown = self.authorization.as_deref().and_then(|path| Token::from_file(path).ok());
            shown.into_iter().for_each(|token| self.tokens.add(token));
            let credentials = self.source.provide_credentials().await?;
            let token = credentials.session_token().map(str::to_owned);
            token.and_then(Token::new).into_iter().for_each(|token| self.tokens.add(token));
            Ok(credentials)
        })
    }
}
