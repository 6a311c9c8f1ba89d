//! One execution environment and its life.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_rt::{System, SystemRunner};
use fastrand::Rng;
use parameters_secrets_extension::{
    cache::Urgency,
    clock::{Clock, Moment},
    fetch::pool::{LONGEST_FETCH, MAX_QUEUED},
    http::CountConnections,
    key::{PerUpstream, UpstreamKind},
};
use tokio::{
    runtime::Builder,
    select,
    task::{JoinHandle, spawn_local, yield_now},
    time::{advance, sleep},
};

use super::{
    client::{Connection, stale_age},
    descriptors,
    service::{SLOWEST, Service, Weather, name},
};
use crate::support::{
    cache::{Config, parameter, secret},
    clock::TestClock,
    reply::Reply,
    server::TestServer,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Of each service; three times as many as are kept of both.
const NAMES: usize = 3_000;
const CAPACITY: usize = 1_000;

/// More than a pool takes at once.
const VERY_MANY: usize = MAX_QUEUED + 76;

/// A step of time in which the process runs: shorter than what would look like a freeze.
const STEP: Duration = Duration::from_millis(250);

/// So long after its end a trouble may still be the reason of an error: what waits for a fetch, and
/// for the next one, ends after that.
const AFTERMATH: Duration = Duration::from_secs(70);

/// Invocations between two looks at memory and descriptors, and so many looks in a life.
const INVOCATIONS: usize = 20;
const PERIODS: usize = 6;

/// By how much what is held may have grown, in percent.
const FLAT: i64 = 5;

/// What an environment has lived through.
#[derive(Clone, Debug, Default)]
pub struct Lived {
    time: Duration,
    requests: u64,
    old_values: u64,
    errors: u64,
    hung_up: u64,
    calls: u64,
    freezes: u64,
    troubles: u64,
    restores: u64,
    rotations: u64,
    /// The bytes that were held, at the least and at the most.
    held: Option<(i64, i64)>,
}

impl Lived {
    pub fn add(&mut self, other: &Self) {
        self.time += other.time;
        self.requests += other.requests;
        self.old_values += other.old_values;
        self.errors += other.errors;
        self.hung_up += other.hung_up;
        self.calls += other.calls;
        self.freezes += other.freezes;
        self.troubles += other.troubles;
        self.restores += other.restores;
        self.rotations += other.rotations;
        self.hold(other.held);
    }

    fn hold(&mut self, bytes: Option<(i64, i64)>) {
        self.held = match (self.held, bytes) {
            (Some((least, most)), Some((less, more))) => Some((least.min(less), most.max(more))),
            (held, bytes) => held.or(bytes),
        };
    }
}

impl fmt::Display for Lived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.time.as_secs_f64() / 86_400.0;
        let (least, most) = self.held.unwrap_or_default();
        write!(
            f,
            "{days:.1} days: {} requests ({} answered with an old value, {} with an error, {} hung up), \
             {} calls, {} freezes, {} troubles, {} rotations, {} restores, {least} to {most} bytes held",
            self.requests,
            self.old_values,
            self.errors,
            self.hung_up,
            self.calls,
            self.freezes,
            self.troubles,
            self.rotations,
            self.restores,
        )
    }
}

/// What is promised to callers.
#[derive(Clone, Copy, Debug)]
struct Rules {
    ttl: Duration,
    stale_while_revalidate: Duration,
    longest_stale: Duration,
    has_deadline: bool,
    permits: usize,
}

pub struct Environment {
    system: SystemRunner,
    rng: Rng,
}

impl Environment {
    pub fn new(rng: Rng) -> Self {
        let runtime =
            || Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        Self { system: System::with_tokio_rt(runtime), rng }
    }

