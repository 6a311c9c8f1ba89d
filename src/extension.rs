//! The whole extension: what starts in which order, and how it ends.
//!
//! A cold start waits for what happens before the register request has left: [`Boot::early`] does only
//! that. The rest follows in [`Boot::run`], and what needs AWS comes last, when nobody waits for it.

use std::{io, net::TcpListener, path::Path, process::ExitCode, rc::Rc, time::Duration};

use actix::{Actor, Addr};
use actix_web::web;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{debug, error, info, warn};

use crate::{
    cache::{Cache, CacheActors, CachePolicy, CacheRegistry},
    clock::{Clock, SystemClock},
    fetch::{
        aws::Aws,
        local_store::LocalStore,
        parameter_store::ParameterStore,
        pool::{FetchPool, LONGEST_FETCH, MAX_QUEUED, PoolLimits},
        secrets_manager::SecretsManager,
        upstream::Upstreams,
    },
    http::{self, Authorizer, CurrentToken, Drain, HttpActor, Service},
    key::UpstreamKind,
    lifecycle::{
        AwaitRegistered, AwaitShutdown, ErrorReport, ErrorType, Events, ExtensionName,
        LifecycleActor, LifecycleError, PendingRegistration, report_init_error, send_register,
    },
    log,
    prefetch::prefetch,
    settings::{LambdaSettings, Notice, PerUpstream, PrefetchSettings, Reading, Settings},
    stats::Stats,
};

/// How long answers under way may take once the end has come. With [`LAST_ANSWERS`] well below the 2 s
/// after which Lambda kills.
const GRACE: Duration = Duration::from_millis(300);

/// What ARNs of the local store say where no region is set.
const LOCAL_REGION: &str = "us-east-1";

/// How long the clients of fetches that were cut off get to read why.
const LAST_ANSWERS: Duration = Duration::from_millis(100);

/// An extension that has a port and is registering, and has done nothing else yet.
#[derive(Debug)]
pub struct Boot {
    reading: Reading,
    listener: io::Result<TcpListener>,
    /// None outside Lambda.
    registration: Option<Result<PendingRegistration, LifecycleError>>,
}

impl Boot {
    /// Binds the port, then sends the register request, with no runtime yet. In this order: Lambda starts
    /// the function when all extensions have registered, and its module-level code may ask at once.
    pub fn early(reading: Reading) -> Self {
        let listener = http::bind(reading.settings.http_port.get());
        let registration = reading.settings.lambda.as_ref().map(register);
        Self { reading, listener, registration }
    }

    /// Serves until SHUTDOWN, SIGTERM or ctrl-C.
    pub fn run(self) -> ExitCode {
        let Self { reading, listener, registration } = self;
        let Reading { settings, notices, own_notices } = reading;
        log::init(settings.log_level);
        log::log_panics();
        notices.iter().for_each(log::notice);
        info!(
            "Systems Manager Parameter Store and Secrets Manager Lambda Extension {}",
            env!("CARGO_PKG_VERSION")
        );
        let life = async move {
            match serve(&settings, &own_notices, listener, registration).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(reason) => {
                    error!("{reason}");
                    ExitCode::FAILURE
                }
            }
        };
        // A task of its own: what `block_on` holds is polled whenever any task is, at every hit.
        let life = async { tokio::task::spawn_local(life).await };
        // Only a panic ends it otherwise, and that is logged.
        actix::System::new().block_on(life).unwrap_or(ExitCode::FAILURE)
    }
}

fn register(lambda: &LambdaSettings) -> Result<PendingRegistration, LifecycleError> {
    let executable = std::env::args_os().next().unwrap_or_default();
    let name = ExtensionName::of_executable(Path::new(&executable))?;
    let events = Events::for_initialization_type(&lambda.initialization_type);
    send_register(lambda.runtime_api.clone(), name, events)
}

/// Why the extension ended in a way that is no success; the text is the one line its user reads.
type Failure = String;

