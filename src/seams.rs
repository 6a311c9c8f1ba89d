//! Where bytes of others are read that no interface of the library leads to: for the fuzz targets
//! alone.

use std::sync::Arc;

use tokio::io::AsyncRead;

use crate::{
    fetch::aws::{Aws, ParameterStore, SecretsManager},
    lifecycle::{self, Event, Events, LifecycleError, Registration},
};

/// Reads the body of an answer to `next`.
pub fn event(body: &[u8]) -> Result<Event, serde_json::Error> {
    Event::read(body)
}

/// Reads the answer to a registration for these events.
pub async fn registration(
    from: &mut (impl AsyncRead + Unpin),
    events: Events,
) -> Result<Registration, LifecycleError> {
    let (registration, _is_reusable) = lifecycle::read_registration(from, events).await?;
    Ok(registration)
}

/// Answers secrets over this client.
pub fn secrets_manager(aws: Arc<Aws>, client: aws_sdk_secretsmanager::Client) -> SecretsManager {
    SecretsManager::over(aws, client)
}

/// Answers parameters over this client.
pub fn parameter_store(aws: Arc<Aws>, client: aws_sdk_ssm::Client) -> ParameterStore {
    ParameterStore::over(aws, client)
}