    /// Lives its life, or until `end` if it is past that sooner, but for a short one.
    pub fn live(self, end: std::time::Instant) -> Lived {
        let Self { system, rng } = self;
        let mut life = None;
        let warm = allocation_counter::measure(|| {
            life = Some(system.block_on(Life::begin(rng)));
        });
        let mut life = life.unwrap();
        let full = warm.bytes_current;
        let mut held = full;
        for period in 1..=PERIODS {
            held += allocation_counter::measure(|| system.block_on(life.period())).bytes_current;
            life.lived.hold(Some((held, held)));
            let grown = (held - full) * 100 / full;
            // A restore begins with tables that have not grown yet: it may hold less.
            assert!(grown <= FLAT, "{full} bytes have become {held} in period {period}");
            if period >= 2 && std::time::Instant::now() >= end {
                break;
            }
        }
        life.lived.clone()
    }
}

struct Life {
    shared: Rc<Shared>,
    rng: Rng,
    callers: Vec<JoinHandle<()>>,
    lived: Lived,
}

/// What callers share.
struct Shared {
    server: TestServer,
    clock: Arc<TestClock>,
    services: PerUpstream<Service>,
    rules: Rules,
    idle: RefCell<Vec<Connection>>,
    /// Grows with everything that goes on.
    progress: Rc<Cell<u64>>,
    /// The time in which the process could run.
    awake: Cell<Duration>,
    /// Until when an error may be a trouble's.
    troubled_until: PerUpstream<Cell<Duration>>,
    asked: Cell<u64>,
    answered: Cell<u64>,
    hung_up: Cell<u64>,
    old_values: Cell<u64>,
    errors: Cell<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Question {
    kind: UpstreamKind,
    number: usize,
    refresh: bool,
}

fn add_one(count: &Cell<u64>) {
    count.set(count.get() + 1);
}

impl Life {
    async fn begin(mut rng: Rng) -> Self {
        let progress = Rc::new(Cell::new(0));
        let mut service =
            |kind| Service::new(kind, NAMES, Rng::with_seed(rng.u64(..)), Rc::clone(&progress));
        let services = PerUpstream {
            secrets_manager: service(UpstreamKind::SecretsManager),
            parameter_store: service(UpstreamKind::ParameterStore),
        };
        let config = config(&mut rng);
        let rules = Rules {
            ttl: config.ttl,
            stale_while_revalidate: config.stale_while_revalidate,
            longest_stale: config.stale_if_error.max(config.stale_while_revalidate),
            has_deadline: config.deadline.is_some(),
            permits: config.permits,
        };
        let upstreams = Service::upstreams(&services.secrets_manager, &services.parameter_store);
        let server = TestServer::with(config, upstreams);
        let clock = Arc::clone(&server.clock);
        services.secrets_manager.goes_by(Arc::clone(&clock));
        services.parameter_store.goes_by(Arc::clone(&clock));
        let shared = Rc::new(Shared {
            server,
            clock,
            services,
            rules,
            idle: RefCell::default(),
            progress,
            awake: Cell::default(),
            troubled_until: PerUpstream::default(),
            asked: Cell::default(),
            answered: Cell::default(),
            hung_up: Cell::default(),
            old_values: Cell::default(),
            errors: Cell::default(),
        });
        let mut life = Self { shared, rng, callers: Vec::new(), lived: Lived::default() };
        // What grows with the most that is ever open at once, a full cache beside it, has grown
        // then.
        life.ask_for_very_many();
        life.until_all_is_answered().await;
        life.fill().await;
        life.fill_the_pool().await;
        life.fill().await;
        life
    }

    /// As many fetches of both services as the pool takes, without a connection for each.
    async fn fill_the_pool(&mut self) {
        for number in NAMES..NAMES + VERY_MANY {
            for key in [secret(&name(number)), parameter(&name(number))] {
                let shared = Rc::clone(&self.shared);
                self.callers.push(spawn_local(async move {
                    let cache = &shared.server.service.cache;
                    let _answered_or_refused = cache.look_up(key, Urgency::Patient).await;
                    add_one(&shared.progress);
                }));
            }
        }
        self.until_all_is_answered().await;
    }

    /// Some hours or days, and then everything as it was at first.
    async fn period(&mut self) {
        for _ in 0..INVOCATIONS {
            self.invocation().await;
        }
        self.fill().await;
        let shared = &self.shared;
        let lived = &mut self.lived;
        lived.requests = shared.asked.get();
        lived.old_values = shared.old_values.get();
        lived.errors = shared.errors.get();
        lived.hung_up = shared.hung_up.get();
        lived.calls =
            shared.services.secrets_manager.calls() + shared.services.parameter_store.calls();
    }

