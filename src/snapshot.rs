//! SnapStart: INIT runs once, its memory becomes a snapshot, and environments start from that,
//! maybe days later.
//!
//! Nothing of INIT may survive in them: no value, which may have been rotated, no credentials and
//! no connection. An extension is not told of the restore, but no INVOKE comes before it. So while
//! the snapshot is ahead, nothing is kept: what INIT code asks for is fetched each time, and the
//! snapshot holds no secret. A request that comes after the restore and sooner than the INVOKE
//! event costs a fetch.

use std::rc::Rc;

use tokio::sync::watch;

use crate::settings::{InitializationType, LambdaSettings};

/// Whether the snapshot may still be taken. Shared by its clones.
#[derive(Clone, Debug)]
pub struct Snapshot {
    ahead: Rc<watch::Sender<bool>>,
}

impl Snapshot {
    /// There is a snapshot only under SnapStart.
    pub fn new(lambda: Option<&LambdaSettings>) -> Self {
        let ahead = lambda
            .is_some_and(|lambda| lambda.initialization_type == InitializationType::SnapStart);
        Self { ahead: Rc::new(watch::Sender::new(ahead)) }
    }

    /// Whether what is kept now could be restored with the snapshot.
    pub fn is_ahead(&self) -> bool {
        *self.ahead.borrow()
    }

    /// The environment has been restored: from now on it is like any other.
    pub fn has_passed(&self) {
        self.ahead.send_replace(false);
    }

    /// Waits until there is no snapshot ahead.
    pub async fn passing(&self) {
        // `self` holds the sender, so it cannot be gone.
        let _ = self.ahead.subscribe().wait_for(|ahead| !ahead).await;
    }
}
