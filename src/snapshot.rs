//! SnapStart: INIT runs once, its memory becomes a snapshot, and environments begin with that, days later.
//!
//! Nothing of INIT may live on in them: not a value, which may have been rotated, nor the credentials, nor
//! a connection. An extension is not told of the restore, but no INVOKE comes before it. So while the
//! snapshot is ahead, nothing is kept: what INIT code asks for is fetched each time, and the snapshot holds
//! no secret. A request that comes after the restore and sooner than the INVOKE event costs a fetch.

use std::{cell::Cell, rc::Rc};

use crate::settings::{InitializationType, LambdaSettings};

/// Whether the snapshot may still be taken. Shared by its clones.
#[derive(Clone, Debug)]
pub struct Snapshot {
    ahead: Rc<Cell<bool>>,
}

impl Snapshot {
    /// Only under SnapStart there is one at all.
    pub fn new(lambda: Option<&LambdaSettings>) -> Self {
        let ahead = lambda
            .is_some_and(|lambda| lambda.initialization_type == InitializationType::SnapStart);
        Self { ahead: Rc::new(Cell::new(ahead)) }
    }

    /// Whether what is kept now could be restored with the snapshot.
    pub fn is_ahead(&self) -> bool {
        self.ahead.get()
    }

    /// The environment has been restored: from now on it is one like any other.
    pub fn has_passed(&self) {
        self.ahead.set(false);
    }
}