    async fn invocation(&mut self) {
        self.what_happens_meanwhile().await;
        self.freeze().await;
        self.shared.server.service.cache.invoked();
        for _ in 0..self.rng.u8(1..=4) {
            self.ask();
            let duration = Duration::from_millis(self.rng.u64(..1_500));
            self.run(duration).await;
            if self.rng.u8(..20) == 0 {
                self.weather_changes();
            }
        }
        // A function that has its answers ends; one that runs into its time-out leaves fetches
        // open.
        if self.rng.u8(..5) > 0 {
            self.until_all_is_answered().await;
        }
    }

    /// Between two invocations the process does not run. The monotonic clock may not see it.
    async fn freeze(&mut self) {
        let seconds = match self.rng.u8(..20) {
            0..10 => self.rng.f64() * 2.0,
            10..16 => self.rng.f64() * 60.0,
            16..19 => self.rng.f64() * 1_200.0,
            _ => self.rng.f64() * 43_200.0,
        };
        let frozen = Duration::from_secs_f64(seconds);
        self.lived.time += frozen;
        self.lived.freezes += 1;
        if self.rng.bool() {
            advance(frozen).await;
        } else {
            self.shared.clock.freeze(frozen);
        }
    }

    async fn what_happens_meanwhile(&mut self) {
        for _ in 0..5 {
            let service = self.any_service();
            service.rotate(self.rng.usize(..NAMES));
            self.lived.rotations += 1;
        }
        if self.rng.u8(..16) == 0 {
            self.weather_changes();
        }
        for service in [UpstreamKind::SecretsManager, UpstreamKind::ParameterStore] {
            if self.rng.u8(..3) == 0 {
                self.shared.services.get(service).becomes(Weather::Well);
            }
        }
        if self.rng.u8(..50) == 0 {
            self.shared.clock.step_back(Duration::from_secs(self.rng.u64(..600)));
        }
        if self.rng.u8(..40) == 0 {
            self.shared.server.service.cache.start_over();
            self.lived.restores += 1;
        }
    }

    fn weather_changes(&mut self) {
        let trouble = Weather::any_trouble(&mut self.rng);
        self.any_service().becomes(trouble);
        self.lived.troubles += 1;
        self.shared.note_trouble();
    }

    fn any_service(&mut self) -> Service {
        let kind = self.any_kind();
        self.shared.services.get(kind).clone()
    }

    fn any_kind(&mut self) -> UpstreamKind {
        if self.rng.bool() { UpstreamKind::SecretsManager } else { UpstreamKind::ParameterStore }
    }

    /// Some are asked for far more often than others.
    fn any_question(&mut self) -> Question {
        let number = (self.rng.f64().powi(3) * NAMES as f64) as usize;
        Question { kind: self.any_kind(), number, refresh: self.rng.u8(..10) == 0 }
    }

    fn ask(&mut self) {
        match self.rng.u8(..100) {
            0..70 => {
                for _ in 0..self.rng.u8(1..=20) {
                    let question = self.any_question();
                    self.caller(question);
                }
            }
            70..80 => {
                let question = self.any_question();
                (0..100).for_each(|_| self.caller(question));
            }
            80..90 => {
                let question = Question { refresh: true, ..self.any_question() };
                (0..10).for_each(|_| self.caller(question));
            }
            90..99 => {
                for _ in 0..100 {
                    let question = self.any_question();
                    self.caller(question);
                }
            }
            _ => self.ask_for_very_many(),
        }
    }

    /// For more than the pool takes.
    fn ask_for_very_many(&mut self) {
        let kind = self.any_kind();
        let until = self.shared.awake.get() + AFTERMATH;
        self.shared.troubled_until.get(kind).set(until);
        for number in 0..VERY_MANY {
            self.caller(Question { kind, number, refresh: false });
        }
    }

