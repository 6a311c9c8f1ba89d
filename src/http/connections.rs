//! All client connections: how many there may be, which one has to go, when nobody waits any more.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use tokio::{sync::Notify, task::AbortHandle};
use tracing::debug;

/// Connections that may be open at once, if the process may have that many files.
///
/// Four times the threads a Lambda environment can have. An idle one costs 10 kB, and is never closed for
/// being idle: after a freeze its client would meet a dead connection.
const MAX_OPEN: usize = 4_096;

/// Files kept free for everything else: upstream connections, the Extensions API, standard streams.
const RESERVED_FILES: usize = 64;

/// Numbers a connection for as long as it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ConnectionId(u64);

/// Knows every open connection.
#[derive(Debug)]
pub(super) struct Connections {
    limit: usize,
    open: RefCell<HashMap<ConnectionId, Open>>,
    /// Counts activities, so that "longest idle" needs no clock.
    ticks: Cell<u64>,
    /// Wakes whoever waits for a connection to become idle or to close.
    changed: Notify,
}

#[derive(Debug)]
struct Open {
    state: Rc<State>,
    task: Option<AbortHandle>,
}

#[derive(Debug)]
struct State {
    /// Whether a request was read that has not been answered yet.
    busy: Cell<bool>,
    last_used: Cell<u64>,
}

/// One connection's side: tells what it is doing, and that it is gone when dropped.
#[derive(Debug)]
pub(super) struct Activity {
    id: ConnectionId,
    state: Rc<State>,
    connections: Rc<Connections>,
}

impl Connections {
    /// Raises the soft limit of open files to the hard one: Lambda's soft limit is 1,024.
    pub(super) fn new() -> Rc<Self> {
        let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1_024);
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        Self::with_limit(files.saturating_sub(RESERVED_FILES).clamp(1, MAX_OPEN))
    }

    fn with_limit(limit: usize) -> Rc<Self> {
        let (open, ticks, changed) = (RefCell::default(), Cell::new(0), Notify::new());
        Rc::new(Self { limit, open, ticks, changed })
    }

    /// Waits until there is room for one more. At the limit the connection that was idle for longest
    /// is closed; while all are busy new ones wait in the kernel's queue.
    pub(super) async fn make_room(&self) {
        while self.open.borrow().len() >= self.limit {
            let changed = self.changed.notified();
            self.close_the_longest_idle();
            changed.await;
        }
    }

    /// Adds a connection. It leaves by itself when its [`Activity`] is dropped.
    pub(super) fn add(self: &Rc<Self>) -> Activity {
        let tick = self.tick();
        let id = ConnectionId(tick);
        let state = Rc::new(State { busy: Cell::new(false), last_used: Cell::new(tick) });
        self.open.borrow_mut().insert(id, Open { state: Rc::clone(&state), task: None });
        Activity { id, state, connections: Rc::clone(self) }
    }

    /// Says which task serves a connection, so that it can be closed.
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
            if !self.open.borrow().values().any(|open| open.state.busy.get()) {
                return;
            }
            changed.await;
        }
    }

    fn close_the_longest_idle(&self) {
        let open = self.open.borrow();
        let idle = open.values().filter(|open| !open.state.busy.get() && open.task.is_some());
        if let Some(Open { task: Some(task), .. }) =
            idle.min_by_key(|open| open.state.last_used.get())
        {
            debug!(limit = self.limit, "too many connections; closing the one idle for longest");
            task.abort();
        }
    }

    fn tick(&self) -> u64 {
        self.ticks.set(self.ticks.get() + 1);
        self.ticks.get()
    }
}

impl Activity {
    pub(super) fn id(&self) -> ConnectionId {
        self.id
    }

    /// The head of a request was read.
    pub(super) fn request_arrived(&self) {
        self.state.busy.set(true);
        self.state.last_used.set(self.connections.tick());
    }

    /// The answer has gone out.
    pub(super) fn answered(&self) {
        self.state.busy.set(false);
        self.connections.changed.notify_waiters();
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        self.connections.open.borrow_mut().remove(&self.id);
        self.connections.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::{Activity, Connections};

    fn open(connections: &std::rc::Rc<Connections>) -> std::rc::Rc<Activity> {
        let activity = std::rc::Rc::new(connections.add());
        let (id, held) = (activity.id(), std::rc::Rc::clone(&activity));
        let task = tokio::task::spawn_local(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        connections.served_by(id, task.abort_handle());
        activity
    }

    #[actix_rt::test]
    async fn at_the_limit_the_connection_idle_for_longest_is_closed() {
        let connections = Connections::with_limit(3);
        let busy = connections.add();
        busy.request_arrived();
        let first = open(&connections);
        let second = open(&connections);
        first.request_arrived();
        first.answered();
        let second_id = second.id();
        drop(second);

        connections.make_room().await;

        let still_open = connections.open.borrow();
        assert!(still_open.contains_key(&busy.id()));
        assert!(still_open.contains_key(&first.id()));
        assert!(!still_open.contains_key(&second_id));
    }

    #[actix_rt::test]
    async fn while_all_are_busy_a_new_connection_waits() {
        let connections = Connections::with_limit(1);
        let busy = connections.add();
        busy.request_arrived();
        let waiting = std::rc::Rc::clone(&connections);
        let room = tokio::task::spawn_local(async move { waiting.make_room().await });

        yield_now().await;
        assert!(!room.is_finished());

        drop(busy);
        room.await.unwrap();
    }
}