async fn serve(
    settings: &Settings,
    own_notices: &[Notice],
    listener: io::Result<TcpListener>,
    registration: Option<Result<PendingRegistration, LifecycleError>>,
) -> Result<(), Failure> {
    let registration = registration.transpose().map_err(|error| error.to_string())?;
    let (listener, backend) = match (listen(settings, listener), Backend::new(settings)) {
        (Ok(listener), Ok(backend)) => (listener, backend),
        (Err(reason), _) | (_, Err(reason)) => return Err(give_up(registration, reason).await),
    };
    let clock: Rc<dyn Clock> = Rc::new(SystemClock);
    let stats = Rc::new(Stats::default());
    let service = web::Data::new(Service {
        authorizer: Authorizer::new(
            settings.tokens.clone(),
            backend.current_token(),
            Rc::clone(&clock),
        ),
        cache: cache(settings, backend.upstreams(), clock, Rc::clone(&stats)),
        stats: Rc::clone(&stats),
    });
    let http = HttpActor::new(listener, service.clone()).start();
    info!("Serving on port {}", settings.http_port);
    let fetch_pool = service.cache.fetch_pool().recipient();
    let lifecycle =
        registration.map(|pending| LifecycleActor::new(pending).telling(fetch_pool).start());
    info!("ready to serve traffic");
    own_notices.iter().for_each(log::notice);
    tokio::task::spawn_local(off_everybodys_path(
        backend,
        lifecycle.clone(),
        settings.prefetch.clone(),
        service.clone(),
    ));
    let end = the_end(lifecycle).await;
    drain(&http, &service.cache).await;
    stats.snapshot().log_summary();
    end
}

fn listen(settings: &Settings, listener: io::Result<TcpListener>) -> Result<TcpListener, Failure> {
    listener.map_err(|error| {
        format!(
            "cannot listen on port {}: {error}. Is another extension using it? \
             PARAMETERS_SECRETS_EXTENSION_HTTP_PORT sets another one.",
            settings.http_port
        )
    })
}

/// Tells Lambda why there is no extension, so that its log says so too.
async fn give_up(registration: Option<PendingRegistration>, reason: Failure) -> Failure {
    if let Some(pending) = registration {
        let report = ErrorReport::new(ErrorType::new("Extension.InitError"), &reason);
        if let Err(error) = report_init_error(pending, &report).await {
            warn!(%error, "cannot report the init error");
        }
    }
    reason
}

/// What nobody waits for: builds the AWS clients while the runtime starts, with the CPU of INIT, then
/// prefetches. A request that comes earlier waits in its fetch for the same client.
async fn off_everybodys_path(
    backend: Backend,
    lifecycle: Option<Addr<LifecycleActor>>,
    settings: PrefetchSettings,
    service: web::Data<Service>,
) {
    if let Some(lifecycle) = lifecycle {
        // Whatever the answer: the runtime has started, or never will.
        let _ = lifecycle.send(AwaitRegistered).await;
    }
    backend.warm_up().await;
    prefetch(&settings, &service.cache).await;
}

/// Who answers fetches: AWS, or a file.
enum Backend {
    Aws { aws: Rc<Aws>, secrets_manager: SecretsManager, parameter_store: ParameterStore },
    LocalStore(LocalStore),
}

impl Backend {
    fn new(settings: &Settings) -> Result<Self, Failure> {
        if let Some(path) = &settings.local_store {
            let region = settings.aws.region.as_deref().unwrap_or(LOCAL_REGION);
            return LocalStore::open(path, region)
                .map(Self::LocalStore)
                .map_err(|error| error.to_string());
        }
        let aws = Rc::new(Aws::new(settings.aws.clone(), settings.max_connections));
        Ok(Self::Aws {
            secrets_manager: SecretsManager::new(Rc::clone(&aws)),
            parameter_store: ParameterStore::new(Rc::clone(&aws)),
            aws,
        })
    }

    fn current_token(&self) -> Option<Rc<dyn CurrentToken>> {
        match self {
            Self::Aws { aws, .. } => Some(Rc::clone(aws) as _),
            Self::LocalStore(_) => None,
        }
    }

