//! Which connection makes way for a new one.

use std::{cell::Cell, collections::VecDeque, rc::Rc};

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

/// When a connection came to its present usage.
#[derive(Clone, Debug, Default)]
pub(super) struct Since(Rc<Cell<Tick>>);

impl Since {
    pub(super) fn set(&self, tick: Tick) {
        self.0.set(tick);
    }
}

/// The connections that no request keeps open, by usage and in the order in which they came to it.
#[derive(Debug, Default)]
pub(super) struct Closable {
    new: Queue,
    hung_up: Queue,
    idle: Queue,
    /// How many a request keeps open.
    busy: usize,
}

/// Those of one usage. One that has come to another stays in the queue until it is looked at: each
/// request makes its connection busy, and to search for it then would cost every hit.
///
/// Bound: twice the most connections that were of this usage at once, and [`FEW`].
#[derive(Debug, Default)]
struct Queue {
    places: VecDeque<Place>,
    count: usize,
}

/// Up to this number of places, those that have been left are not looked for.
const FEW: usize = 64;

#[derive(Clone, Debug)]
struct Place {
    taken: Tick,
    id: ConnectionId,
    since: Since,
}

impl Closable {
    /// The connection has come to this usage.
    pub(super) fn add(&mut self, usage: Usage, since: &Since, id: ConnectionId) {
        match self.queue(usage) {
            Some(queue) => queue.add(Place { taken: since.0.get(), id, since: since.clone() }),
            None => self.busy += 1,
        }
    }

    /// One of this usage has come to another.
    pub(super) fn remove_one(&mut self, usage: Usage) {
        match self.queue(usage) {
            Some(queue) => queue.count -= 1,
            None => self.busy -= 1,
        }
    }

    /// A client that has sent the end of its stream may still read its answer.
    pub(super) fn any_awaits_an_answer(&self) -> bool {
        self.busy > 0 || self.hung_up.count > 0
    }

    /// The least needed one: of those whose client has hung up, or else of all, the one that has
    /// been so for longest. A new connection counts only if it `may_be_closed`.
    pub(super) fn least_needed(
        &mut self,
        may_be_closed: impl FnOnce(ConnectionId) -> bool,
    ) -> Option<ConnectionId> {
        if let Some(hung_up) = self.hung_up.first() {
            return Some(hung_up.id);
        }
        // So many that have never asked are no clients about to ask: they are waited for until they
        // may be closed, and no client that has asked makes way for them.
        let is_flooded = self.new.count > self.idle.count;
        let new = self.new.first().filter(|new| may_be_closed(new.id));
        let idle = self.idle.first().filter(|_| !is_flooded);
        new.into_iter().chain(idle).min_by_key(|place| place.taken).map(|place| place.id)
    }

    fn queue(&mut self, usage: Usage) -> Option<&mut Queue> {
        match usage {
            Usage::New => Some(&mut self.new),
            Usage::HungUp => Some(&mut self.hung_up),
            Usage::Idle => Some(&mut self.idle),
            Usage::Busy => None,
        }
    }
}

impl Queue {
    fn add(&mut self, place: Place) {
        // Each time they have doubled, so that looking costs next to nothing.
        if self.places.len() >= 2 * self.count + FEW {
            self.places.retain(Place::is_held);
        }
        self.places.push_back(place);
        self.count += 1;
    }

    fn first(&mut self) -> Option<&Place> {
        while !self.places.front()?.is_held() {
            self.places.pop_front();
        }
        self.places.front()
    }
}

impl Place {
    fn is_held(&self) -> bool {
        self.since.0.get() == self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_were_left_do_not_pile_up() {
        let (mut closable, since) = (Closable::default(), Since::default());
        for number in 1..1_000 {
            since.set(Tick(number));
            closable.add(Usage::Idle, &since, ConnectionId(Tick(0)));
            closable.remove_one(Usage::Idle);
            assert!(closable.idle.places.len() <= FEW + 1);
        }
        since.set(Tick(1_000));
        assert_eq!(closable.least_needed(|_| true), None);
    }
}
