//! What both AWS upstreams share: region, credentials, TLS roots, connections.
//!
//! Nothing here runs before the extension has registered, so a cold start does not wait for it. The
//! SDK's full default chain (profiles, SSO, instance metadata) is left out: a Lambda environment
//! has either environment credentials or the container endpoint, and it would cost size and
//! start-up time.

use std::{error::Error, fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, identity::IdentityCache, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::{
    rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep},
    time::{SharedTimeSource, SystemTimeSource},
};
use aws_smithy_runtime_api::client::{
    http::SharedHttpClient, orchestrator::HttpResponse, result::SdkError,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::{Mutex, OnceCell};

use crate::{
    fetch::{
        aws::{
            attempts::{ATTEMPT_TIME_OUT, CONNECT_TIME_OUT, DEFAULT_ATTEMPTS, FIRST_PAUSE},
            call_thread::{CallThread, without_panic},
            credentials::provider,
            http_pool::HttpPool,
            redact::KnownTokens,
            sdk_error::from_sdk_error,
        },
        error::FetchError,
    },
    freeze::{FreezeWatch, Generation},
    key::UpstreamKind,
    settings::{self, AwsSettings, Token},
};

/// Builds the parts of AWS clients, each once and when it is first needed.
pub struct Aws {
    settings: AwsSettings,
    /// As many connections as there may be calls at once.
    max_connections: NonZeroUsize,
    freezes: FreezeWatch,
    thread: CallThread,
    shared: OnceCell<Shared>,
    newest_pool: Mutex<Option<(Generation, HttpPool)>>,
    tokens: Arc<KnownTokens>,
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
    pub fn new(settings: AwsSettings, max_connections: NonZeroUsize, freezes: FreezeWatch) -> Self {
        let (thread, shared, newest_pool, tokens) = Default::default();
        Self { settings, max_connections, freezes, thread, shared, newest_pool, tokens }
    }

    /// Runs a call, or its preparation, on the call thread. Dropping the future cancels the work.
    pub(super) async fn on_the_call_thread<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, FetchError>> + Send + 'static,
    ) -> Result<T, FetchError> {
        self.thread.run(work).await
    }

    /// Redacts this one in every error, like the session tokens of its credentials.
    pub fn keep_secret(&self, token: &Token) {
        self.tokens.add(token.clone());
    }

    /// An error without any token.
    pub(super) fn redact(&self, error: FetchError) -> FetchError {
        self.tokens.redact(error)
    }

    /// What a call's error means to a client, without any token.
    pub(super) fn error<E>(
        &self,
        upstream: UpstreamKind,
        region: Option<&Region>,
        error: SdkError<E, HttpResponse>,
    ) -> FetchError
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        self.redact(from_sdk_error(&self.settings, region, upstream, error))
    }

    /// Clients, connections and kept credentials of an earlier generation must not be used.
    pub(super) fn generation(&self) -> Generation {
        self.freezes.generation()
    }

    /// The settings of the user, for what differs between the services.
    pub(super) fn settings(&self) -> &AwsSettings {
        &self.settings
    }

    /// Whether the lane repeats throttled calls. In adaptive mode the SDK does, and learns from
    /// them.
    pub(super) fn leaves_throttling_to_the_lane(&self) -> bool {
        self.settings.retry_mode == settings::RetryMode::Standard
    }

    /// Where credentials come from; refreshed when they expire, by the wall clock.
    ///
    /// # Errors
    ///
    /// The SDK could not be set up.
    pub async fn credentials(&self) -> Result<SharedCredentialsProvider, FetchError> {
        Ok(self.shared().await?.credentials.clone())
    }

    /// Builds a service's client. It keeps its own copy of the credentials, which is dropped with
    /// it.
    ///
    /// Services at different hosts share the newest pool, because its parsed TLS roots cost half a
    /// megabyte and a millisecond. Services at one host have a pool each, so that neither waits for
    /// the other's connections.
    pub(super) async fn client<C>(
        &self,
        build: impl FnOnce(&SdkConfig, SharedHttpClient) -> C,
    ) -> Result<C, FetchError> {
        let config = self.shared().await?.config.clone();
        let generation = self.generation();
        // Held while a pool is built: a client that needs one meanwhile may share it.
        let mut newest = self.newest_pool.lock().await;
        let at_hand = newest.take().filter(|(of, _)| {
            *of == generation && self.settings.has_an_endpoint_for_each_service()
        });
        let (pool, client) = without_panic(|| {
            let pool = match at_hand {
                Some((_, pool)) => pool,
                None => HttpPool::new(self.settings.ca_bundle.as_deref(), self.max_connections)?,
            };
            let credentials_kept = IdentityCache::lazy().build();
            let config = config.into_builder().identity_cache(credentials_kept).build();
            let client = build(&config, pool.client()?);
            Ok((pool, client))
        })?;
        *newest = Some((generation, pool));
        Ok(client)
    }

    async fn shared(&self) -> Result<&Shared, FetchError> {
        let set_up = || async {
            without_panic(|| Shared::new(&self.settings, &self.freezes, Arc::clone(&self.tokens)))
        };
        self.shared.get_or_try_init(set_up).await
    }
}

/// The SDK's time-outs and pauses count only time in which the process could run.
impl AsyncSleep for FreezeWatch {
    fn sleep(&self, duration: Duration) -> Sleep {
        let freezes = self.clone();
        Sleep::new(async move { FreezeWatch::sleep(&freezes, duration).await })
    }
}

impl Shared {
    fn new(
        settings: &AwsSettings,
        freezes: &FreezeWatch,
        tokens: Arc<KnownTokens>,
    ) -> Result<Self, FetchError> {
        let credentials = provider(settings.authorization_token_file.clone(), tokens)?;
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
            .sleep_impl(SharedAsyncSleep::new(freezes.clone()))
            .time_source(SharedTimeSource::new(SystemTimeSource::new()))
            .use_fips(settings.use_fips)
            .use_dual_stack(settings.use_dualstack);
        if let Some(endpoint) = &settings.endpoint_url {
            config = config.endpoint_url(endpoint);
        }
        Ok(Self { credentials, config: config.build() })
    }
}

fn retries(aws: &AwsSettings) -> RetryConfig {
    let retries = match aws.retry_mode {
        settings::RetryMode::Standard => RetryConfig::standard().with_initial_backoff(FIRST_PAUSE),
        settings::RetryMode::Adaptive => RetryConfig::adaptive(),
    };
    retries.with_max_attempts(aws.max_attempts.unwrap_or(DEFAULT_ATTEMPTS))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{clock::SystemClock, settings::Settings};

    fn aws(variables: &[(&str, &str)]) -> Aws {
        let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let settings = Settings::read(variables).settings.aws;
        Aws::new(settings, NonZeroUsize::MIN, FreezeWatch::new(Arc::new(SystemClock)))
    }

    async fn pool(aws: &Aws) -> HttpPool {
        aws.client(|_, _| ()).await.unwrap();
        aws.newest_pool.lock().await.as_ref().unwrap().1.clone()
    }

    #[tokio::test]
    async fn two_services_share_a_pool_until_a_freeze() {
        let aws = aws(&[("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1")]);
        let (first, second) = (pool(&aws).await, pool(&aws).await);
        assert_eq!(first, second);
        aws.freezes.restored();
        assert_ne!(pool(&aws).await, first);
    }

    #[tokio::test]
    async fn services_at_one_endpoint_have_a_pool_each() {
        let aws = aws(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]);
        assert_ne!(pool(&aws).await, pool(&aws).await);
    }
}