    fn upstreams(&self) -> Upstreams {
        match self {
            Self::Aws { secrets_manager, parameter_store, .. } => Upstreams {
                secrets_manager: Rc::new(secrets_manager.clone()),
                parameter_store: Rc::new(parameter_store.clone()),
            },
            Self::LocalStore(store) => Upstreams::of_one(store.clone()),
        }
    }

    /// Builds the AWS clients.
    async fn warm_up(self) {
        if let Self::Aws { secrets_manager, parameter_store, .. } = self {
            for outcome in [secrets_manager.warm_up().await, parameter_store.warm_up().await] {
                if let Err(error) = outcome {
                    error!("{error}");
                }
            }
        }
    }
}

fn cache(
    settings: &Settings,
    upstreams: Upstreams,
    clock: Rc<dyn Clock>,
    stats: Rc<Stats>,
) -> Cache {
    let capacity = if settings.cache.enabled { settings.cache.size } else { 0 };
    let policy = |kind| policy(settings, kind, capacity > 0);
    let policy = PerUpstream {
        secrets_manager: policy(UpstreamKind::SecretsManager),
        parameter_store: policy(UpstreamKind::ParameterStore),
    };
    let limits = |time_out: Option<Duration>| PoolLimits {
        permits: settings.max_connections,
        max_queued: MAX_QUEUED,
        time_out: time_out.unwrap_or(LONGEST_FETCH),
    };
    let limits = PerUpstream {
        secrets_manager: limits(settings.timeout.secrets_manager),
        parameter_store: limits(settings.timeout.parameter_store),
    };
    // A caller may have to wait for two fetches: the service's time-out bounds both together.
    let deadline =
        |time_out: Option<Duration>| settings.resilience.deadline.into_iter().chain(time_out).min();
    let deadline = PerUpstream {
        secrets_manager: deadline(settings.timeout.secrets_manager),
        parameter_store: deadline(settings.timeout.parameter_store),
    };
    let start = move || {
        let (clock, stats) = (Rc::clone(&clock), Rc::clone(&stats));
        let pool = FetchPool::new(upstreams.clone(), limits, Rc::clone(&clock), Rc::clone(&stats));
        let fetch_pool = pool.start();
        let registry = CacheRegistry::new(capacity, policy, fetch_pool.clone(), clock, stats);
        CacheActors { registry: registry.start(), fetch_pool }
    };
    Cache::new(start, deadline)
}

fn policy(settings: &Settings, kind: UpstreamKind, keeps_answers: bool) -> CachePolicy {
    let resilience = &settings.resilience;
    CachePolicy {
        ttl: if keeps_answers { *settings.ttl.get(kind) } else { Duration::ZERO },
        ttl_spread: resilience.ttl_spread,
        refresh_ahead: resilience.refresh_ahead,
        stale_if_error: resilience.stale_if_error,
        error_ttl: resilience.error_ttl,
    }
}

/// Waits for SHUTDOWN, SIGTERM or ctrl-C, whichever comes first.
async fn the_end(lifecycle: Option<Addr<LifecycleActor>>) -> Result<(), Failure> {
    let cannot_listen = |error: io::Error| format!("cannot listen for signals: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot_listen)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot_listen)?;
    let shutdown = async {
        match lifecycle {
            Some(lifecycle) => lifecycle.send(AwaitShutdown).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        outcome = shutdown => match outcome {
            Ok(Ok(reason)) => info!("SHUTDOWN: {reason}"),
            Ok(Err(error)) => return Err(format!("the Extensions API failed: {error}")),
            Err(_died) => return Err("the lifecycle actor has died; its panic is logged above".into()),
        },
        _ = terminate.recv() => info!("SIGTERM"),
        _ = interrupt.recv() => info!("SIGINT"),
    }
    Ok(())
}

/// Ends in order: no new connection, the answers under way, a clear error for those who still wait.
async fn drain(http: &Addr<HttpActor>, cache: &Cache) {
    let drained = http.send(Drain { grace: GRACE }).await;
    cache.stop().await;
    if drained.is_ok() {
        // Lets the last errors out; there is nothing to do if even that takes too long.
        let _ = http.send(Drain { grace: LAST_ANSWERS }).await;
    }
    debug!("stopped");
}
