//! One execution environment and its life.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_rt::{System, SystemRunner};
use fastrand::Rng;
use parameters_secrets_extension::{
    cache::Urgency,
    fetch::{demand::LONGEST_FETCH, pool::MAX_QUEUED},
    key::{PerUpstream, UpstreamKind},
};
use tokio::{
    runtime::Builder,
    select,
    task::{JoinHandle, spawn_local, yield_now},
    time::{advance, sleep},
};

use super::{
    checks::{AFTERMATH, Question, Rules, SECOND, STEP, Shared, add_one},
    lived::Lived,
    service::{Service, Weather, name},
};
use crate::support::{
    cache::{Config, parameter, secret},
    server::TestServer,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Of each service; three times as many as are kept of both.
const NAMES: usize = 3_000;
const CAPACITY: usize = 1_000;

/// More than a pool takes at once.
const VERY_MANY: usize = MAX_QUEUED + 76;

/// Invocations between two looks at memory and descriptors, and so many looks in a life.
const INVOCATIONS: usize = 20;
const PERIODS: usize = 6;

/// By how much what is held may have grown, in percent.
const FLAT: i64 = 5;

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
