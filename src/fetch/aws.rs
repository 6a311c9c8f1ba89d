//! What both AWS upstreams share: region, credentials, TLS roots, connections.
//!
//! Nothing here runs before the extension has registered: a cold start waits for none of it. The SDK's
//! full default chain (profiles, SSO, instance metadata) is left out: a Lambda environment has either
//! environment credentials or the container endpoint, and it would cost size and start-up time.

use std::{cell::Cell, fmt, io, num::NonZeroUsize, path::Path, rc::Rc, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, ecs::EcsCredentialsProvider,
    environment::EnvironmentVariableCredentialsProvider, identity::IdentityCache,
    meta::credentials::CredentialsProviderChain, provider_config::ProviderConfig,
    retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::{
    rt::sleep::{SharedAsyncSleep, TokioSleep},
    time::{SharedTimeSource, SystemTimeSource},
};
use aws_smithy_http_client::{
    pool::{Client as PooledClient, ConnectionPool},
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::{client::http::SharedHttpClient, shared::IntoShared};
use tokio::sync::OnceCell;

use crate::{
    clock::{Clock, Moment},
    fetch::error::FetchError,
    settings::{self, AwsSettings},
};

/// How long connecting may take, TLS aside. A function in a VPC without a route learns it in this time,
/// even with the time-outs of the contract left at 0.
pub const CONNECT_TIME_OUT: Duration = Duration::from_secs(3);

/// How long one attempt may take, connecting included; the SDK then tries again.
pub const ATTEMPT_TIME_OUT: Duration = Duration::from_secs(10);

const DEFAULT_ATTEMPTS: u32 = 3;

/// Where the distributions Lambda runs on keep their CA bundle, and then the ones developers use.
const CA_BUNDLES: [&str; 4] = [
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Builds what AWS clients are made of, once each and when first needed.
pub struct Aws {
    settings: AwsSettings,
    /// As many connections as there may be calls at once.
    max_connections: NonZeroUsize,
    clock: Rc<dyn Clock>,
    epoch: Cell<u32>,
    shared: OnceCell<Shared>,
}

struct Shared {
    credentials: SharedCredentialsProvider,
    config: SdkConfig,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").finish_non_exhaustive()
    }
}

impl Aws {
    /// Reads and connects nothing yet.
    pub fn new(settings: AwsSettings, max_connections: NonZeroUsize, clock: Rc<dyn Clock>) -> Self {
        let (epoch, shared) = (Cell::new(0), OnceCell::new());
        Self { settings, max_connections, clock, epoch, shared }
    }

    /// Lets no later call use a connection, or credentials, from before.
    pub fn start_over(&self) {
        self.epoch.update(|epoch| epoch + 1);
    }

    /// How often it was started over.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch.get()
    }

    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// The settings of the user, for what differs between the services.
    pub(super) fn settings(&self) -> &AwsSettings {
        &self.settings
    }

    /// Where credentials come from; refreshed when they expire, by the wall clock.
    ///
    /// # Errors
    ///
    /// The SDK could not be set up.
    pub async fn credentials(&self) -> Result<SharedCredentialsProvider, FetchError> {
        Ok(self.shared().await?.credentials.clone())
    }

    /// Builds a service's client with connections of its own, so that no service waits for another's, and
    /// with credentials that are its own to keep: they go when the client goes.
    ///
    /// Runs on a helper thread: parsing a CA bundle takes a millisecond or more, and hits must not wait.
    pub(super) async fn client<C: Send + 'static>(
        &self,
        build: impl FnOnce(&SdkConfig, SharedHttpClient) -> C + Send + 'static,
    ) -> Result<C, FetchError> {
        let config = self.shared().await?.config.clone();
        let (settings, max_connections) = (self.settings.clone(), self.max_connections);
        off_the_thread(move || {
            // Read for each client, not shared: kept, the text of the roots is 200 kB of idle memory.
            let http_client = pooled_http_client(trust_roots(&settings)?, max_connections)?;
            let credentials_kept = IdentityCache::lazy().build();
            let config = config.into_builder().identity_cache(credentials_kept).build();
            Ok(build(&config, http_client))
        })
        .await
    }

    async fn shared(&self) -> Result<&Shared, FetchError> {
        self.shared
            .get_or_try_init(|| async {
                let settings = self.settings.clone();
                off_the_thread(move || Ok(Shared::new(&settings))).await
            })
            .await
    }
}

