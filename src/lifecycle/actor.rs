//! The actor that holds the conversation with the Extensions API.

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseFuture, WrapFuture,
};

use super::{
    api::Registration,
    client::ExtensionsClient,
    error::{LifecycleError, SharedLifecycleError},
    event::{Event, ShutdownReason},
    register::PendingRegistration,
    waiters::{Outcome, Waiters, answered},
};
use crate::log::debug;

/// Registers, asks for `next` at once after every event, and tells who waits when it is over.
///
/// ```text
/// Registering ──answer──▶ Waiting ──SHUTDOWN──▶ ShuttingDown ──last address dropped──▶ (ended)
///      │                   │   ▲ │
///      │                   └───┘ │ any other event: ask for next
///      └──────── error ──────────┴──────────▶ Failed ──last address dropped──▶ (ended)
/// ```
///
/// Invariant: exactly one call to the API is open while Registering or Waiting, none afterwards.
/// That call is the only future on the actor's context. If it panics, the actor is dropped and every
/// waiter is answered with [`LifecycleError::Abandoned`]; nothing restarts it, because a second
/// conversation under one name is refused.
#[derive(Debug)]
pub struct LifecycleActor {
    state: State,
    pending: Option<PendingRegistration>,
    registration: Option<Registration>,
    invocations: u64,
    await_registered: Waiters<Registration>,
    await_invoked: Waiters<u64>,
    await_shutdown: Waiters<ShutdownReason>,
}

#[derive(Debug)]
enum State {
    /// The register request has been sent.
    Registering,
    /// `next` is open.
    Waiting,
    /// SHUTDOWN has arrived. Whoever asks for `next` now is killed at the deadline.
    ShuttingDown(ShutdownReason),
    /// The API failed for good: there is no SHUTDOWN to wait for any more.
    Failed(SharedLifecycleError),
}

/// Waits until Lambda has answered the registration.
#[derive(Clone, Copy, Debug)]
pub struct AwaitRegistered;

impl Message for AwaitRegistered {
    type Result = Outcome<Registration>;
}

/// Waits until more invocations have begun than the caller knows of, and replies how many. Under SnapStart
/// the first one is the first sign of life after the restore.
#[derive(Clone, Copy, Debug)]
pub struct AwaitInvoked {
    /// How many the caller knows of.
    pub known: u64,
}

impl Message for AwaitInvoked {
    type Result = Outcome<u64>;
}

/// Waits until SHUTDOWN arrives, or until the API has failed for good.
#[derive(Clone, Copy, Debug)]
pub struct AwaitShutdown;

impl Message for AwaitShutdown {
    type Result = Outcome<ShutdownReason>;
}

impl LifecycleActor {
    /// Goes on from a register request that has been sent.
    pub fn new(pending: PendingRegistration) -> Self {
        Self {
            state: State::Registering,
            pending: Some(pending),
            registration: None,
            invocations: 0,
            await_registered: Waiters::default(),
            await_invoked: Waiters::default(),
            await_shutdown: Waiters::default(),
        }
    }
}

impl Actor for LifecycleActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(pending) = self.pending.take() {
            let answer = pending.answer().into_actor(self);
            ctx.spawn(answer.map(|answer, this, ctx| match answer {
                Ok((registration, client)) => this.registered(registration, client, ctx),
                Err(error) => this.fail(error),
            }));
        }
    }
}

impl Handler<AwaitRegistered> for LifecycleActor {
    type Result = ResponseFuture<Outcome<Registration>>;

    fn handle(&mut self, _: AwaitRegistered, _: &mut Self::Context) -> Self::Result {
        match (&self.registration, &self.state) {
            (Some(registration), _) => answered(Ok(registration.clone())),
            (None, State::Failed(error)) => answered(Err(error.clone())),
            (None, _) => self.await_registered.join(),
        }
    }
}

impl Handler<AwaitInvoked> for LifecycleActor {
    type Result = ResponseFuture<Outcome<u64>>;

    fn handle(&mut self, invoked: AwaitInvoked, _: &mut Self::Context) -> Self::Result {
        match &self.state {
            _ if self.invocations > invoked.known => answered(Ok(self.invocations)),
            State::Failed(error) => answered(Err(error.clone())),
            _ => self.await_invoked.join(),
        }
    }
}

impl Handler<AwaitShutdown> for LifecycleActor {
    type Result = ResponseFuture<Outcome<ShutdownReason>>;

    fn handle(&mut self, _: AwaitShutdown, _: &mut Self::Context) -> Self::Result {
        match &self.state {
            State::Registering | State::Waiting => self.await_shutdown.join(),
            State::ShuttingDown(reason) => answered(Ok(reason.clone())),
            State::Failed(error) => answered(Err(error.clone())),
        }
    }
}

impl LifecycleActor {
    /// Registering → Waiting. `next` is asked for before anybody is told: Lambda holds the first
    /// invocation until then.
    fn registered(
        &mut self,
        registration: Registration,
        client: ExtensionsClient,
        ctx: &mut Context<Self>,
    ) {
        debug_assert!(matches!(self.state, State::Registering));
        self.state = State::Waiting;
        self.ask_for_next(client, ctx);
        debug!(
            function = registration.function.function_name,
            events = ?registration.events,
            "registered"
        );
        self.registration = Some(registration.clone());
        self.await_registered.settle(&Ok(registration));
    }

    /// Waiting → Waiting, or whatever the event says. There is no time-out: the answer may take
    /// hours. When the actor is dropped, so is this, and the connection closes.
    fn ask_for_next(&self, mut client: ExtensionsClient, ctx: &mut Context<Self>) {
        let next = async move {
            let event = client.next().await;
            (event, client)
        };
        ctx.spawn(next.into_actor(self).map(|(event, client), this, ctx| match event {
            Ok(Event::Shutdown { shutdown_reason, .. }) => this.shut_down(shutdown_reason),
            Ok(event) => {
                this.ask_for_next(client, ctx);
                this.passed(event);
            }
            Err(error) => this.fail(error),
        }));
    }

    /// An event after which the conversation goes on as before.
    fn passed(&mut self, event: Event) {
        match event {
            Event::Invoke { request_id, .. } => {
                self.invocations += 1;
                debug!(request_id, "INVOKE");
                self.await_invoked.settle(&Ok(self.invocations));
            }
            _ => debug!("an event of an unknown type"),
        }
    }

    /// Waiting → ShuttingDown. `next` is not asked for again: Lambda takes that for an extension
    /// that has no intention to exit, and waits for the deadline.
    fn shut_down(&mut self, reason: ShutdownReason) {
        debug!(%reason, invocations = self.invocations, "SHUTDOWN");
        self.state = State::ShuttingDown(reason.clone());
        self.await_shutdown.settle(&Ok(reason));
    }

    /// Registering or Waiting → Failed. Whoever waits for SHUTDOWN would wait for ever otherwise.
    fn fail(&mut self, error: LifecycleError) {
        debug!(%error, "the Extensions API failed for good");
        let error = SharedLifecycleError::new(error);
        self.state = State::Failed(error.clone());
        self.await_registered.settle(&Err(error.clone()));
        self.await_invoked.settle(&Err(error.clone()));
        self.await_shutdown.settle(&Err(error));
    }
}
