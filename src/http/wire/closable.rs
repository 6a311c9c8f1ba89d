//! Which connection makes way for a new one.

use std::collections::BTreeMap;

/// Identifies an open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ConnectionId(Tick);

/// Counts events, so that "not used for longest" needs no clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Tick(u64);

impl ConnectionId {
    pub(super) fn opened_at(tick: Tick) -> Self {
        Self(tick)
    }
}

impl Tick {
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// Its first request.
    New,
    /// Our answer.
    Busy,
    /// Our answer, but its client has sent the end of its stream, and may not read the answer.
    HungUp,
    /// Its next request, which may never come.
    Idle,
}

/// The connections that no request keeps open, in order of use.
#[derive(Debug, Default)]
pub(super) struct Closable {
    new: BTreeMap<Tick, ConnectionId>,
    hung_up: BTreeMap<Tick, ConnectionId>,
    idle: BTreeMap<Tick, ConnectionId>,
}

impl Closable {
    pub(super) fn add(&mut self, usage: Usage, last_used: Tick, id: ConnectionId) {
        if let Some(those) = self.those(usage) {
            those.insert(last_used, id);
        }
    }

    pub(super) fn remove(&mut self, usage: Usage, last_used: Tick) {
        if let Some(those) = self.those(usage) {
            those.remove(&last_used);
        }
    }

    /// The least needed one: of those whose client has hung up, or else of all, the one that was
    /// not used for longest. A new connection counts only if it `may_be_closed`.
    pub(super) fn least_needed(
        &self,
        may_be_closed: impl FnOnce(ConnectionId) -> bool,
    ) -> Option<ConnectionId> {
        let first = |those: &BTreeMap<Tick, ConnectionId>| {
            those.first_key_value().map(|(&last_used, &id)| (last_used, id))
        };
        if let Some((_, hung_up)) = first(&self.hung_up) {
            return Some(hung_up);
        }
        let new = first(&self.new).filter(|(_, id)| may_be_closed(*id));
        // So many that have never asked are no clients about to ask: they are waited for until they
        // may be closed, and no client that has asked makes way for them.
        let is_flooded = self.new.len() > self.idle.len();
        let idle = first(&self.idle).filter(|_| !is_flooded);
        new.into_iter().chain(idle).min().map(|(_, id)| id)
    }

    fn those(&mut self, usage: Usage) -> Option<&mut BTreeMap<Tick, ConnectionId>> {
        match usage {
            Usage::New => Some(&mut self.new),
            Usage::HungUp => Some(&mut self.hung_up),
            Usage::Idle => Some(&mut self.idle),
            Usage::Busy => None,
        }
    }
}