impl Shared {
    fn new(settings: &AwsSettings) -> Self {
        let credentials = credentials();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(settings.region.clone().map(Region::new))
            .credentials_provider(credentials.clone())
            .retry_config(retries(settings))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIME_OUT)
                    .operation_attempt_timeout(ATTEMPT_TIME_OUT)
                    .build(),
            )
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .time_source(SharedTimeSource::new(SystemTimeSource::new()))
            .use_fips(settings.use_fips)
            .use_dual_stack(settings.use_dualstack);
        if let Some(endpoint) = &settings.endpoint_url {
            config = config.endpoint_url(endpoint);
        }
        Self { credentials, config: config.build() }
    }
}

/// Runs what would hold the one thread; a panic in it (the SDK's TLS set-up panics on a bundle that is
/// none) is an error like any other.
async fn off_the_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
) -> Result<T, FetchError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_panicked| {
        Err(FetchError::Dispatch {
            reason: "the AWS client could not be set up; does AWS_CA_BUNDLE or SSL_CERT_FILE hold \
                     certificates in PEM form?"
                .to_owned(),
        })
    })
}

/// Environment credentials, else the container endpoint, which SnapStart functions have.
fn credentials() -> SharedCredentialsProvider {
    let container = EcsCredentialsProvider::builder().configure(
        &ProviderConfig::without_region()
            .with_http_client(aws_smithy_http_client::Builder::new().build_http()),
    );
    SharedCredentialsProvider::new(
        CredentialsProviderChain::first_try(
            "Environment",
            EnvironmentVariableCredentialsProvider::new(),
        )
        .or_else("Container", container.build()),
    )
}

fn retries(aws: &AwsSettings) -> RetryConfig {
    let retries = match aws.retry_mode {
        settings::RetryMode::Standard => RetryConfig::standard(),
        settings::RetryMode::Adaptive => RetryConfig::adaptive(),
    };
    retries.with_max_attempts(aws.max_attempts.unwrap_or(DEFAULT_ATTEMPTS))
}

/// One bundle file: reading a whole certificate directory, as the SDK does by default, costs a cold start
/// 4 to 5 ms.
fn trust_roots(settings: &AwsSettings) -> Result<TlsContext, FetchError> {
    let mut roots = TrustStore::empty();
    match &settings.ca_bundle {
        Some(path) => {
            let pem = std::fs::read(path).map_err(|error| unreadable_bundle(path, &error))?;
            roots.add_pem_certificate(pem);
        }
        // A machine without any bundle can still use plain HTTP endpoints, as tests and laptops do.
        None => {
            if let Some(pem) = CA_BUNDLES.iter().find_map(|path| std::fs::read(path).ok()) {
                roots.add_pem_certificate(pem);
            }
        }
    }
    TlsContext::builder().with_trust_store(roots).build().map_err(set_up_failed)
}

fn unreadable_bundle(path: &Path, error: &io::Error) -> FetchError {
    FetchError::Dispatch {
        reason: format!(
            "the CA bundle {} (AWS_CA_BUNDLE or SSL_CERT_FILE) cannot be read: {error}",
            path.display()
        ),
    }
}

fn pooled_http_client(
    tls: TlsContext,
    max_connections: NonZeroUsize,
) -> Result<SharedHttpClient, FetchError> {
    let pool = ConnectionPool::builder()
        .max_connections_per_host(max_connections.get())
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https()
        .map_err(set_up_failed)?;
    let client = PooledClient::new(&pool).map_err(set_up_failed)?;
    Ok(client.into_shared())
}

fn set_up_failed(error: impl std::error::Error) -> FetchError {
    FetchError::Dispatch { reason: format!("the AWS client could not be set up: {error}") }
}