    fn caller(&mut self, question: Question) {
        let shared = Rc::clone(&self.shared);
        let patience = Duration::from_millis(self.rng.u64(..300));
        let hangs_up = self.rng.u8(..20) == 0;
        self.callers.push(spawn_local(async move {
            let patience = async {
                if hangs_up { sleep(patience).await } else { std::future::pending().await }
            };
            add_one(&shared.asked);
            select! {
                biased;
                () = shared.ask(question) => add_one(&shared.answered),
                () = patience => add_one(&shared.hung_up),
            }
            add_one(&shared.progress);
        }));
    }

    /// The process runs for so long.
    async fn run(&mut self, duration: Duration) {
        let mut left = duration;
        self.settle().await;
        while !left.is_zero() {
            let step = left.min(STEP);
            self.shared.awake.set(self.shared.awake.get() + step);
            self.shared.note_trouble();
            advance(step).await;
            self.settle().await;
            left -= step;
        }
        self.lived.time += duration;
    }

    /// Lets everything go on that can without time.
    async fn settle(&mut self) {
        let (mut seen, mut quiet) = (self.shared.progress.get(), 0);
        while quiet < 60 {
            yield_now().await;
            let now = self.shared.progress.get();
            quiet = if now == seen { quiet + 1 } else { 0 };
            seen = now;
        }
        let callers = std::mem::take(&mut self.callers);
        let (ended, waiting): (Vec<_>, Vec<_>) =
            callers.into_iter().partition(JoinHandle::is_finished);
        self.callers = waiting;
        for caller in ended {
            caller.await.expect("a caller got what it must not");
        }
        for service in
            [&self.shared.services.secrets_manager, &self.shared.services.parameter_store]
        {
            let (peak, permits) = (service.peak(), self.shared.rules.permits);
            assert!(peak <= permits, "{peak} calls of {permits} to {}", service.kind());
        }
    }

    async fn until_all_is_answered(&mut self) {
        let limit = self.shared.awake.get() + LONGEST_FETCH * 2 + SECOND;
        self.settle().await;
        while !self.callers.is_empty() {
            assert!(
                self.shared.awake.get() < limit,
                "{} callers wait for ever",
                self.callers.len()
            );
            self.run(STEP).await;
        }
        let Shared { asked, answered, hung_up, .. } = &*self.shared;
        assert_eq!(asked.get(), answered.get() + hung_up.get(), "one answer to one request");
    }

    /// As at first: both services are well, the same keys are kept, no client is connected.
    async fn fill(&mut self) {
        let shared = Rc::clone(&self.shared);
        shared.services.secrets_manager.becomes(Weather::Well);
        shared.services.parameter_store.becomes(Weather::Well);
        self.until_all_is_answered().await;
        // Whatever no caller waits for ends, too, and nothing that is kept may be given any more.
        self.run(LONGEST_FETCH + SECOND).await;
        advance(shared.rules.ttl + shared.rules.longest_stale + HOUR).await;
        for start in (0..CAPACITY / 2).step_by(50) {
            for number in start..start + 50 {
                for kind in [UpstreamKind::SecretsManager, UpstreamKind::ParameterStore] {
                    self.caller(Question { kind, number, refresh: false });
                }
            }
            self.until_all_is_answered().await;
        }
        // A caller that hung up has left a fetch.
        self.run(LONGEST_FETCH + SECOND).await;
        shared.idle.borrow_mut().clear();
        self.callers = Vec::new();
        shared.all_sockets_are_closed().await;
    }
}

/// As a user may have set it.
fn config(rng: &mut Rng) -> Config {
    let one_of = |rng: &mut Rng, durations: &[Duration]| durations[rng.usize(..durations.len())];
    Config {
        capacity: CAPACITY,
        ttl: one_of(rng, &[10 * SECOND, MINUTE, 5 * MINUTE]),
        permits: [3, 3, 10][rng.usize(..3)],
        batches: rng.bool(),
        ttl_spread: 0.1,
        refresh_ahead: rng.bool(),
        stale_while_revalidate: one_of(rng, &[Duration::ZERO, 30 * SECOND]),
        stale_if_error: one_of(rng, &[Duration::ZERO, MINUTE, HOUR, HOUR]),
        error_ttl: one_of(rng, &[Duration::ZERO, 2 * SECOND]),
        deadline: rng.bool().then_some(10 * SECOND),
        ..Config::default()
    }
}

impl Shared {
    /// Everything that is not well now may be the reason of an error for a while.
    fn note_trouble(&self) {
        for kind in [UpstreamKind::SecretsManager, UpstreamKind::ParameterStore] {
            if !self.services.get(kind).is_well() {
                self.troubled_until.get(kind).set(self.awake.get() + AFTERMATH);
            }
        }
    }

