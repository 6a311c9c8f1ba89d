//! What a key has at hand: the one thing that its actor and the door both see.

use std::{cell::RefCell, time::Duration};

use crate::{
    cache::{Answer, CachePolicy, Entry, Freshness},
    clock::Moment,
};

/// A key's kept entry, and how long it may be given. Only the key's actor changes it.
///
/// No borrow outlives a call, so nobody ever finds it borrowed.
#[derive(Debug)]
pub(super) struct Shelf {
    policy: CachePolicy,
    entry: RefCell<Option<Entry>>,
}

impl Shelf {
    pub(super) fn empty(policy: CachePolicy) -> Self {
        Self { policy, entry: RefCell::new(None) }
    }

    pub(super) fn policy(&self) -> &CachePolicy {
        &self.policy
    }

    /// The answer, if it can be given and nothing else is to be done.
    pub(super) fn hit(&self, now: Moment) -> Option<Answer> {
        match self.freshness(now)? {
            Freshness::Fresh => self.answer(),
            Freshness::EndsSoon if !self.policy.refresh_ahead => self.answer(),
            _ => None,
        }
    }

    /// What may be done with the entry now, if there is one.
    pub(super) fn freshness(&self, now: Moment) -> Option<Freshness> {
        self.entry.borrow().as_ref().map(|entry| entry.freshness(now, &self.policy))
    }

    /// The entry's age; `None` when there is no entry, or when its age cannot be known.
    pub(super) fn age(&self, now: Moment) -> Option<Duration> {
        self.entry.borrow().as_ref()?.age(now)
    }

    pub(super) fn answer(&self) -> Option<Answer> {
        self.entry.borrow().as_ref().map(Entry::answer)
    }

    pub(super) fn answer_despite_failure(&self, now: Moment) -> Option<Answer> {
        self.entry.borrow().as_ref()?.answer_despite_failure(now, &self.policy)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entry.borrow().is_none()
    }

    pub(super) fn put(&self, entry: Entry) {
        self.entry.replace(Some(entry));
    }

    pub(super) fn clear(&self) {
        self.entry.replace(None);
    }
}
