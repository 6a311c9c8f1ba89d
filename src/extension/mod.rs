//! The extension as a whole: starts everything in order, and ends it.
//!
//! A cold start waits for all that happens before the register request is sent, so [`Boot::early`]
//! does only what must. The rest follows in [`Boot::run`]; what needs AWS comes last, when Lambda
//! no longer waits. No other module knows all the parts.

pub mod assembly;
mod backend;

use std::{
    io, mem::ManuallyDrop, path::Path, process::ExitCode, rc::Rc, sync::Arc, time::Duration,
};

use actix::{Actor, Addr};
use actix_web::web;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use self::assembly::cache;
pub(crate) use self::backend::Backend;
use crate::{
    cache::Cache,
    clock::{Clock, SystemClock},
    fetch::demand::LONGEST_FETCH,
    freeze::FreezeWatch,
    http::{self, Authorizer, Drain, HttpActor, Listeners, MAX_CONNECTIONS, Service},
    lifecycle::{
        ErrorReport, ErrorType, Events, ExtensionName, Lifecycle, LifecycleActor, LifecycleError,
        PendingRegistration, report_exit_error, report_init_error, send_register,
    },
    log::{self, debug},
    open_files,
    prefetch::prefetch,
    settings::{LambdaSettings, Notice, PrefetchSettings, Settings, SettingsAndNotices},
    snapshot::Snapshot,
    stats::Stats,
};

/// How long pending answers may take once the shutdown has begun. Together with [`LAST_ANSWERS`] it
/// is well below the 2 s after which Lambda kills the process.
const GRACE: Duration = Duration::from_millis(300);

/// How long the clients of aborted fetches have to read the error.
const LAST_ANSWERS: Duration = Duration::from_millis(100);

/// An extension that has bound its port and sent its register request, and nothing else.
#[derive(Debug)]
pub struct Boot {
    reading: SettingsAndNotices,
    listeners: io::Result<Listeners>,
    /// `None` outside Lambda.
    registration: Option<Result<PendingRegistration, LifecycleError>>,
}

impl Boot {
    /// Binds the port, then sends the register request, without a runtime. In this order, because
    /// Lambda starts the function when all extensions have registered, and the function's
    /// module-level code may send a request at once.
    pub fn early(reading: SettingsAndNotices) -> Self {
        let listeners = Listeners::bind(reading.settings.http_port.get());
        let registration = reading.settings.lambda.as_ref().map(register);
        Self { reading, listeners, registration }
    }

    /// Serves until SHUTDOWN, SIGTERM or ctrl-C.
    pub fn run(self) -> ExitCode {
        open_files::make_room(MAX_CONNECTIONS);
        let Self { reading, listeners, registration } = self;
        let SettingsAndNotices { settings, notices, own_notices } = reading;
        let _drained_at_the_end = log::init(settings.log_level, settings.log_format);
        log::log_panics();
        notices.iter().for_each(log::notice);
        info!(
            "Systems Manager Parameter Store and Secrets Manager Lambda Extension {}",
            env!("CARGO_PKG_VERSION")
        );
        let life = async move {
            match serve(&settings, &own_notices, listeners, registration).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(reason) => {
                    error!("{reason}");
                    ExitCode::FAILURE
                }
            }
        };
        // A task of its own: the future of `block_on` is polled whenever any task is, so at every
        // hit.
        let life = async { tokio::task::spawn_local(life).await };
        // The task can fail only by a panic, which is logged.
        block_on(life).unwrap_or(ExitCode::FAILURE)
    }
}

/// Runs what the process is there for, on this thread.
///
/// The runtime is never dropped: it would wait, without a limit, for blocking threads whose answer
/// was given up, which may hang in a read of a file or in the name service. They end with the
/// process.
pub(crate) fn block_on<T>(life: impl Future<Output = T>) -> T {
    ManuallyDrop::new(actix::System::new()).block_on(life)
}

fn register(lambda: &LambdaSettings) -> Result<PendingRegistration, LifecycleError> {
    let executable = std::env::args_os().next().unwrap_or_default();
    let name = ExtensionName::of_executable(Path::new(&executable))?;
    let events = Events::for_initialization_type(&lambda.initialization_type);
    send_register(lambda.runtime_api.clone(), name, events)
}

/// Why the extension failed: the text of its one ERROR line.
type Failure = String;

