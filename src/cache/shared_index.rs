//! The index as its users have it: actors change it, callers only find hits in it.

use std::{
    cell::{RefCell, RefMut},
    rc::Rc,
};

use crate::{
    cache::{caller::Reply, entry::Answer, event::Event, index::Index},
    clock::Moment,
    key::CacheKey,
};

/// One index, as the actors and as the callers have it.
pub(super) fn share(index: Index<Reply>) -> (SharedIndex, IndexReader) {
    let index = Rc::new(RefCell::new(index));
    (SharedIndex(Rc::clone(&index)), IndexReader(index))
}

/// The index as the actors have it. No borrow outlives a call, so it is never found borrowed.
#[derive(Clone)]
pub(super) struct SharedIndex(Rc<RefCell<Index<Reply>>>);

/// The index as callers have it: they find hits, and change nothing but the order of use.
pub(super) struct IndexReader(Rc<RefCell<Index<Reply>>>);

impl IndexReader {
    pub(super) fn hit(
        &self,
        key: &CacheKey,
        now: impl FnOnce() -> Moment,
    ) -> Option<(Answer, Event)> {
        self.0.borrow_mut().hit(key, now)
    }
}

impl SharedIndex {
    pub(super) fn borrow_mut(&self) -> RefMut<'_, Index<Reply>> {
        self.0.borrow_mut()
    }
}
