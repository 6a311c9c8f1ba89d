//! What the environment gives: region, credentials, the token that clients send, or a local store.

use std::time::Duration;

use aws_credential_types::{
    Credentials,
    credential_feature::AwsCredentialFeature,
    provider::{ProvideCredentials, error::CredentialsError},
};
use tokio::time::timeout;

use crate::{
    check::report::{Failure, Outcome},
    clock::{Clock, SystemClock},
    fetch::{
        aws::{Aws, WHERE_CREDENTIALS_COME_FROM, causes},
        local_store::LocalStore,
    },
    settings::{Accepted, GivenToken, Settings, Token, TokenSource},
};

/// The container endpoint is on the same machine.
const CREDENTIALS_TIME_OUT: Duration = Duration::from_secs(10);

pub(super) async fn local_store(store: &LocalStore) -> Outcome<()> {
    Ok(((), format!("{} is read; AWS is not asked", store.path().display())))
}

pub(super) async fn region(settings: &Settings) -> Outcome<()> {
    match &settings.aws.region {
        Some(region) => Ok(((), region.clone())),
        None => Err(Failure::new(
            "none is set",
            "set AWS_REGION to the region that has the values, such as eu-central-1; Lambda sets it itself",
        )),
    }
}

pub(super) async fn credentials(aws: &Aws) -> Outcome<()> {
    let failed = |why: String| Failure::new(why, WHERE_CREDENTIALS_COME_FROM);
    let provider = aws.credentials().await.map_err(|error| failed(error.to_string()))?;
    let credentials = timeout(CREDENTIALS_TIME_OUT, provider.provide_credentials())
        .await
        .map_err(|_elapsed| failed("the container endpoint did not answer in 10 s".to_owned()))?
        .map_err(|error| match error {
            CredentialsError::CredentialsNotLoaded(_) => failed("none were found".to_owned()),
            error => failed(causes(&error)),
        })?;
    let source = source_of(&credentials);
    let Some(expiry) = credentials.expiry() else { return Ok(((), format!("from {source}"))) };
    match expiry.duration_since(SystemClock.now().wall) {
        Ok(left) => Ok(((), format!("from {source}; they expire in {} min", left.as_secs() / 60))),
        Err(_past) => {
            Err(Failure::new(format!("those from {source} have expired"), "get new ones"))
        }
    }
}

fn source_of(credentials: &Credentials) -> &'static str {
    let features = credentials.get_property::<Vec<AwsCredentialFeature>>();
    if features.is_some_and(|features| features.contains(&AwsCredentialFeature::CredentialsEnvVars))
    {
        "the environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    } else {
        "the container endpoint: AWS_CONTAINER_CREDENTIALS_FULL_URI or …_RELATIVE_URI"
    }
}

pub(super) async fn session_token(settings: &Settings) -> Outcome<()> {
    let header = "clients send it as X-Aws-Parameters-Secrets-Token";
    let is_set = |variable| Ok(((), format!("{variable} is set; {header}")));
    match settings.tokens.accepted() {
        Some(Accepted::Session(_)) => is_set("AWS_SESSION_TOKEN"),
        Some(Accepted::Container(_)) => is_set("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        Some(Accepted::Given(GivenToken { variable, source: TokenSource::Value(_) })) => {
            is_set(variable)
        }
        Some(Accepted::Given(GivenToken { variable, source: TokenSource::File(path) })) => {
            let name = path.display();
            match Token::from_file(path) {
                Ok(_token) => {
                    Ok(((), format!("{variable} names {name}, which holds it; {header}")))
                }
                Err(error) => Err(Failure::new(
                    format!("{variable} names {name}, which cannot be read: {error}"),
                    "put what clients send into the file, and let the extension's user read it",
                )),
            }
        }
        None => Err(Failure::new(
            "none is set, so every request would be refused with 401",
            "use temporary credentials, which bring AWS_SESSION_TOKEN; beside a container set \
             PARAMETERS_SECRETS_EXTENSION_TOKEN; with a local store any word will do",
        )),
    }
}
