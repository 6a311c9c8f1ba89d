//! Parameter Store: GetParameter.

use std::{collections::HashMap, sync::Arc};

use aws_config::SdkConfig;
use aws_sdk_ssm::{
    Client,
    config::Builder,
    operation::{get_parameter::GetParameterError, get_parameters::GetParametersError},
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
        body::ParameterRecord,
        error::FetchError,
        lane::{Batchable, Group},
        upstream::{BatchAnswer, Upstream, UpstreamAnswer},
    },
    key::{ParameterKey, UpstreamKind},
};

/// Answers parameters from AWS. Clones share the client.
#[derive(Clone, Debug)]
pub struct ParameterStore(ServiceClient<Client>);

impl ParameterStore {
    /// Connects nothing yet.
    pub fn new(aws: Arc<Aws>) -> Self {
        Self(ServiceClient::new(aws, build))
    }

    /// Calls over this client until the next freeze.
    pub(crate) fn over(aws: Arc<Aws>, client: Client) -> Self {
        Self(ServiceClient::holding(aws, build, client))
    }

    async fn get_parameter(self, key: ParameterKey) -> UpstreamAnswer {
        let client = in_region_of(self.0.get().await?, &key.name);
        let name = key.name_with_selector();
        let ask = || client.get_parameter().name(&name).with_decryption(key.with_decryption).send();
        connecting_again(ask)
            .await
            .map_err(|error| {
                self.0.aws().error(UpstreamKind::ParameterStore, client.config().region(), error)
            })?
            .parameter
            .map(|parameter| ParameterRecord::from(parameter).into_body())
            .ok_or_else(|| FetchError::Dispatch {
                reason: "the service's answer holds no parameter".to_owned(),
            })
    }

    /// A parameter that the answer lacks counts as unanswered: the lane asks for it alone, so that
    /// its caller gets the error code that says why. One that was not asked for is ignored.
    async fn get_parameters(self, keys: Vec<ParameterKey>) -> BatchAnswer {
        let client = self.0.get().await?;
        let names: Vec<_> = keys.iter().map(ParameterKey::name_with_selector).collect();
        let with_decryption = keys.iter().any(|key| key.with_decryption);
        let ask = || {
            client
                .get_parameters()
                .set_names(Some(names.clone()))
                .with_decryption(with_decryption)
                .send()
        };
        let output = connecting_again(ask).await.map_err(|error| {
            self.0.aws().error(UpstreamKind::ParameterStore, client.config().region(), error)
        })?;
        let mut answered = HashMap::new();
        for parameter in output.parameters.unwrap_or_default() {
            if let Some(name) = parameter.name.clone() {
                answered.entry(name).or_insert(parameter);
            }
        }
        let body = |parameter| ParameterRecord::from(parameter).into_body();
        Ok(keys.iter().map(|key| answered.remove(&key.name).map(body)).collect())
    }
}

fn build(aws: &Aws, config: &SdkConfig, http_client: SharedHttpClient) -> Client {
    let config = Builder::from(config)
        .http_client(http_client)
        .interceptor(ExtensionUserAgent::new("ssm"))
        .interceptor(AnswerLimit)
        .retry_classifier(LeftToTheLane {
            throttling: aws.leaves_throttling_to_the_lane(),
            code_of,
        });
    Client::from_conf(match &aws.settings().endpoint_url_of.parameter_store {
        Some(endpoint) => config.endpoint_url(endpoint).build(),
        None => config.build(),
    })
}

/// The same client for the region that the ARN names: its credentials, connections and all else are
/// shared.
fn in_region_of(client: Client, name: &str) -> Client {
    match other_region(client.config().region(), name) {
        Some(region) => Client::from_conf(client.config().to_builder().region(region).build()),
        None => client,
    }
}

fn code_of(error: &Error) -> Option<&str> {
    let single = error.downcast_ref::<GetParameterError>().and_then(|error| error.code());
    single.or_else(|| error.downcast_ref::<GetParametersError>().and_then(|error| error.code()))
}

impl Upstream<ParameterKey> for ParameterStore {
    fn warm_up(&self) -> LocalBoxFuture<'_, Result<(), FetchError>> {
        Box::pin(self.0.warm_up())
    }

    fn fetch(&self, key: ParameterKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        let (aws, this) = (Arc::clone(self.0.aws()), self.clone());
        Box::pin(async move { aws.on_the_call_thread(this.get_parameter(key)).await })
    }

    fn fetch_together(&self, keys: Vec<ParameterKey>) -> LocalBoxFuture<'static, BatchAnswer> {
        let (aws, this) = (Arc::clone(self.0.aws()), self.clone());
        Box::pin(async move { aws.on_the_call_thread(this.get_parameters(keys)).await })
    }
}

/// An answer has the name without the selector, and never the ARN that was asked for. A colon in
/// the name is that of an ARN or of a selector.
impl Batchable for ParameterKey {
    fn group(&self) -> Option<Group<'_>> {
        let (with_decryption, name) = (self.with_decryption, self.name.as_str());
        (!name.contains(':')).then_some(Group { with_decryption, name })
    }
}