    async fn ask(&self, question: Question) {
        let (path, parameter) = match question.kind {
            UpstreamKind::SecretsManager => ("/secretsmanager/get", "secretId"),
            UpstreamKind::ParameterStore => ("/systemsmanager/parameters/get", "name"),
        };
        let mut target = format!("{path}?{parameter}={}", name(question.number));
        if question.refresh {
            target += "&refreshNow=true";
        }
        let idle = self.idle.borrow_mut().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::open(([127, 0, 0, 1], self.server.port()).into()).await,
        };
        let asked = self.clock.now();
        let version = self.services.get(question.kind).version(question.number);
        let reply = connection.get(&target).await;
        self.check(question, asked, version, &reply);
        let mut idle = self.idle.borrow_mut();
        if idle.len() < 50 {
            idle.push(connection);
        }
    }

    fn check(&self, question: Question, asked: Moment, version: u64, reply: &Reply) {
        let service = self.services.get(question.kind);
        let is_troubled = self.troubled_until.get(question.kind).get() >= self.awake.get();
        if reply.status() != 200 {
            add_one(&self.errors);
            let code = reply.header("X-Amzn-ErrorType").unwrap();
            let is_deadline = self.rules.has_deadline && code == "RequestTimeout";
            assert_eq!(reply.status(), 400);
            return assert!(is_troubled || is_deadline, "{question:?}: {reply:?}");
        }
        let said = service.read(&reply.body, question.number);
        let is_newer = said.left.monotonic >= asked.monotonic;
        assert!(!is_newer || said.version >= version, "{question:?}: {said:?}, asked at {version}");
        let Some(stale_age) = stale_age(reply) else {
            // It is fresh when it is given. While its caller waited for a fetch that failed, the
            // wall clock may have been set either way.
            let ages = [asked, self.clock.now()].map(|moment| moment.age_since(said.left));
            let is_fresh = ages.into_iter().flatten().any(|age| age < self.rules.ttl);
            let is_right = is_newer || is_fresh && !question.refresh;
            return assert!(is_right, "{question:?}: {ages:?}, {:?}", self.rules);
        };
        add_one(&self.old_values);
        let now = self.clock.now();
        let age = now.age_since(said.left).expect("a value of unknown age is not given");
        assert!(!question.refresh, "a refresh gets no old value");
        assert!(
            age < self.rules.ttl + self.rules.longest_stale + STEP,
            "{age:?}, {:?}",
            self.rules
        );
        assert!(
            stale_age <= age && age <= stale_age + SECOND + STEP,
            "{age:?} and not {stale_age:?}"
        );
        let is_revalidating = age < self.rules.ttl + self.rules.stale_while_revalidate + STEP;
        let has_a_reason = is_troubled || self.rules.has_deadline || is_revalidating;
        assert!(has_a_reason, "{question:?}: {age:?}, {:?}", self.rules);
    }

    /// The server's listeners are all that is left on its port.
    async fn all_sockets_are_closed(&self) {
        for _ in 0..100_000 {
            if self.server.http.send(CountConnections).await.unwrap() == 0 {
                break;
            }
            yield_now().await;
        }
        assert_eq!(self.server.http.send(CountConnections).await.unwrap(), 0);
        let left = descriptors::on_port(self.server.port());
        assert!(left <= 2, "{left} sockets are left");
    }
}

/// The slowest call must end in a step or two.
const _: () = assert!(SLOWEST.as_millis() < STEP.as_millis());
