//! The progress of the extension's lifecycle.

use tokio::sync::watch::{self, Receiver, Sender};

use crate::lifecycle::{
    api::Registration,
    error::{LifecycleError, SharedLifecycleError},
    event::ShutdownReason,
};

type Outcome<T> = Result<T, SharedLifecycleError>;

/// What has happened so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) registration: Option<Registration>,
    pub(super) invocations: u64,
    pub(super) end: Option<Outcome<ShutdownReason>>,
}

/// Reads the progress that [`LifecycleActor`](super::LifecycleActor) publishes. Each clone reads
/// for itself.
///
/// Every wait ends with [`LifecycleError::Abandoned`] if the actor dies.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    progress: Receiver<Progress>,
    seen_invocations: u64,
}

impl Lifecycle {
    pub(super) fn new() -> (Sender<Progress>, Self) {
        let (sender, progress) = watch::channel(Progress::default());
        (sender, Self { progress, seen_invocations: 0 })
    }

    /// Waits until Lambda has answered the registration.
    ///
    /// # Errors
    ///
    /// Lambda refused it, or did not answer.
    pub async fn registered(&mut self) -> Outcome<Registration> {
        self.wait_for(|progress| match (&progress.registration, &progress.end) {
            (Some(registration), _) => Some(Ok(registration.clone())),
            (None, Some(Err(error))) => Some(Err(error.clone())),
            (None, _) => None,
        })
        .await
    }

    /// Waits until an invocation begins that this reader has not seen; several that begin meanwhile
    /// count as one. Under SnapStart, the first one is the first sign of the restore.
    ///
    /// # Errors
    ///
    /// No further invocation will be seen, because the API has failed for good.
    pub async fn invoked(&mut self) -> Outcome<()> {
        let seen = self.seen_invocations;
        let invocations = self
            .wait_for(|progress| match &progress.end {
                _ if progress.invocations > seen => Some(Ok(progress.invocations)),
                Some(Err(error)) => Some(Err(error.clone())),
                _ => None,
            })
            .await?;
        self.seen_invocations = invocations;
        Ok(())
    }

    /// Waits until SHUTDOWN arrives.
    ///
    /// # Errors
    ///
    /// SHUTDOWN will not be seen, because the API has failed for good.
    pub async fn shutdown(&mut self) -> Outcome<ShutdownReason> {
        self.wait_for(|progress| progress.end.clone()).await
    }

    /// Waits until `outcome` gives one.
    async fn wait_for<T>(
        &mut self,
        outcome: impl Fn(&Progress) -> Option<Outcome<T>>,
    ) -> Outcome<T> {
        let found = self.progress.wait_for(|progress| outcome(progress).is_some()).await;
        match found {
            Ok(progress) => outcome(&progress),
            Err(_died) => None,
        }
        .unwrap_or_else(|| Err(LifecycleError::Abandoned.into()))
    }
}
