//! Mailboxes, addresses and futures of the `actix` crate.

use std::{cell::RefCell, rc::Rc, time::Duration};

use actix::{
    Actor, ActorContext, Addr, AsyncContext, Context, Handler, MailboxError, Message, Response,
    ResponseFuture, WrapFuture,
};
use futures_util::{
    FutureExt,
    future::{LocalBoxFuture, join_all},
};
use tokio::time::{pause, sleep};

use crate::support::cache::settle;

/// What happened, in order.
type Events = Rc<RefCell<Vec<String>>>;

type Question = LocalBoxFuture<'static, Result<(), MailboxError>>;

/// Does what messages say, and records it.
#[derive(Default)]
struct Probe {
    events: Events,
    asked_before: Rc<RefCell<Option<Question>>>,
}

impl Probe {
    fn start_telling() -> (Addr<Self>, Events) {
        let probe = Self::default();
        let events = Rc::clone(&probe.events);
        (probe.start(), events)
    }

    fn tell(&self, event: impl Into<String>) {
        self.events.borrow_mut().push(event.into());
    }
}

impl Actor for Probe {
    type Context = Context<Self>;

    fn stopped(&mut self, _ctx: &mut Self::Context) {
        self.tell("stopped");
    }
}

struct Number(usize);

impl Message for Number {
    type Result = usize;
}

impl Handler<Number> for Probe {
    type Result = usize;

    fn handle(&mut self, number: Number, _ctx: &mut Self::Context) -> usize {
        self.tell(format!("{}", number.0));
        number.0
    }
}

struct Panic;

impl Message for Panic {
    type Result = ();
}

impl Handler<Panic> for Probe {
    type Result = ();

    fn handle(&mut self, _panic: Panic, _ctx: &mut Self::Context) {
        std::panic::resume_unwind(Box::new("as told"));
    }
}

struct Inline;

impl Message for Inline {
    type Result = ();
}

impl Handler<Inline> for Probe {
    type Result = Response<()>;

    fn handle(&mut self, _inline: Inline, _ctx: &mut Self::Context) -> Self::Result {
        Response::reply(())
    }
}

/// Tells whether the question that was asked before this one has been answered already.
struct IsAnswered;

impl Message for IsAnswered {
    type Result = bool;
}

impl Handler<IsAnswered> for Probe {
    type Result = bool;

    fn handle(&mut self, _question: IsAnswered, _ctx: &mut Self::Context) -> bool {
        let before = self.asked_before.borrow_mut().take().unwrap();
        before.now_or_never().is_some()
    }
}

/// Puts a future on the context.
struct Spawn(Duration);

impl Message for Spawn {
    type Result = ();
}

impl Handler<Spawn> for Probe {
    type Result = ();

    fn handle(&mut self, spawn: Spawn, ctx: &mut Self::Context) {
        let events = Rc::clone(&self.events);
        let work = async move {
            sleep(spawn.0).await;
            events.borrow_mut().push("spawned".into());
        };
        ctx.spawn(work.into_actor(self));
    }
}

/// Answers with a future, and stops at once if told so.
struct Later {
    then_stop: bool,
}

impl Message for Later {
    type Result = ();
}

impl Handler<Later> for Probe {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, later: Later, ctx: &mut Self::Context) -> Self::Result {
        if later.then_stop {
            ctx.stop();
        }
        Box::pin(sleep(Duration::from_secs(1)))
    }
}

#[actix_rt::test]
async fn a_panic_in_a_handler_closes_the_mailbox_for_every_sender() {
    let (probe, events) = Probe::start_telling();
    let (before, panicking, after) =
        (probe.send(Number(1)), probe.send(Panic), probe.send(Number(2)));

    assert_eq!(before.await, Ok(1));
    assert_eq!(panicking.await, Err(MailboxError::Closed));
    assert_eq!(after.await, Err(MailboxError::Closed));
    assert!(!probe.connected());
    assert_eq!(probe.send(Number(3)).await, Err(MailboxError::Closed));
    assert_eq!(*events.borrow(), ["1", "stopped"]);
}

#[actix_rt::test]
async fn an_actor_without_addresses_handles_what_is_queued_and_finishes_its_futures() {
    pause();
    let (probe, events) = Probe::start_telling();
    let spawned = probe.send(Spawn(Duration::from_secs(1)));
    let queued = [probe.send(Number(1)), probe.send(Number(2))];
    drop(probe);

    spawned.await.unwrap();
    assert_eq!(join_all(queued).await, [Ok(1), Ok(2)]);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(*events.borrow(), ["1", "2", "spawned", "stopped"]);
}

#[actix_rt::test]
async fn an_actor_without_addresses_and_futures_stops() {
    let (probe, events) = Probe::start_telling();
    drop(probe);
    settle().await;

    assert_eq!(*events.borrow(), ["stopped"]);
}

#[actix_rt::test]
async fn an_inline_reply_is_there_before_the_next_message_is_handled() {
    let probe = Probe::default();
    let asked_before = Rc::clone(&probe.asked_before);
    let probe = probe.start();
    *asked_before.borrow_mut() = Some(Box::pin(probe.send(Inline)));

    assert_eq!(probe.send(IsAnswered).await, Ok(true));
}

#[actix_rt::test]
async fn a_question_whose_asker_is_gone_is_not_handled() {
    let (probe, events) = Probe::start_telling();
    drop(probe.send(Number(1)));
    let kept = probe.send(Number(2));

    assert_eq!(kept.await, Ok(2));
    assert_eq!(*events.borrow(), ["2"]);
}

#[actix_rt::test]
async fn messages_of_one_sender_are_handled_in_order() {
    let (probe, events) = Probe::start_telling();
    join_all((0..100).map(|n| probe.send(Number(n)))).await;

    assert_eq!(*events.borrow(), (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[actix_rt::test]
async fn no_mailbox_bounds_questions() {
    let (probe, events) = Probe::start_telling();
    let questions: Vec<_> = (0..10_000).map(|n| probe.send(Number(n))).collect();
    assert!(events.borrow().is_empty());

    assert!(join_all(questions).await.into_iter().all(|answer| answer.is_ok()));
    assert_eq!(events.borrow().len(), 10_000);
}

#[actix_rt::test]
async fn an_answer_in_a_response_future_outlives_its_actor() {
    pause();
    let (probe, events) = Probe::start_telling();
    let answer = tokio::task::spawn_local(probe.send(Later { then_stop: true }));
    settle().await;
    assert_eq!(*events.borrow(), ["stopped"]);

    assert_eq!(answer.await.unwrap(), Ok(()));
}

#[actix_rt::test]
async fn a_response_future_does_not_hold_up_the_messages_behind_it() {
    pause();
    let (probe, _events) = Probe::start_telling();
    let mut later = Box::pin(probe.send(Later { then_stop: false }));

    assert_eq!(probe.send(Number(1)).await, Ok(1));
    assert_eq!((&mut later).now_or_never(), None);
    assert_eq!(later.await, Ok(()));
}
