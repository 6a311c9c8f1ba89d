//! What callers share, and what is true of each answer.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use parameters_secrets_extension::{
    clock::{Clock, Moment},
    http::CountConnections,
    key::{PerUpstream, UpstreamKind},
};
use tokio::task::yield_now;

use super::{
    client::{Connection, stale_age},
    descriptors,
    service::{SLOWEST, Service, name},
};
use crate::support::{clock::TestClock, reply::Reply, server::TestServer};

pub const SECOND: Duration = Duration::from_secs(1);

/// A step of time in which the process runs: shorter than what would look like a freeze.
pub const STEP: Duration = Duration::from_millis(250);

/// So long after its end a trouble may still be the reason of an error: what waits for a fetch, and
/// for the next one, ends after that.
pub const AFTERMATH: Duration = Duration::from_secs(70);

/// What is promised to callers.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub ttl: Duration,
    pub stale_while_revalidate: Duration,
    pub longest_stale: Duration,
    pub has_deadline: bool,
    pub permits: usize,
}

/// What callers share.
pub struct Shared {
    pub server: TestServer,
    pub clock: Arc<TestClock>,
    pub services: PerUpstream<Service>,
    pub rules: Rules,
    pub idle: RefCell<Vec<Connection>>,
    /// Grows with everything that goes on.
    pub progress: Rc<Cell<u64>>,
    /// The time in which the process could run.
    pub awake: Cell<Duration>,
    /// Until when an error may be a trouble's.
    pub troubled_until: PerUpstream<Cell<Duration>>,
    pub asked: Cell<u64>,
    pub answered: Cell<u64>,
    pub hung_up: Cell<u64>,
    pub old_values: Cell<u64>,
    pub errors: Cell<u64>,
}

#[derive(Clone, Copy, Debug)]
pub struct Question {
    pub kind: UpstreamKind,
    pub number: usize,
    pub refresh: bool,
}

pub fn add_one(count: &Cell<u64>) {
    count.set(count.get() + 1);
}

impl Shared {
    /// Everything that is not well now may be the reason of an error for a while.
    pub fn note_trouble(&self) {
        for kind in [UpstreamKind::SecretsManager, UpstreamKind::ParameterStore] {
            if !self.services.get(kind).is_well() {
                self.troubled_until.get(kind).set(self.awake.get() + AFTERMATH);
            }
        }
    }

    pub async fn ask(&self, question: Question) {
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
    pub async fn all_sockets_are_closed(&self) {
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
