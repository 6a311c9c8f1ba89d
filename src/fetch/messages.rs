//! The messages of the pool.

use actix::Message;
use tokio::sync::oneshot;

use crate::{
    fetch::demand::{Demand, Departure, FetchReply},
    key::CacheKey,
};

/// Asks an upstream, as soon as there is a permit.
#[derive(Debug)]
pub struct Fetch {
    /// The key.
    pub key: CacheKey,
    /// What depends on the answer.
    pub demand: Demand,
    /// Tells the key when the call left.
    pub departure: Departure,
    /// Where the answer goes. If it is dropped unsent, the key learns that the pool has died.
    pub reply: oneshot::Sender<FetchReply>,
}

impl Message for Fetch {
    type Result = ();
}

/// More depends on the answer for this key than when its fetch was sent.
#[derive(Debug)]
pub struct Promote {
    /// The key.
    pub key: CacheKey,
    /// What depends on the answer now.
    pub demand: Demand,
}

impl Message for Promote {
    type Result = ();
}

/// Fails all fetches, waiting or running, and every further one.
#[derive(Debug)]
pub struct Stop;

impl Message for Stop {
    type Result = ();
}

/// An invocation has begun: the environment may have been frozen until now.
#[derive(Clone, Copy, Debug)]
pub struct Invoked;

impl Message for Invoked {
    type Result = ();
}
