//! Which keys there are, and what is at hand for each: the door reads it, the registry keeps it.

use std::{
    cell::{RefCell, RefMut},
    fmt,
    rc::Rc,
    sync::Arc,
};

use actix::Addr;
use lru::LruCache;

use crate::{
    cache::{Answer, CacheActor, Lease, shelf::Shelf},
    clock::{Clock, Moment},
    key::CacheKey,
    log::{debug, millis},
    stats::Stats,
};

/// All keys that have an actor, the least recently asked one last.
///
/// Shared by the registry, which alone adds and removes keys, and the door, which answers a hit from here
/// without a message (docs/decisions/0033). All on one thread, and no borrow is held over an await.
pub struct Catalogue {
    slots: RefCell<LruCache<CacheKey, Slot>>,
    clock: Arc<dyn Clock>,
    stats: Rc<Stats>,
}

/// One key's place.
pub(super) struct Slot {
    pub(super) actor: Addr<CacheActor>,
    lease: Lease,
    shelf: Rc<Shelf>,
    /// Whether the actor holds an answer, as far as it has told.
    pub(super) is_worth_keeping: bool,
}

impl Slot {
    pub(super) fn new(actor: Addr<CacheActor>, shelf: Rc<Shelf>) -> Self {
        Self { actor, lease: Lease::new(), shelf, is_worth_keeping: false }
    }

    /// The actor, and a lease on it.
    pub(super) fn lend(&self) -> (Addr<CacheActor>, Lease) {
        (self.actor.clone(), self.lease.clone())
    }

    pub(super) fn is_idle(&self) -> bool {
        !self.lease.is_out()
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue")
            .field("keys", &self.slots.borrow().len())
            .finish_non_exhaustive()
    }
}

impl Catalogue {
    pub(super) fn empty(clock: Arc<dyn Clock>, stats: Rc<Stats>) -> Self {
        Self { slots: RefCell::new(LruCache::unbounded()), clock, stats }
    }

    /// The key's answer, if it is a hit for which nothing else is to be done.
    pub(super) fn hit(&self, key: &CacheKey) -> Option<Answer> {
        let mut slots = self.slots.borrow_mut();
        let shelf = &slots.get(key)?.shelf;
        let now = self.clock.now();
        let answer = shelf.hit(now)?;
        count_hit(&self.stats, key, shelf, now);
        Some(answer)
    }

    /// The least recently asked idle keys that hold an answer too many. Those that do not hold one yet push
    /// nobody out: their questions may be bad ones.
    pub(super) fn idle_beyond(&self, capacity: usize) -> Vec<CacheKey> {
        let slots = self.slots.borrow();
        if slots.len() <= capacity {
            return Vec::new();
        }
        let kept = slots.iter().filter(|(_, slot)| slot.is_worth_keeping);
        let idle = kept.clone().rev().filter(|(_, slot)| slot.is_idle());
        let too_many = kept.count().saturating_sub(capacity);
        idle.take(too_many).map(|(key, _)| key.clone()).collect()
    }

    pub(super) fn slots(&self) -> RefMut<'_, LruCache<CacheKey, Slot>> {
        self.slots.borrow_mut()
    }
}

/// Takes note of a caller who is answered from this shelf.
pub(super) fn count_hit(stats: &Stats, key: &CacheKey, shelf: &Shelf, now: Moment) {
    stats.hit();
    debug!(%key, age_ms = shelf.age(now).map(millis), "hit");
}
