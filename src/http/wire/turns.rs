//! Keeps connections that ask for much from holding up the others.
//!
//! One thread serves all connections in the order in which their requests arrive. Thousands of
//! clients that ask at once, or one that sends its next requests before it has its answer, would
//! keep every other client waiting for all of theirs. So such requests take turns: a few of them
//! are begun between two looks at the sockets, and what arrives meanwhile goes first. The ends of
//! connections take turns, too.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use tokio::task::{spawn_local, yield_now};

/// So many of what takes turns are begun between two looks at the sockets.
const PER_ROUND: usize = 4;

/// What waits for its turn. Clones share it.
///
/// Bound: one for each open connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Rc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    /// So many have been begun in this round.
    begun: Cell<usize>,
    /// The ticket of the first one that waits.
    first: Cell<u64>,
    waiting: RefCell<VecDeque<Waker>>,
    has_rounds: Cell<bool>,
}

/// A connection's place among those that take turns.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Outside,
    Waiting { ticket: u64 },
    HasTurn,
}

impl Turns {
    pub(super) fn turn(&self) -> Turn {
        Turn { turns: self.clone(), place: Place::Outside }
    }

    /// Begins a round each time the sockets have been looked at, while any request waits.
    async fn go_round(self) {
        let Queue { begun, first, waiting, has_rounds } = &*self.0;
        loop {
            // Resolves after the runtime has looked at the sockets, and served what had come.
            yield_now().await;
            let next: Vec<_> = {
                let mut waiting = waiting.borrow_mut();
                let count = waiting.len().min(PER_ROUND);
                waiting.drain(..count).collect()
            };
            first.set(first.get() + next.len() as u64);
            begun.set(next.len());
            let is_last = next.len() < PER_ROUND;
            next.into_iter().for_each(Waker::wake);
            if is_last {
                has_rounds.set(false);
                return;
            }
        }
    }
}

impl Turn {
    /// Ready when it is this connection's turn, and until that ends. Otherwise the task is woken in
    /// a later round.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { turns, place } = self;
        let Queue { begun, first, waiting, has_rounds } = &*turns.0;
        match *place {
            Place::HasTurn => return Poll::Ready(()),
            Place::Waiting { ticket } => {
                let Some(before) = ticket.checked_sub(first.get()) else {
                    *place = Place::HasTurn;
                    return Poll::Ready(());
                };
                if let Some(waker) = waiting.borrow_mut().get_mut(before as usize) {
                    waker.clone_from(cx.waker());
                }
                return Poll::Pending;
            }
            Place::Outside => {}
        }
        if begun.get() < PER_ROUND {
            begun.set(begun.get() + 1);
            *place = Place::HasTurn;
            return Poll::Ready(());
        }
        let mut waiting = waiting.borrow_mut();
        *place = Place::Waiting { ticket: first.get() + waiting.len() as u64 };
        waiting.push_back(cx.waker().clone());
        if !has_rounds.replace(true) {
            spawn_local(turns.clone().go_round());
        }
        Poll::Pending
    }

    /// It has had its turn, or needs none any more.
    pub(super) fn end(&mut self) {
        self.place = Place::Outside;
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, iter::repeat_with};

    use tokio::task::JoinHandle;

    use super::*;

    fn take(turns: &Turns, count: usize, taken: &Rc<Cell<usize>>) -> Vec<JoinHandle<()>> {
        let take_one = || {
            let (mut turn, taken) = (turns.turn(), Rc::clone(taken));
            spawn_local(async move {
                poll_fn(|cx| turn.poll(cx)).await;
                taken.set(taken.get() + 1);
            })
        };
        repeat_with(take_one).take(count).collect()
    }

    /// What had been taken after each pass over the tasks, until that many were.
    async fn passes_until(count: usize, taken: &Cell<usize>) -> Vec<usize> {
        let mut seen = Vec::new();
        while taken.get() < count {
            yield_now().await;
            seen.push(taken.get());
        }
        seen
    }

    #[actix_rt::test]
    async fn a_few_are_begun_in_each_round_and_none_is_forgotten() {
        let (turns, taken) = (Turns::default(), Rc::default());
        take(&turns, 10 * PER_ROUND, &taken);
        let seen = passes_until(10 * PER_ROUND, &taken).await;
        let steps = seen.windows(2).map(|two| two[1] - two[0]);
        assert!(steps.max() <= Some(PER_ROUND), "{seen:?}");
        assert!(seen[0] <= PER_ROUND, "{seen:?}");
    }

    #[actix_rt::test]
    async fn rounds_begin_again_after_they_have_ended() {
        let (turns, taken) = (Turns::default(), Rc::default());
        for times in 1..=3 {
            take(&turns, 3 * PER_ROUND, &taken);
            passes_until(times * 3 * PER_ROUND, &taken).await;
            for _ in 0..10 {
                yield_now().await;
            }
            assert!(!turns.0.has_rounds.get());
        }
    }

    #[actix_rt::test]
    async fn a_turn_lasts_until_it_ends() {
        let turns = Turns::default();
        let is_its =
            async |turn: &mut Turn| poll_fn(|cx| Poll::Ready(turn.poll(cx))).await.is_ready();
        let mut all: Vec<_> = repeat_with(|| turns.turn()).take(PER_ROUND).collect();
        for turn in &mut all {
            assert!(is_its(turn).await);
        }

        assert!(is_its(&mut all[0]).await);
        all[0].end();
        assert!(!is_its(&mut all[0]).await, "the next one is another turn, in another round");
    }

    #[actix_rt::test]
    async fn one_that_ends_while_it_waits_holds_up_no_other() {
        let (turns, taken) = (Turns::default(), Rc::default());
        let tasks = take(&turns, 4 * PER_ROUND, &taken);
        yield_now().await;
        tasks[PER_ROUND..2 * PER_ROUND].iter().for_each(JoinHandle::abort);
        passes_until(3 * PER_ROUND, &taken).await;
    }
}
