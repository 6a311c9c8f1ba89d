//! The open client connections: bounds their number, and knows when no request is unanswered.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    rc::Rc,
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{Instant, timeout},
};

use crate::{
    http::wire::closable::{Closable, ConnectionId, Since, Tick, Usage},
    log::debug,
    open_files,
};

/// Connections that may be open at once, if the process may open that many files.
///
/// Four times the threads that a Lambda environment can have. An idle connection costs 10 kB, and
/// is never closed for being idle: its client would find a dead connection after a freeze.
pub(crate) const MAX_CONNECTIONS: usize = 4_096;

/// The bytes that all connections may hold beside what an idle one costs: heads that are not whole,
/// answers that are not read, and the buffers in which large answers were written.
///
/// 250 connections that have read a value of 64 KB and stay open.
const MAX_HELD: usize = 16 * 1024 * 1024;

/// How long a new connection may be silent before it may be closed to make room.
const SILENCE: Duration = Duration::from_secs(1);

/// Every open connection.
#[derive(Debug)]
pub(super) struct Connections {
    limit: usize,
    open: RefCell<HashMap<ConnectionId, Open>>,
    closable: RefCell<Closable>,
    /// Those that wait for their clients while they hold something, the one that holds most last.
    stalled: RefCell<BTreeSet<(usize, Reverse<Tick>, ConnectionId)>>,
    ticks: Cell<Tick>,
    /// The bytes that all of them hold.
    held: Cell<usize>,
    max_held: usize,
    /// The bytes of connections that are being closed: a task that is aborted ends a moment later.
    closing: Cell<usize>,
    /// Signals that a connection became idle or was closed.
    changed: Notify,
}

#[derive(Debug)]
struct Open {
    state: Rc<State>,
    task: Option<AbortHandle>,
}

#[derive(Debug)]
struct State {
    opened: Instant,
    usage: Cell<Usage>,
    since: Since,
    /// Bytes of a head that is not whole, of an answer that is not read, of a buffer.
    held: Cell<usize>,
    held_since: Cell<Tick>,
    /// Whether it waits for its client: for the rest of a head, or to read an answer.
    stalls: Cell<bool>,
    /// What it held when it was closed.
    closing: Cell<usize>,
}

/// Reports what one connection is doing, and removes it when dropped.
#[derive(Debug)]
pub(super) struct Activity {
    id: ConnectionId,
    state: Rc<State>,
    connections: Rc<Connections>,
}

impl Connections {
    pub(super) fn new() -> Rc<Self> {
        Self::with_limit(open_files::places_for(MAX_CONNECTIONS))
    }

    pub(super) fn with_limit(limit: usize) -> Rc<Self> {
        Rc::new(Self {
            limit,
            open: RefCell::default(),
            closable: RefCell::default(),
            stalled: RefCell::default(),
            ticks: Cell::default(),
            held: Cell::new(0),
            max_held: MAX_HELD,
            closing: Cell::new(0),
            changed: Notify::new(),
        })
    }

    /// Waits until there is room for one more. At the limit, closes a connection whose client has
    /// hung up, or else the one idle for longest. While all are in use, new ones wait in the
    /// kernel's queue.
    pub(super) async fn make_room(&self) {
        while self.open.borrow().len() >= self.limit {
            let changed = self.changed.notified();
            self.close_the_least_needed();
            // No event tells when a new connection has been silent for long enough.
            let _ = timeout(SILENCE, changed).await;
        }
    }

    /// Adds a connection. Dropping its [`Activity`] removes it.
    pub(super) fn add(self: &Rc<Self>) -> Activity {
        let tick = self.tick();
        let id = ConnectionId::opened_at(tick);
        #[expect(clippy::disallowed_methods, reason = "patience, not freshness")]
        let opened = Instant::now();
        let state = Rc::new(State {
            opened,
            usage: Cell::new(Usage::New),
            since: Since::default(),
            held: Cell::new(0),
            held_since: Cell::default(),
            stalls: Cell::new(false),
            closing: Cell::new(0),
        });
        state.since.set(tick);
        self.closable.borrow_mut().add(Usage::New, &state.since, id);
        self.open.borrow_mut().insert(id, Open { state: Rc::clone(&state), task: None });
        Activity { id, state, connections: Rc::clone(self) }
    }

