//! Parameter Store: GetParameter.

use std::rc::Rc;

use aws_config::SdkConfig;
use aws_sdk_ssm::{Client, config::Builder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use futures_util::future::LocalBoxFuture;

use crate::{
    fetch::{
        aws::{
            client_cell::ClientCell, sdk_error::from_sdk_error, set_up::Aws,
            user_agent::ExtensionUserAgent,
        },
        body::ParameterRecord,
        error::FetchError,
        upstream::{Upstream, UpstreamAnswer},
    },
    key::{ParameterKey, UpstreamKind},
};

/// Answers parameters from AWS.
#[derive(Clone, Debug)]
pub struct ParameterStore {
    aws: Rc<Aws>,
    client: Rc<ClientCell<Client>>,
}

impl ParameterStore {
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
        let endpoint = self.aws.settings().endpoint_url_of.parameter_store.clone();
        move |config, http_client| {
            let config = Builder::from(config)
                .http_client(http_client)
                .interceptor(ExtensionUserAgent::new("ssm"));
            Client::from_conf(match endpoint {
                Some(endpoint) => config.endpoint_url(endpoint).build(),
                None => config.build(),
            })
        }
    }

    async fn get_parameter(self, key: ParameterKey) -> UpstreamAnswer {
        self.client
            .for_a_call(&self.aws, self.build())
            .await?
            .get_parameter()
            .name(key.name_with_selector())
            .with_decryption(key.with_decryption)
            .send()
            .await
            .map_err(|error| from_sdk_error(UpstreamKind::ParameterStore, error))?
            .parameter
            .map(|parameter| ParameterRecord::from(parameter).into_body())
            .ok_or_else(|| FetchError::Dispatch {
                reason: "the service's answer holds no parameter".to_owned(),
            })
    }
}

impl Upstream<ParameterKey> for ParameterStore {
    fn fetch(&self, key: ParameterKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        Box::pin(self.clone().get_parameter(key))
    }
}