async fn serve(
    settings: &Settings,
    own_notices: &[Notice],
    listeners: io::Result<Listeners>,
    registration: Option<Result<PendingRegistration, LifecycleError>>,
) -> Result<(), Failure> {
    let registration = registration.transpose().map_err(|error| error.to_string())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let freezes = FreezeWatch::new(Arc::clone(&clock));
    let backend = Backend::new(settings, freezes.clone());
    let (listeners, backend) = match (listening(settings, listeners), backend) {
        (Ok(listeners), Ok(backend)) => (listeners, backend),
        (Err(reason), _) | (_, Err(reason)) => return Err(give_up(registration, reason).await),
    };
    let snapshot = Snapshot::new(settings.lambda.as_ref());
    let stats = Rc::new(Stats::default());
    let service = web::Data::new(Service {
        authorizer: Authorizer::new(&settings.tokens, backend.current_token(), Arc::clone(&clock)),
        cache: cache(settings, &snapshot, backend.upstreams(), freezes, clock, Rc::clone(&stats)),
        stats: Rc::clone(&stats),
    });
    let http = HttpActor::new(listeners, http::routes(service.clone())).start();
    info!("Serving on port {}", settings.http_port);
    let lifecycle = registration.map(LifecycleActor::start_from);
    info!("ready to serve traffic");
    own_notices.iter().for_each(log::notice);
    let time_outs = &settings.timeout;
    if time_outs.secrets_manager.is_none() || time_outs.parameter_store.is_none() {
        // The official line says 0s, which means no limit in AWS's extension.
        let bound = LONGEST_FETCH.as_secs();
        debug!("with a time-out of 0s a fetch ends after {bound} s, its retries included");
    }
    let backend = Rc::new(backend);
    if let Some(lifecycle) = lifecycle.clone() {
        tokio::task::spawn_local(tell_of_invocations(lifecycle, snapshot.clone(), service.clone()));
    }
    tokio::task::spawn_local(warm_up_and_prefetch(
        backend,
        lifecycle.clone(),
        snapshot,
        settings.prefetch.clone(),
        service.clone(),
    ));
    let end = shutdown_request(lifecycle.clone()).await;
    if let (Err(reason), Some(lifecycle), Some(lambda)) = (&end, lifecycle, &settings.lambda) {
        tell_lambda(lifecycle, lambda, reason).await;
    }
    drain(&http, &service.cache).await;
    stats.snapshot().log_summary();
    end
}

fn listening(settings: &Settings, listeners: io::Result<Listeners>) -> Result<Listeners, Failure> {
    listeners.map_err(|error| {
        format!(
            "cannot listen on port {}: {error}. Is another extension using it? \
             PARAMETERS_SECRETS_EXTENSION_HTTP_PORT sets another one.",
            settings.http_port
        )
    })
}

/// Reports to Lambda why the extension cannot start, so that Lambda's log says so too.
async fn give_up(registration: Option<PendingRegistration>, reason: Failure) -> Failure {
    if let Some(pending) = registration {
        let report = ErrorReport::new(ErrorType::new("Extension.InitError"), &reason);
        if let Err(error) = report_init_error(pending, &report).await {
            warn!(%error, "cannot report the init error");
        }
    }
    reason
}

/// Reports to Lambda why the extension is about to exit, if it has registered.
async fn tell_lambda(mut lifecycle: Lifecycle, lambda: &LambdaSettings, reason: &str) {
    let Ok(registration) = lifecycle.registered().await else { return };
    let report = ErrorReport::new(ErrorType::new("Extension.Failed"), reason);
    let (runtime_api, id) = (lambda.runtime_api.clone(), registration.extension_id);
    if let Err(error) = report_exit_error(runtime_api, id, &report).await {
        debug!(%error, "cannot report the exit error");
    }
}

/// Tells the cache of every invocation: the environment may have been frozen before it, or restored
/// from a snapshot before the first one.
async fn tell_of_invocations(
    mut lifecycle: Lifecycle,
    snapshot: Snapshot,
    service: web::Data<Service>,
) {
    while lifecycle.invoked().await.is_ok() {
        if snapshot.is_ahead() {
            snapshot.has_passed();
            service.cache.start_over();
        }
        service.cache.invoked();
    }
}

/// Builds the AWS clients while the runtime starts, with the CPU of INIT, then prefetches. The
/// fetch of an earlier request waits for the same client.
async fn warm_up_and_prefetch(
    backend: Rc<Backend>,
    lifecycle: Option<Lifecycle>,
    snapshot: Snapshot,
    settings: PrefetchSettings,
    service: web::Data<Service>,
) {
    if let Some(mut lifecycle) = lifecycle {
        // The outcome does not matter: the runtime has started, or never will.
        let _ = lifecycle.registered().await;
    }
    service.authorizer.look().await;
    backend.warm_up().await;
    snapshot.passing().await;
    prefetch(&settings, &service.cache).await;
}

/// Waits for SHUTDOWN, SIGTERM or ctrl-C, whichever comes first.
async fn shutdown_request(lifecycle: Option<Lifecycle>) -> Result<(), Failure> {
    let cannot_listen = |error: io::Error| format!("cannot listen for signals: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot_listen)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot_listen)?;
    let shutdown = async {
        match lifecycle {
            Some(mut lifecycle) => lifecycle.shutdown().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        outcome = shutdown => match outcome {
            Ok(reason) => info!("SHUTDOWN: {reason}"),
            Err(error) => return Err(format!("the Extensions API failed: {error}")),
        },
        _ = terminate.recv() => info!("SIGTERM"),
        _ = interrupt.recv() => info!("SIGINT"),
    }
    Ok(())
}

/// Ends in order: accepts no connection, waits for pending answers, then fails the fetches that
/// remain.
async fn drain(http: &Addr<HttpActor>, cache: &Cache) {
    let drained = http.send(Drain { grace: GRACE }).await;
    cache.stop().await;
    if drained.is_ok() {
        // Lets the last errors be sent; if that takes too long, the process exits all the same.
        let _ = http.send(Drain { grace: LAST_ANSWERS }).await;
    }
    debug!("stopped");
}
