//! The variables that all AWS SDKs read, as far as this program passes them to its own.
//!
//! The SDK would read it too, but from the process environment and, for some of it, from profile
//! files, which is work on the cold-start path.

use std::path::PathBuf;

use crate::{
    key::PerUpstream,
    settings::{reader::Reader, retry_mode::RetryMode, table},
};

/// Where and how the upstreams are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsSettings {
    /// `AWS_REGION`, else `AWS_DEFAULT_REGION`.
    pub region: Option<String>,
    /// `AWS_ENDPOINT_URL`: stands in for every endpoint that has no URL of its own. None of the
    /// endpoint URLs counts where `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is true.
    pub endpoint_url: Option<String>,
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER` and `AWS_ENDPOINT_URL_SSM`.
    pub endpoint_url_of: PerUpstream<Option<String>>,
    /// `AWS_USE_FIPS_ENDPOINT`.
    pub use_fips: bool,
    /// `AWS_USE_DUALSTACK_ENDPOINT`.
    pub use_dualstack: bool,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`: the token for the credentials' endpoint. The SDK
    /// reads the file by itself; here the token is known so that it can be redacted.
    pub authorization_token_file: Option<PathBuf>,
    /// `AWS_MAX_ATTEMPTS`, 1 and up; none leaves it to the SDK, which makes three.
    pub max_attempts: Option<u32>,
    /// `AWS_RETRY_MODE`.
    pub retry_mode: RetryMode,
    /// `AWS_CA_BUNDLE`, else `SSL_CERT_FILE`: a PEM file of the certificates to trust.
    pub ca_bundle: Option<PathBuf>,
}

impl AwsSettings {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let ignore = reader.read_quietly(&table::IGNORE_ENDPOINTS);
        let endpoint = |name| reader.text(name).filter(|_| !ignore);
        let endpoint_url = endpoint("AWS_ENDPOINT_URL");
        let endpoint_url_of = PerUpstream {
            secrets_manager: endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            parameter_store: endpoint("AWS_ENDPOINT_URL_SSM"),
        };
        Self {
            region: reader.text("AWS_REGION").or_else(|| reader.text("AWS_DEFAULT_REGION")),
            endpoint_url,
            endpoint_url_of,
            use_fips: reader.read_quietly(&table::USE_FIPS),
            use_dualstack: reader.read_quietly(&table::USE_DUALSTACK),
            authorization_token_file: reader
                .text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
                .map(PathBuf::from),
            max_attempts: reader.read_quietly(&table::MAX_ATTEMPTS),
            retry_mode: reader.read_quietly(&table::RETRY_MODE),
            ca_bundle: reader
                .text("AWS_CA_BUNDLE")
                .or_else(|| reader.text("SSL_CERT_FILE"))
                .map(PathBuf::from),
        }
    }

    /// Whether the two services have an endpoint each, as they have at AWS.
    pub fn has_an_endpoint_for_each_service(&self) -> bool {
        let PerUpstream { secrets_manager, parameter_store } = &self.endpoint_url_of;
        let [one, other] = [secrets_manager, parameter_store]
            .map(|own| own.as_ref().or(self.endpoint_url.as_ref()));
        one.is_none() || one != other
    }
}
