//! A service's client, for as long as its connections can be trusted.

use std::{fmt, time::Duration};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::Mutex;

use crate::{
    clock::Moment,
    fetch::{
        aws::{http_pool::HttpPool, set_up::Aws},
        error::FetchError,
    },
};

/// After this long without a call, by either clock, the next call connects anew.
///
/// While an environment is frozen its connections may die without a word, and whoever writes to such a
/// one waits ten seconds for nothing. A connection that was idle for less is alive: nothing on the way to
/// AWS forgets one so soon. Building the client again costs about two milliseconds of CPU.
pub(super) const TRUSTED_FOR: Duration = Duration::from_secs(30);

/// Builds the client when it is first needed, and again when its connections are trusted no more.
pub(super) struct ClientCell<C> {
    built: Mutex<Option<Built<C>>>,
}

struct Built<C> {
    client: C,
    pool: HttpPool,
    epoch: u32,
    /// None while nothing has been connected.
    last_call: Option<Moment>,
}

impl<C> fmt::Debug for ClientCell<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCell")
    }
}

impl<C> Built<C> {
    fn is_trusted(&self, aws: &Aws, now: Moment) -> bool {
        let rested = |call| now.age_since(call).is_none_or(|idle| idle > TRUSTED_FOR);
        self.epoch == aws.epoch() && !self.last_call.is_some_and(rested)
    }
}

impl<C: Clone + Send + 'static> ClientCell<C> {
    pub(super) fn empty() -> Self {
        Self { built: Mutex::new(None) }
    }

    /// The client for a call that begins now. Whoever asks while it is built waits for the same one.
    pub(super) async fn for_a_call(
        &self,
        aws: &Aws,
        build: impl FnOnce(&SdkConfig, SharedHttpClient) -> C + Send + 'static,
    ) -> Result<C, FetchError> {
        self.get(aws, build, Some(aws.now())).await
    }

    /// Builds the client if nobody has yet.
    pub(super) async fn warm_up(
        &self,
        aws: &Aws,
        build: impl FnOnce(&SdkConfig, SharedHttpClient) -> C + Send + 'static,
    ) -> Result<(), FetchError> {
        self.get(aws, build, None).await.map(|_client| ())
    }

    async fn get(
        &self,
        aws: &Aws,
        build: impl FnOnce(&SdkConfig, SharedHttpClient) -> C + Send + 'static,
        call: Option<Moment>,
    ) -> Result<C, FetchError> {
        let mut built = self.built.lock().await;
        if let Some(built) = built.as_mut().filter(|built| built.is_trusted(aws, aws.now())) {
            built.last_call = call.or(built.last_call);
            return Ok(built.client.clone());
        }
        let epoch = aws.epoch();
        let leaving = built.as_ref().map(|built| &built.pool);
        let (client, pool) = aws.client(build, leaving).await?;
        *built = Some(Built { client: client.clone(), pool, epoch, last_call: call });
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, num::NonZeroUsize, sync::Arc};

    use super::*;
    use crate::{
        clock::{Clock, SystemClock},
        settings::Settings,
    };

    const MINUTE: Duration = Duration::from_secs(60);

    /// Stands still until it is set.
    struct SteppedClock(std::sync::Mutex<Moment>);

    impl Clock for SteppedClock {
        fn now(&self) -> Moment {
            *self.0.lock().unwrap()
        }
    }

    struct Test {
        clock: Arc<SteppedClock>,
        aws: Aws,
        cell: ClientCell<u32>,
        built: Cell<u32>,
    }

    impl Test {
        fn new() -> Self {
            let clock = Arc::new(SteppedClock(std::sync::Mutex::new(SystemClock.now())));
            let settings = Settings::read([]).settings.aws;
            let aws = Aws::new(settings, NonZeroUsize::MIN, Arc::clone(&clock) as Arc<dyn Clock>);
            Self { clock, aws, cell: ClientCell::empty(), built: Cell::new(0) }
        }

        /// Makes a call, and says with the how-manieth client.
        async fn call(&self) -> u32 {
            let next = self.built.get() + 1;
            let client = self.cell.for_a_call(&self.aws, move |_, _| next).await.unwrap();
            self.built.set(client.max(self.built.get()));
            client
        }

        fn step(&self, step: impl FnOnce(&mut Moment)) {
            let mut now = self.clock.now();
            step(&mut now);
            *self.clock.0.lock().unwrap() = now;
        }
    }

    #[tokio::test]
    async fn calls_in_short_succession_share_a_client() {
        let test = Test::new();
        for _ in 0..3 {
            assert_eq!(test.call().await, 1);
            test.step(|now| now.wall += TRUSTED_FOR / 2);
        }
    }

    #[tokio::test]
    async fn either_clock_tells_of_a_freeze_and_the_next_call_connects_anew() {
        let test = Test::new();
        assert_eq!(test.call().await, 1);
        test.step(|now| now.wall += MINUTE);
        assert_eq!(test.call().await, 2);
        test.step(|now| now.monotonic += MINUTE);
        assert_eq!(test.call().await, 3);
        test.step(|now| now.wall -= MINUTE);
        assert_eq!(test.call().await, 4, "a wall clock that went back tells nothing");
    }

    #[tokio::test]
    async fn a_client_that_never_connected_does_not_age() {
        let test = Test::new();
        test.cell.warm_up(&test.aws, |_, _| 1).await.unwrap();
        test.step(|now| now.wall += MINUTE);
        assert_eq!(test.call().await, 1);
    }

    #[tokio::test]
    async fn starting_over_needs_no_freeze() {
        let test = Test::new();
        assert_eq!(test.call().await, 1);
        test.aws.start_over();
        assert_eq!(test.call().await, 2);
        assert_eq!(test.call().await, 2);
    }
}
