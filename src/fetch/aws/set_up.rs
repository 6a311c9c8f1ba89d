//! What both AWS upstreams share: region, credentials, TLS roots, connections.
//!
//! Nothing here runs before the extension has registered: a cold start waits for none of it. The SDK's
//! full default chain (profiles, SSO, instance metadata) is left out: a Lambda environment has either
//! environment credentials or the container endpoint, and it would cost size and start-up time.

use std::{cell::Cell, fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, identity::IdentityCache, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::{
    rt::sleep::{SharedAsyncSleep, TokioSleep},
    time::{SharedTimeSource, SystemTimeSource},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::{Mutex, OnceCell};

use crate::{
    clock::{Clock, Moment},
    fetch::{
        aws::{credentials::provider, http_pool::HttpPool},
        error::FetchError,
    },
    settings::{self, AwsSettings},
};

/// How long connecting may take, TLS aside. A function in a VPC without a route learns it in this time,
/// even with the time-outs of the contract left at 0.
pub(super) const CONNECT_TIME_OUT: Duration = Duration::from_secs(3);

/// How long one attempt may take, connecting included; the SDK then tries again.
pub(super) const ATTEMPT_TIME_OUT: Duration = Duration::from_secs(10);

const DEFAULT_ATTEMPTS: u32 = 3;

/// Builds what AWS clients are made of, once each and when first needed.
pub struct Aws {
    settings: AwsSettings,
    /// As many connections as there may be calls at once.
    max_connections: NonZeroUsize,
    clock: Arc<dyn Clock>,
    epoch: Cell<u32>,
    shared: OnceCell<Shared>,
    newest_pool: Mutex<Option<HttpPool>>,
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
    pub fn new(
        settings: AwsSettings,
        max_connections: NonZeroUsize,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (epoch, shared, newest_pool) = (Cell::new(0), OnceCell::new(), Mutex::new(None));
        Self { settings, max_connections, clock, epoch, shared, newest_pool }
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

    /// Builds a service's client, with credentials that are its own to keep: they go when the client goes.
    /// Gives the pool of its connections too. None of them was there for this service while it used
    /// the pool it is `leaving`.
    ///
    /// Services that are at hosts of their own share the newest pool, because its parsed TLS roots are half a
    /// megabyte and a millisecond. At one host each has a pool, so that neither waits for the other's
    /// connections.
    ///
    /// Runs on a helper thread: parsing a CA bundle takes a millisecond or more, and hits must not wait.
    pub(super) async fn client<C: Send + 'static>(
        &self,
        build: impl FnOnce(&SdkConfig, SharedHttpClient) -> C + Send + 'static,
        leaving: Option<&HttpPool>,
    ) -> Result<(C, HttpPool), FetchError> {
        let config = self.shared().await?.config.clone();
        let (settings, max_connections) = (self.settings.clone(), self.max_connections);
        // Held while one is built: whoever else needs one meanwhile may share it.
        let mut newest = self.newest_pool.lock().await;
        let at_hand = newest.clone().filter(|pool| {
            self.settings.has_an_endpoint_for_each_service()
                && leaving.is_none_or(|old| old != pool)
        });
        let (client, pool) = off_the_thread(move || {
            let pool = match at_hand {
                Some(pool) => pool,
                None => HttpPool::new(settings.ca_bundle.as_deref(), max_connections)?,
            };
            let credentials_kept = IdentityCache::lazy().build();
            let config = config.into_builder().identity_cache(credentials_kept).build();
            Ok((build(&config, pool.client()?), pool))
        })
        .await?;
        *newest = Some(pool.clone());
        Ok((client, pool))
    }

    async fn shared(&self) -> Result<&Shared, FetchError> {
        self.shared
            .get_or_try_init(|| async {
                let settings = self.settings.clone();
                off_the_thread(move || Shared::new(&settings)).await
            })
            .await
    }
}

impl Shared {
    fn new(settings: &AwsSettings) -> Result<Self, FetchError> {
        let credentials = provider()?;
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
        Ok(Self { credentials, config: config.build() })
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

fn retries(aws: &AwsSettings) -> RetryConfig {
    let retries = match aws.retry_mode {
        settings::RetryMode::Standard => RetryConfig::standard(),
        settings::RetryMode::Adaptive => RetryConfig::adaptive(),
    };
    retries.with_max_attempts(aws.max_attempts.unwrap_or(DEFAULT_ATTEMPTS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::SystemClock, settings::Settings};

    fn aws(variables: &[(&str, &str)]) -> Aws {
        let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let settings = Settings::read(variables).settings.aws;
        Aws::new(settings, NonZeroUsize::MIN, Arc::new(SystemClock))
    }

    async fn pool(aws: &Aws, leaving: Option<&HttpPool>) -> HttpPool {
        aws.client(|_, _| (), leaving).await.unwrap().1
    }

    #[tokio::test]
    async fn two_services_share_a_pool_and_a_service_that_leaves_one_never_gets_it_back() {
        let aws = aws(&[("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1")]);
        let (first, second) = (pool(&aws, None).await, pool(&aws, None).await);
        assert_eq!(first, second);
        let next = pool(&aws, Some(&first)).await;
        assert_ne!(next, first);
        assert_eq!(pool(&aws, Some(&second)).await, next);
    }

    #[tokio::test]
    async fn services_at_one_endpoint_have_a_pool_each() {
        let aws = aws(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]);
        assert_ne!(pool(&aws, None).await, pool(&aws, None).await);
    }
}
