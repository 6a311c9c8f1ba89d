//! The open client connections: bounds their number, and knows when no request is unanswered.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::HashMap,
    rc::Rc,
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{Instant, timeout},
};

use crate::{log::debug, open_files};

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

/// Identifies an open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ConnectionId(u64);

/// Every open connection.
#[derive(Debug)]
pub(super) struct Connections {
    limit: usize,
    open: RefCell<HashMap<ConnectionId, Open>>,
    /// Counts events, so that "idle for longest" needs no clock.
    ticks: Cell<u64>,
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
    last_used: Cell<u64>,
    /// Bytes of a head that is not whole, of an answer that is not read, of a buffer.
    held: Cell<usize>,
    held_since: Cell<u64>,
    /// Whether it waits for its client: for the rest of a head, or to read an answer.
    stalls: Cell<bool>,
    /// What it held when it was closed.
    closing: Cell<usize>,
}

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usage {
    /// Its first request.
    New,
    /// Our answer.
    Busy,
    /// Our answer, but its client has sent the end of its stream, and may not read the answer.
    HungUp,
    /// Its next request, which may never come.
    Idle,
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
            ticks: Cell::new(0),
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
        let id = ConnectionId(tick);
        #[expect(clippy::disallowed_methods, reason = "patience, not freshness")]
        let opened = Instant::now();
        let state = Rc::new(State {
            opened,
            usage: Cell::new(Usage::New),
            last_used: Cell::new(tick),
            held: Cell::new(0),
            held_since: Cell::new(0),
            stalls: Cell::new(false),
            closing: Cell::new(0),
        });
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
            if !self.open.borrow().values().any(|open| open.state.usage.get() == Usage::Busy) {
                return;
            }
            changed.await;
        }
    }

    fn close_the_least_needed(&self) {
        let open = self.open.borrow();
        let are = |usage| open.values().filter(|open| open.state.usage.get() == usage).count();
        // So many that have never asked are no clients about to ask: they are waited for until they
        // may be closed, and no client that has asked makes way for them.
        let is_flooded = are(Usage::New) > are(Usage::Idle);
        let closable = open.values().filter(|open| {
            let State { usage, .. } = &*open.state;
            let is_spared = is_flooded && usage.get() == Usage::Idle;
            open.task.is_some() && open.state.may_be_closed() && !is_spared
        });
        let least_needed = closable.min_by_key(|open| {
            (open.state.usage.get() != Usage::HungUp, open.state.last_used.get())
        });
        if let Some(Open { task: Some(task), .. }) = least_needed {
            debug!(limit = self.limit, "too many connections; closing the least needed one");
            task.abort();
        }
    }

    /// Closes the connection that holds most of those that wait for their clients; of equals, the
    /// one that does so for longest.
    fn close_the_one_that_holds_most(&self) {
        let open = self.open.borrow();
        let closable =
            open.values().filter(|open| open.state.held.get() > 0 && open.state.stalls.get());
        let most = closable.max_by_key(|open| {
            let Open { state, .. } = open;
            (state.held.get(), Reverse(state.held_since.get()))
        });
        if let Some(Open { state, task: Some(task) }) = most {
            let bytes = state.held.get();
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

    fn tick(&self) -> u64 {
        self.ticks.set(self.ticks.get() + 1);
        self.ticks.get()
    }
}

impl State {
    /// The client of a new connection may be about to ask, but gets a limited time for it.
    fn may_be_closed(&self) -> bool {
        match self.usage.get() {
            Usage::HungUp | Usage::Idle => true,
            Usage::New => self.opened.elapsed() >= SILENCE,
            Usage::Busy => false,
        }
    }
}

impl Activity {
    pub(super) fn id(&self) -> ConnectionId {
        self.id
    }

    /// A request's head has been read.
    pub(super) fn request_arrived(&self) {
        self.state.usage.set(Usage::Busy);
        self.state.stalls.set(false);
        self.state.last_used.set(self.connections.tick());
    }

    /// The answer has been sent.
    pub(super) fn answered(&self) {
        self.state.usage.set(Usage::Idle);
        self.state.stalls.set(false);
        self.connections.changed.notify_waiters();
    }

    /// So many bytes are kept for this connection. False if that is more than there is room for.
    pub(super) fn holds(&self, bytes: usize) -> bool {
        let (state, connections) = (&self.state, &self.connections);
        let before = state.held.replace(bytes);
        if before == bytes {
            return true;
        }
        if before == 0 {
            state.held_since.set(connections.tick());
        }
        connections.held.set(connections.held.get() - before + bytes);
        connections.held.get() <= connections.max_held
    }

    /// The same, until the client sends the rest of a head, or reads. Makes room for it by closing
    /// another one; false if none has made way yet, and there is far too much.
    #[must_use]
    pub(super) fn stalls_with(&self, bytes: usize) -> bool {
        self.state.stalls.set(true);
        if self.holds(bytes) {
            return true;
        }
        let connections = &self.connections;
        connections.close_the_one_that_holds_most();
        connections.held.get() + connections.closing.get() <= 2 * connections.max_held
    }

    /// The client has sent the end of its stream. If it has closed only its own side, it still gets
    /// its answer.
    pub(super) fn client_hung_up(&self) {
        if self.state.usage.get() == Usage::Busy {
            self.state.usage.set(Usage::HungUp);
            self.connections.changed.notify_waiters();
        }
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        self.holds(0);
        let closing = &self.connections.closing;
        closing.set(closing.get() - self.state.closing.get());
        self.connections.open.borrow_mut().remove(&self.id);
        self.connections.changed.notify_waiters();
    }
}

#[cfg(test)]
#[path = "connections_tests.rs"]
mod tests;
