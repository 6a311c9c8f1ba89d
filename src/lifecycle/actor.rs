//! The actor that holds the conversation with the Extensions API.

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

/// Registers, asks for `next` at once after every event, and publishes how far it has come.
///
/// ```text
/// registering ──answer──▶ waiting ──SHUTDOWN──▶ (ended)
///      │                   │   ▲ │
///      │                   └───┘ │ any other event: ask for next
///      └──────── error ──────────┴────────────▶ (ended)
/// ```
///
/// Invariant: exactly one call to the API is open while registering or waiting, none afterwards. That
/// call is the only future on the actor's context, and keeps the actor alive: it takes no message, and
/// its address is not needed. If the call panics, the actor is dropped and every reader of its progress
/// gets [`LifecycleError::Abandoned`]; nothing restarts it, because a second conversation under one name
/// is refused.
#[derive(Debug)]
pub struct LifecycleActor {
    pending: Option<PendingRegistration>,
    progress: watch::Sender<Progress>,
}

impl LifecycleActor {
    /// Starts an actor that goes on from a register request that has been sent.
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
    /// Registering → waiting. `next` is asked for before the registration is published: Lambda holds the
    /// first invocation until then.
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

    /// Waiting → waiting, or the end. There is no time-out: the answer may take hours. When the actor is
    /// dropped, so is this, and the connection closes.
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

    /// An event after which the conversation goes on as before.
    fn passed(&mut self, event: Event) {
        match event {
            Event::Invoke { request_id } => {
                debug!(request_id, "INVOKE");
                self.progress.send_modify(|progress| progress.invocations += 1);
            }
            _ => debug!("an event of an unknown type"),
        }
    }

    /// `next` is not asked for again: Lambda takes that for an extension that has no intention to exit,
    /// and waits for the deadline.
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
