//! Both services as the soak has them: their weather changes, and they count what is open.

use std::{
    cell::{Cell, OnceCell, RefCell},
    panic::resume_unwind,
    rc::Rc,
    sync::Arc,
    time::{Duration, SystemTime},
};

use fastrand::Rng;
use futures_util::future::LocalBoxFuture;
use parameters_secrets_extension::{
    clock::{Clock, Moment},
    fetch::{
        error::{FetchError, UpstreamErrorKind},
        upstream::{BatchAnswer, Upstream, UpstreamAnswer, Upstreams},
    },
    key::{ParameterKey, SecretKey, UpstreamKind},
    secret::SecretValue,
};
use tokio::time::{Instant, sleep};

use crate::support::clock::TestClock;

/// A value's length, always the same: what is kept weighs the same whatever has happened.
const VALUE_LENGTH: usize = 1_024;

/// The slowest call of a service that is well.
pub const SLOWEST: Duration = Duration::from_millis(150);

/// How a service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Well,
    /// Its answers say nothing about the value.
    Failing,
    /// It cannot be reached.
    Unreachable,
    /// It never answers.
    Silent,
    /// It answers so many calls a second.
    Throttling(u32),
    /// The permission is gone.
    Denying,
    /// A bug of ours in each call.
    Panicking,
}

impl Weather {
    pub fn any_trouble(rng: &mut Rng) -> Self {
        match rng.u8(..6) {
            0 => Self::Failing,
            1 => Self::Unreachable,
            2 => Self::Silent,
            3 => Self::Throttling(rng.u32(0..20)),
            4 => Self::Denying,
            _ => Self::Panicking,
        }
    }
}

/// One service.
#[derive(Clone)]
pub struct Service(Rc<Inner>);

struct Inner {
    kind: UpstreamKind,
    clock: OnceCell<Arc<TestClock>>,
    started: Instant,
    rng: RefCell<Rng>,
    weather: Cell<Weather>,
    /// The second that calls are counted in, and how many there were.
    throttle: Cell<(u64, u32)>,
    /// By the number in the name.
    versions: RefCell<Vec<u64>>,
    open: Cell<usize>,
    peak: Cell<usize>,
    calls: Cell<u64>,
    /// Grows with everything that goes on.
    progress: Rc<Cell<u64>>,
}

/// What a value says about itself.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    pub left: Moment,
    pub version: u64,
}

impl Service {
    pub fn new(kind: UpstreamKind, names: usize, rng: Rng, progress: Rc<Cell<u64>>) -> Self {
        Self(Rc::new(Inner {
            kind,
            clock: OnceCell::new(),
            started: Instant::now(),
            rng: RefCell::new(rng),
            weather: Cell::new(Weather::Well),
            throttle: Cell::default(),
            versions: RefCell::new(vec![0; names]),
            open: Cell::default(),
            peak: Cell::default(),
            calls: Cell::default(),
            progress,
        }))
    }

    pub fn upstreams(secrets_manager: &Self, parameter_store: &Self) -> Upstreams {
        Upstreams {
            secrets_manager: Rc::new(secrets_manager.clone()),
            parameter_store: Rc::new(parameter_store.clone()),
        }
    }

    pub fn becomes(&self, weather: Weather) {
        self.0.weather.set(weather);
    }

    pub fn is_well(&self) -> bool {
        self.0.weather.get() == Weather::Well
    }

    pub fn kind(&self) -> UpstreamKind {
        self.0.kind
    }

    /// Calls are told the time by this clock.
    pub fn goes_by(&self, clock: Arc<TestClock>) {
        assert!(self.0.clock.set(clock).is_ok());
    }

    /// There is a new version of the value with this number.
    pub fn rotate(&self, number: usize) {
        self.0.versions.borrow_mut()[number] += 1;
    }

    /// How many versions there have been of the value with this number.
    pub fn version(&self, number: usize) -> u64 {
        self.0.versions.borrow().get(number).copied().unwrap_or_default()
    }

    pub fn calls(&self) -> u64 {
        self.0.calls.get()
    }

    /// The most calls that were ever open.
    pub fn peak(&self) -> usize {
        self.0.peak.get()
    }

