//! Callers who wait for something that happens once.

use actix::ResponseFuture;
use futures_util::{FutureExt, future::ready};
use tokio::sync::oneshot;

use super::error::{LifecycleError, SharedLifecycleError};

/// What a waiter gets.
pub(super) type Outcome<T> = Result<T, SharedLifecycleError>;

/// `main` asks once, and perhaps a log line and a test do. A caller that hangs up keeps its place,
/// because actix itself holds the reply; hence a bound, above which the answer is an error at once.
const MAX_WAITERS: usize = 16;

/// Waiters, in the order they came. Each gets exactly one answer: the outcome, or
/// [`LifecycleError::Abandoned`] when this is dropped before there is one.
#[derive(Debug)]
pub(super) struct Waiters<T>(Vec<oneshot::Sender<Outcome<T>>>);

impl<T> Default for Waiters<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone + 'static> Waiters<T> {
    /// Waits with the others.
    pub(super) fn join(&mut self) -> ResponseFuture<Outcome<T>> {
        if self.0.len() >= MAX_WAITERS {
            return answered(Err(LifecycleError::TooManyWaiters.into()));
        }
        let (waiter, outcome) = oneshot::channel();
        self.0.push(waiter);
        outcome
            .map(|outcome| outcome.unwrap_or_else(|_| Err(LifecycleError::Abandoned.into())))
            .boxed_local()
    }

    /// Answers everybody.
    pub(super) fn settle(&mut self, outcome: &Outcome<T>) {
        for waiter in self.0.drain(..) {
            let _ = waiter.send(outcome.clone()); // the caller may have hung up
        }
    }
}

/// The answer for a caller who need not wait.
pub(super) fn answered<T: 'static>(outcome: Outcome<T>) -> ResponseFuture<Outcome<T>> {
    ready(outcome).boxed_local()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::{LifecycleError, MAX_WAITERS, Waiters};

    #[test]
    fn one_waiter_too_many_is_told_so_and_the_others_go_on_waiting() {
        let mut waiters = Waiters::<u8>::default();
        let waiting: Vec<_> = (0..MAX_WAITERS).map(|_| waiters.join()).collect();
        let refused = waiters.join().now_or_never().unwrap().unwrap_err();
        assert!(matches!(*refused, LifecycleError::TooManyWaiters));
        waiters.settle(&Ok(7));
        for waiter in waiting {
            assert_eq!(waiter.now_or_never().unwrap().unwrap(), 7);
        }
    }

    #[test]
    fn waiters_are_told_when_they_are_abandoned() {
        let mut waiters = Waiters::<u8>::default();
        let waiter = waiters.join();
        drop(waiters);
        let abandoned = waiter.now_or_never().unwrap().unwrap_err();
        assert!(matches!(*abandoned, LifecycleError::Abandoned));
    }
}
