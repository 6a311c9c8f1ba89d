//! Secrets Manager: GetSecretValue.

use std::rc::Rc;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{Client, config::Builder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use futures_util::future::LocalBoxFuture;

use crate::{
    fetch::{
        aws::{
            client_cell::ClientCell, sdk_error::from_sdk_error, set_up::Aws,
            user_agent::ExtensionUserAgent,
        },
        body::SecretRecord,
        error::FetchError,
        upstream::{Upstream, UpstreamAnswer},
    },
    key::{SecretKey, UpstreamKind},
};

/// Answers secrets from AWS.
#[derive(Clone, Debug)]
pub struct SecretsManager {
    aws: Rc<Aws>,
    client: Rc<ClientCell<Client>>,
}

impl SecretsManager {
    /// Connects nothing yet.
    pub fn new(aws: Rc<Aws>) -> Self {
        Self { aws, client: Rc::new(ClientCell::empty()) }
    }

    /// Builds the client if nobody has yet. Whoever fetches meanwhile waits for the same one.
    ///
    /// # Errors
    ///
    /// TLS roots that cannot be read or used.
    pub async fn warm_up(&self) -> Result<(), FetchError> {
        self.client.warm_up(&self.aws, self.build()).await
    }

    fn build(&self) -> impl FnOnce(&SdkConfig, SharedHttpClient) -> Client + Send + 'static {
        let endpoint = self.aws.settings().endpoint_url_of.secrets_manager.clone();
        move |config, http_client| {
            let config = Builder::from(config)
                .http_client(http_client)
                .interceptor(ExtensionUserAgent::new("secretsmanager"));
            Client::from_conf(match endpoint {
                Some(endpoint) => config.endpoint_url(endpoint).build(),
                None => config.build(),
            })
        }
    }

    async fn get_secret_value(self, key: SecretKey) -> UpstreamAnswer {
        self.client
            .for_a_call(&self.aws, self.build())
            .await?
            .get_secret_value()
            .secret_id(key.secret_id)
            .set_version_id(key.version_id)
            .set_version_stage(key.version_stage)
            .send()
            .await
            .map(|output| SecretRecord::from(output).into_body())
            .map_err(|error| from_sdk_error(UpstreamKind::SecretsManager, error))
    }
}

impl Upstream<SecretKey> for SecretsManager {
    fn fetch(&self, key: SecretKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        Box::pin(self.clone().get_secret_value(key))
    }
}