    /// Names the task that serves a connection, so that the connection can be closed.
    pub(super) fn served_by(&self, id: ConnectionId, task: AbortHandle) {
        if let Some(open) = self.open.borrow_mut().get_mut(&id) {
            open.task = Some(task);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.open.borrow().len()
    }

    /// Resolves when no connection has an unanswered request.
    pub(super) async fn all_idle(&self) {
        loop {
            let changed = self.changed.notified();
            if !self.closable.borrow().any_awaits_an_answer() {
                return;
            }
            changed.await;
        }
    }

    fn close_the_least_needed(&self) {
        let open = self.open.borrow();
        let is_silent = |id| open.get(&id).is_some_and(|open: &Open| open.state.is_silent());
        let least_needed = self.closable.borrow_mut().least_needed(is_silent);
        let least_needed = least_needed.and_then(|id| open.get(&id));
        if let Some(Open { task: Some(task), .. }) = least_needed {
            debug!(limit = self.limit, "too many connections; closing the least needed one");
            task.abort();
        }
    }

    /// Closes the connection that holds most of those that wait for their clients; of equals, the
    /// one that does so for longest.
    fn close_the_one_that_holds_most(&self) {
        let Some((bytes, _, id)) = self.stalled.borrow_mut().pop_last() else { return };
        let open = self.open.borrow();
        if let Some(Open { state, task: Some(task) }) = open.get(&id) {
            debug!(
                bytes,
                "unfinished requests, unread answers and buffers take too much memory; closing the \
                 largest connection"
            );
            // It must not be chosen again.
            self.held.set(self.held.get() - state.held.replace(0));
            self.closing.set(self.closing.get() + bytes);
            state.closing.set(bytes);
            task.abort();
        }
    }

    fn tick(&self) -> Tick {
        self.ticks.set(self.ticks.get().next());
        self.ticks.get()
    }
}

impl State {
    /// A new connection's client may be about to ask, but gets a limited time for it.
    fn is_silent(&self) -> bool {
        self.opened.elapsed() >= SILENCE
    }
}

impl Activity {
    pub(super) fn id(&self) -> ConnectionId {
        self.id
    }

    /// A request's head has been read.
    pub(super) fn request_arrived(&self) {
        self.becomes(Usage::Busy);
        self.keeps(self.state.held.get(), false);
    }

    /// The answer has been sent.
    pub(super) fn answered(&self) {
        self.becomes(Usage::Idle);
        self.keeps(self.state.held.get(), false);
    }

    /// The client has sent the end of its stream. If it has closed only its own side, it still gets
    /// its answer.
    pub(super) fn client_hung_up(&self) {
        if self.state.usage.get() == Usage::Busy {
            self.becomes(Usage::HungUp);
        }
    }

    /// So many bytes are kept for this connection. False if that is more than there is room for.
    pub(super) fn holds(&self, bytes: usize) -> bool {
        self.keeps(bytes, self.state.stalls.get())
    }

    /// The same, until the client sends the rest of a head, or reads. Makes room for it by closing
    /// another one; false if none has made way yet, and there is far too much.
    #[must_use]
    pub(super) fn stalls_with(&self, bytes: usize) -> bool {
        if self.keeps(bytes, true) {
            return true;
        }
        let connections = &self.connections;
        connections.close_the_one_that_holds_most();
        connections.held.get() + connections.closing.get() <= 2 * connections.max_held
    }

    fn becomes(&self, usage: Usage) {
        let Self { id, state, connections } = self;
        let mut closable = connections.closable.borrow_mut();
        let before = state.usage.replace(usage);
        closable.remove_one(before);
        state.since.set(connections.tick());
        closable.add(usage, &state.since, *id);
        if usage != Usage::Busy {
            connections.changed.notify_waiters();
        }
    }

    fn keeps(&self, bytes: usize, stalls: bool) -> bool {
        let Self { id, state, connections } = self;
        let before = state.held.get();
        if before == bytes && state.stalls.get() == stalls {
            return true;
        }
        let mut stalled = connections.stalled.borrow_mut();
        stalled.remove(&(before, Reverse(state.held_since.get()), *id));
        if before == 0 {
            state.held_since.set(connections.tick());
        }
        state.held.set(bytes);
        state.stalls.set(stalls);
        if stalls && bytes > 0 {
            stalled.insert((bytes, Reverse(state.held_since.get()), *id));
        }
        connections.held.set(connections.held.get() - before + bytes);
        connections.held.get() <= connections.max_held
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        self.keeps(0, false);
        let Self { id, state, connections } = self;
        connections.closing.set(connections.closing.get() - state.closing.get());
        state.since.set(connections.tick());
        connections.closable.borrow_mut().remove_one(state.usage.get());
        connections.open.borrow_mut().remove(id);
        connections.changed.notify_waiters();
    }
}

#[cfg(test)]
#[path = "connections_tests.rs"]
mod tests;
