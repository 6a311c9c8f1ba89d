//! A service's client, for as long as its connections can be trusted.

use std::{fmt, sync::Arc};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::Mutex;

use crate::{
    fetch::{aws::set_up::Aws, error::FetchError},
    freeze::Generation,
};

/// Builds the client when it is first needed, and again after a freeze: connections may die while
/// an environment is frozen, and a call over a dead connection fails only at its time-out of ten
/// seconds. Clones share the client.
#[derive(Clone)]
pub(super) struct ServiceClient<C> {
    aws: Arc<Aws>,
    build: fn(&Aws, &SdkConfig, SharedHttpClient) -> C,
    built: Arc<Mutex<Option<(Generation, C)>>>,
}

impl<C> fmt::Debug for ServiceClient<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceClient")
    }
}

impl<C: Clone + Send + 'static> ServiceClient<C> {
    /// Builds and connects nothing yet.
    pub(super) fn new(aws: Arc<Aws>, build: fn(&Aws, &SdkConfig, SharedHttpClient) -> C) -> Self {
        Self { aws, build, built: Arc::default() }
    }

    /// Holds this client until the next freeze.
    pub(super) fn holding(
        aws: Arc<Aws>,
        build: fn(&Aws, &SdkConfig, SharedHttpClient) -> C,
        client: C,
    ) -> Self {
        let built = Some((aws.generation(), client));
        Self { aws, build, built: Arc::new(Mutex::new(built)) }
    }

    pub(super) fn aws(&self) -> &Arc<Aws> {
        &self.aws
    }

    /// Builds the client unless it is built. A call that starts meanwhile waits for the same one.
    ///
    /// # Errors
    ///
    /// TLS roots that cannot be read or used.
    pub(super) async fn warm_up(&self) -> Result<(), FetchError> {
        let this = self.clone();
        self.aws.on_the_call_thread(async move { this.get().await.map(|_client| ()) }).await
    }

    /// The client for a call that begins now. Calls that need it while it is built wait for the
    /// same client. Building takes about two milliseconds of CPU.
    ///
    /// # Errors
    ///
    /// As [`Self::warm_up`].
    pub(super) async fn get(&self) -> Result<C, FetchError> {
        let mut built = self.built.lock().await;
        let now = self.aws.generation();
        if let Some((generation, client)) = &*built
            && *generation == now
        {
            return Ok(client.clone());
        }
        let build = |config: &_, http_client| (self.build)(&self.aws, config, http_client);
        let client = self.aws.client(build).await?;
        *built = Some((now, client.clone()));
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::{clock::SystemClock, freeze::FreezeWatch, settings::Settings};

    #[tokio::test]
    async fn calls_share_a_client_until_a_freeze() {
        let freezes = FreezeWatch::new(Arc::new(SystemClock));
        let settings = Settings::read([]).settings.aws;
        let aws = Arc::new(Aws::new(settings, NonZeroUsize::MIN, freezes.clone()));
        let service = ServiceClient::new(aws, |_, _, _| Arc::new(0));

        let before = service.get().await.unwrap();
        assert!(Arc::ptr_eq(&before, &service.clone().get().await.unwrap()));
        freezes.restored();
        let after = service.get().await.unwrap();
        assert!(!Arc::ptr_eq(&before, &after));
        assert!(Arc::ptr_eq(&after, &service.get().await.unwrap()));
    }
}
