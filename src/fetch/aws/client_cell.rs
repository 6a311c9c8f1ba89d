//! A service's client, for as long as its connections can be trusted.

use std::fmt;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::Mutex;

use crate::{
    fetch::{aws::set_up::Aws, error::FetchError},
    freeze::Generation,
};

/// Builds the client when it is first needed, and again after a freeze: while an environment is frozen
/// its connections may die without a word, and a call over such a one waits ten seconds for nothing.
pub(super) struct ClientCell<C> {
    built: Mutex<Option<(Generation, C)>>,
}

impl<C> fmt::Debug for ClientCell<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCell")
    }
}

impl<C: Clone> ClientCell<C> {
    pub(super) fn empty() -> Self {
        Self { built: Mutex::new(None) }
    }

    /// The client for a call that begins now. Calls that need it while it is built wait for the same
    /// one. Takes about two milliseconds of CPU where it has to be built.
    pub(super) async fn get(
        &self,
        aws: &Aws,
        build: impl FnOnce(&SdkConfig, SharedHttpClient) -> C,
    ) -> Result<C, FetchError> {
        let mut built = self.built.lock().await;
        let now = aws.generation();
        if let Some((generation, client)) = &*built
            && *generation == now
        {
            return Ok(client.clone());
        }
        let client = aws.client(build).await?;
        *built = Some((now, client.clone()));
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroUsize, sync::Arc};

    use super::*;
    use crate::{clock::SystemClock, freeze::FreezeWatch, settings::Settings};

    #[tokio::test]
    async fn calls_share_a_client_until_a_freeze() {
        let freezes = FreezeWatch::new(Arc::new(SystemClock));
        let settings = Settings::read([]).settings.aws;
        let aws = Aws::new(settings, NonZeroUsize::MIN, freezes.clone());
        let cell = ClientCell::empty();
        let call = async |number| cell.get(&aws, |_, _| number).await.unwrap();

        assert_eq!((call(1).await, call(2).await), (1, 1));
        freezes.restored();
        assert_eq!((call(3).await, call(4).await), (3, 3));
    }
}
