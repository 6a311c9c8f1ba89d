//! The messages of the cache's actors.

use std::time::Duration;

use actix::Message;

use crate::{
    cache::caller::{CallerId, Reply, Urgency},
    key::CacheKey,
};

/// Answers a key: at once if it can be, else when a fetch settles.
#[derive(Debug)]
pub struct Get {
    /// The key.
    pub key: CacheKey,
    /// Which value the caller accepts.
    pub urgency: Urgency,
    /// The caller, by its place in the order of asking.
    pub caller: CallerId,
    /// Where the answer goes. If it is dropped unsent, the caller learns that the actor has died.
    pub reply: Reply,
}

impl Message for Get {
    type Result = ();
}

/// Answers a caller whose deadline has passed, at once.
#[derive(Debug)]
pub struct GetKept {
    /// The key.
    pub key: CacheKey,
    /// The caller, by its place in the order of asking.
    pub caller: CallerId,
    /// How long it has waited.
    pub deadline: Duration,
    /// Where the answer goes, as with [`Get`].
    pub reply: Reply,
}

impl Message for GetKept {
    type Result = ();
}

/// A key has no fetch in flight any more, and needs no actor.
#[derive(Debug)]
pub struct AtRest {
    /// The key.
    pub key: CacheKey,
}

impl Message for AtRest {
    type Result = ();
}
