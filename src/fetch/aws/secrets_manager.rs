//! Secrets Manager: GetSecretValue.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{
    Client, config::Builder, operation::get_secret_value::GetSecretValueError,
};
use aws_smithy_runtime_api::client::{http::SharedHttpClient, interceptors::context::Error};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::future::LocalBoxFuture;

use crate::{
    fetch::{
        aws::{
            answer_limit::AnswerLimit, attempts::connecting_again, region::other_region,
            retries::LeftToTheLane, service_client::ServiceClient, set_up::Aws,
            user_agent::ExtensionUserAgent,
        },
        body::SecretRecord,
        error::FetchError,
        lane::Batchable,
        upstream::{Upstream, UpstreamAnswer},
    },
    key::{SecretKey, UpstreamKind},
};

/// Answers secrets from AWS. Clones share the client.
#[derive(Clone, Debug)]
pub struct SecretsManager(ServiceClient<Client>);

impl SecretsManager {
    /// Connects nothing yet.
    pub fn new(aws: Arc<Aws>) -> Self {
        Self(ServiceClient::new(aws, build))
    }

    /// Calls over this client until the next freeze.
    pub(crate) fn over(aws: Arc<Aws>, client: Client) -> Self {
        Self(ServiceClient::holding(aws, build, client))
    }

    async fn get_secret_value(self, key: SecretKey) -> UpstreamAnswer {
        let client = in_region_of(self.0.get().await?, &key.secret_id);
        let ask = || {
            client
                .get_secret_value()
                .secret_id(&key.secret_id)
                .set_version_id(key.version_id.clone())
                .set_version_stage(key.version_stage.clone())
                .send()
        };
        match connecting_again(ask).await {
            Ok(output) => Ok(SecretRecord::from(output).into_body()),
            Err(error) => Err(self.0.aws().error(
                UpstreamKind::SecretsManager,
                client.config().region(),
                error,
            )),
        }
    }
}

fn build(aws: &Aws, config: &SdkConfig, http_client: SharedHttpClient) -> Client {
    let config = Builder::from(config)
        .http_client(http_client)
        .interceptor(ExtensionUserAgent::new("secretsmanager"))
        .interceptor(AnswerLimit)
        .retry_classifier(LeftToTheLane {
            throttling: aws.leaves_throttling_to_the_lane(),
            code_of,
        });
    Client::from_conf(match &aws.settings().endpoint_url_of.secrets_manager {
        Some(endpoint) => config.endpoint_url(endpoint).build(),
        None => config.build(),
    })
}

/// The same client for the region that the ARN names: its credentials, connections and all else are
/// shared.
fn in_region_of(client: Client, secret_id: &str) -> Client {
    match other_region(client.config().region(), secret_id) {
        Some(region) => Client::from_conf(client.config().to_builder().region(region).build()),
        None => client,
    }
}

fn code_of(error: &Error) -> Option<&str> {
    error.downcast_ref::<GetSecretValueError>()?.code()
}

impl Upstream<SecretKey> for SecretsManager {
    fn warm_up(&self) -> LocalBoxFuture<'_, Result<(), FetchError>> {
        Box::pin(self.0.warm_up())
    }

    fn fetch(&self, key: SecretKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        let (aws, this) = (Arc::clone(self.0.aws()), self.clone());
        Box::pin(async move { aws.on_the_call_thread(this.get_secret_value(key)).await })
    }
}

/// BatchGetSecretValue has a hundredth of GetSecretValue's quota, and needs a permission on `*`.
impl Batchable for SecretKey {}
