//! The actor that talks to the Extensions API.

use actix::{Actor, ActorFutureExt, AsyncContext, Context, WrapFuture};
use tokio::sync::watch;

use crate::{
    lifecycle::{
        api::Registration,
        client::ExtensionsClient,
        error::{LifecycleError, SharedLifecycleError},
        event::{Event, ShutdownReason},
        progress::{Lifecycle, Progress},
        register::PendingRegistration,
    },
    log::debug,
};

/// Registers, asks for `next` at once after every event, and publishes its progress.
///
/// ```text
/// registering ──answer──▶ waiting ──SHUTDOWN──▶ (ended)
///      │                   │   ▲ │
///      │                   └───┘ │ any other event: ask for next
///      └──────── error ──────────┴────────────▶ (ended)
/// ```
///
/// Invariant: exactly one call to the API is open while registering or waiting, none afterwards.
/// That call is the only future on the actor's context, and keeps the actor alive: the actor takes
/// no message, and its address is not kept. If the call panics, the actor is dropped and every
/// reader of its progress gets [`LifecycleError::Abandoned`]; nothing restarts it, because Lambda
/// refuses to register one name twice.
#[derive(Debug)]
pub struct LifecycleActor {
    pending: Option<PendingRegistration>,
    progress: watch::Sender<Progress>,
}

impl LifecycleActor {
    /// Starts the actor for a register request that has been sent already.
    pub fn start_from(pending: PendingRegistration) -> Lifecycle {
        let (progress, lifecycle) = Lifecycle::new();
        Self { pending: Some(pending), progress }.start();
        lifecycle
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

impl LifecycleActor {
    /// Registering → waiting. Asks for `next` before it publishes the registration: Lambda holds
    /// the first invocation until then.
    fn registered(
        &mut self,
        registration: Registration,
        client: ExtensionsClient,
        ctx: &mut Context<Self>,
    ) {
        self.ask_for_next(client, ctx);
        debug!(
            function = registration.function.function_name,
            events = ?registration.events,
            "registered"
        );
        self.progress.send_modify(|progress| progress.registration = Some(registration));
    }

    /// Waiting → waiting, or the end. There is no time-out: the answer may take hours. Dropping the
    /// actor drops the call and closes its connection.
    fn ask_for_next(&self, mut client: ExtensionsClient, ctx: &mut Context<Self>) {
        let next = async move {
            let event = client.next().await;
            (event, client)
        };
        ctx.spawn(next.into_actor(self).map(|(event, client), this, ctx| match event {
            Ok(Event::Shutdown { reason }) => this.shut_down(reason),
            Ok(event) => {
                this.ask_for_next(client, ctx);
                this.passed(event);
            }
            Err(error) => this.fail(error),
        }));
    }

    /// Handles an event after which the actor waits for the next one.
    fn passed(&mut self, event: Event) {
        match event {
            Event::Invoke { request_id } => {
                debug!(request_id, "INVOKE");
                self.progress.send_modify(|progress| progress.invocations += 1);
            }
            _ => debug!("an event of an unknown type"),
        }
    }

    /// Does not ask for `next` again: Lambda would conclude that the extension does not intend to
    /// exit, and wait for the deadline.
    fn shut_down(&mut self, reason: ShutdownReason) {
        debug!(%reason, invocations = self.progress.borrow().invocations, "SHUTDOWN");
        self.end(Ok(reason));
    }

    fn fail(&mut self, error: LifecycleError) {
        debug!(%error, "the Extensions API failed for good");
        self.end(Err(SharedLifecycleError::new(error)));
    }

    fn end(&mut self, end: Result<ShutdownReason, SharedLifecycleError>) {
        self.progress.send_modify(|progress| progress.end = Some(end));
    }
}