    /// What this body of one of its answers says.
    pub fn read(&self, body: &str, asked_for: usize) -> Said {
        let words: Vec<_> = body.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<u64>().unwrap();
        assert_eq!(words[0], name(asked_for), "no key gets the value of another one");
        Said {
            version: number(1),
            left: Moment {
                monotonic: self.0.started + Duration::from_nanos(number(2)),
                wall: SystemTime::UNIX_EPOCH + Duration::from_nanos(number(3)),
            },
        }
    }

    fn value(&self, name: &str, at: Moment) -> SecretValue {
        let monotonic = (at.monotonic - self.0.started).as_nanos();
        let wall = at.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
        let version = self.version(number_in(name));
        let text = format!("{name} {version:020} {monotonic:020} {wall:020} ");
        SecretValue::new(format!("{text:.<VALUE_LENGTH$}"))
    }

    fn call(&self, names: Vec<String>) -> LocalBoxFuture<'static, BatchAnswer> {
        let this = self.clone();
        let inner = &self.0;
        inner.calls.set(inner.calls.get() + 1);
        let open = Open::new(&this);
        let left = inner.clock.get().unwrap().now();
        let takes = SLOWEST.mul_f64(inner.rng.borrow_mut().f64());
        Box::pin(async move {
            let _open = open;
            // The service reads its values while it answers.
            let values = names.iter().map(|name| Some(this.value(name, left))).collect();
            sleep(takes).await;
            this.judge().await.map_or(Ok(values), Err)
        })
    }

    /// What a call that ends now ends with, if it fails.
    async fn judge(&self) -> Option<FetchError> {
        let upstream = |code: &str, kind| {
            Some(FetchError::Upstream { code: code.into(), message: "as told".into(), kind })
        };
        match self.0.weather.get() {
            Weather::Well => None,
            Weather::Failing => upstream("InternalServiceError", UpstreamErrorKind::Passing),
            Weather::Unreachable => Some(FetchError::Dispatch { reason: "as told".into() }),
            Weather::Silent => std::future::pending().await,
            Weather::Denying => upstream("AccessDeniedException", UpstreamErrorKind::Refusal),
            Weather::Panicking => resume_unwind(Box::new("as told")),
            Weather::Throttling(limit) => {
                let second = self.0.started.elapsed().as_secs();
                let (counted_in, count) = self.0.throttle.get();
                let count = if counted_in == second { count + 1 } else { 1 };
                self.0.throttle.set((second, count));
                let kind = UpstreamErrorKind::Throttling { retry_after: None };
                if count > limit { upstream("ThrottlingException", kind) } else { None }
            }
        }
    }
}

/// A call that is open.
struct Open(Service);

impl Open {
    fn new(service: &Service) -> Self {
        let inner = &service.0;
        inner.progress.set(inner.progress.get() + 1);
        inner.open.set(inner.open.get() + 1);
        // No assertion here: the pool would take it for a call that failed.
        inner.peak.set(inner.peak.get().max(inner.open.get()));
        Self(service.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let inner = &self.0.0;
        inner.progress.set(inner.progress.get() + 1);
        inner.open.set(inner.open.get() - 1);
    }
}

impl Upstream<SecretKey> for Service {
    fn fetch(&self, key: SecretKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        let call = self.call(vec![key.secret_id]);
        Box::pin(async move { Ok(only(call.await?)) })
    }
}

impl Upstream<ParameterKey> for Service {
    fn fetch(&self, key: ParameterKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        let call = self.call(vec![key.name]);
        Box::pin(async move { Ok(only(call.await?)) })
    }

    fn fetch_together(&self, keys: Vec<ParameterKey>) -> LocalBoxFuture<'static, BatchAnswer> {
        self.call(keys.into_iter().map(|key| key.name).collect())
    }
}

fn only(values: Vec<Option<SecretValue>>) -> SecretValue {
    values.into_iter().flatten().next().unwrap()
}

/// The name of the value with this number.
pub fn name(number: usize) -> String {
    format!("/key/{number:06}")
}

fn number_in(name: &str) -> usize {
    name.rsplit('/').next().unwrap().parse().unwrap()
}
