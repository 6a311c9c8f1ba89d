use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::*;
use crate::{
    cache::EACH_KEY,
    fetch::{
        demand::Fetched,
        error::{FetchError, UpstreamErrorKind},
    },
    key::SecretKey,
    secret::SecretValue,
};

const SECOND: Duration = Duration::from_secs(1);
const TTL: Duration = Duration::from_secs(100);
const PLENTY: usize = 1_000_000;

#[derive(Debug)]
struct Asker;

impl Caller for Asker {
    fn still_waits(&self) -> bool {
        true
    }
}

struct Test {
    index: Index<Asker>,
    now: Moment,
    last: CallerId,
}

fn key(name: &str) -> CacheKey {
    CacheKey::Secret(SecretKey::new(name.to_owned(), None, None))
}

fn value(length: usize) -> FetchReply {
    let value = SecretValue::new("v".repeat(length));
    Ok(Fetched { value, queued: Duration::ZERO, took: Duration::ZERO })
}

fn refusal() -> FetchReply {
    let (code, message) = ("Code".to_owned(), "words".to_owned());
    Err(FetchError::Upstream { code, message, kind: UpstreamErrorKind::Refusal })
}

impl Test {
    #[expect(clippy::disallowed_methods, reason = "any moment will do")]
    fn new(capacity: Capacity, refresh_ahead: bool, error_ttl: Duration) -> Self {
        let policy = CachePolicy {
            ttl: TTL,
            ttl_spread: 0.0,
            refresh_ahead,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: TTL,
            error_ttl,
        };
        let policy = PerUpstream { secrets_manager: policy, parameter_store: policy };
        let wall = std::time::SystemTime::UNIX_EPOCH;
        let now = Moment { monotonic: Instant::now(), wall };
        Self { index: Index::new(capacity, policy), now, last: CallerId::default() }
    }

    fn pass(&mut self, duration: Duration) {
        self.now.monotonic += duration;
        self.now.wall += duration;
    }

    fn ask(&mut self, name: &str) -> Vec<Output<Asker>> {
        self.last = self.last.next();
        self.index.ask(&key(name), (Asker, self.last, Urgency::Patient), self.now)
    }

    /// A caller asks, and its fetch ends so. Gives what was told, and the keys that were
    /// evicted.
    fn fetch(&mut self, name: &str, reply: FetchReply) -> (Vec<Event>, Vec<CacheKey>) {
        self.ask(name);
        let (outputs, evicted) = self.index.settle(&key(name), reply, 0.0, self.now);
        let told = outputs.into_iter().filter_map(|output| match output {
            Output::Note(event) => Some(event),
            _ => None,
        });
        (told.collect(), evicted)
    }

    fn is_hit(&mut self, name: &str) -> bool {
        let now = self.now;
        self.index.hit(&key(name), || now).is_some()
    }
}

#[test]
fn as_many_keys_as_there_is_room_for_stay_and_the_next_one_evicts() {
    let mut test = Test::new(Capacity { keys: 2, bytes: PLENTY }, false, Duration::ZERO);
    assert!(test.index.is_empty());
    assert_eq!(test.fetch("a", value(1)).1, []);
    assert_eq!(test.fetch("b", value(1)).1, []);
    assert_eq!(test.fetch("c", value(1)).1, [key("a")]);
    assert!(!test.index.is_empty() && !test.is_hit("a") && test.is_hit("b"));
}

#[test]
fn as_many_bytes_as_there_is_room_for_stay_and_the_next_one_evicts() {
    let bytes = 2 * (EACH_KEY + 1 + 10);
    let mut test = Test::new(Capacity { keys: 9, bytes }, false, Duration::ZERO);
    test.fetch("a", value(10));
    assert_eq!(test.fetch("b", value(10)).1, []);
    assert_eq!(test.index.bytes(), bytes);
    test.pass(TTL);
    assert_eq!(test.fetch("b", value(11)).1, [key("a")]);
}

#[test]
fn room_that_was_given_back_can_be_used_again() {
    let mut test = Test::new(Capacity { keys: 2, bytes: PLENTY }, false, SECOND);
    for name in ["a", "b"] {
        test.fetch(name, value(1));
        test.index.forget(&key(name));
    }
    assert_eq!((test.index.len(), test.index.bytes()), (0, 0));
    // A value that was refused, and the failure whose time is over.
    test.fetch("a", value(1));
    test.pass(TTL);
    test.fetch("a", refusal());
    test.pass(SECOND);
    test.fetch("b", value(1));
    assert_eq!(test.index.len(), 1, "the failure is gone");
    assert_eq!(test.fetch("c", value(1)).1, []);
    // A failure that became a value.
    test.fetch("c", refusal());
    assert_eq!(test.fetch("d", value(1)).1, [key("b")]);
}

#[test]
fn a_failure_gives_way_to_a_value_that_was_used_before_it() {
    let mut test = Test::new(Capacity { keys: 2, bytes: PLENTY }, false, TTL);
    test.fetch("value", value(1));
    test.fetch("failure", refusal());
    assert_eq!(test.fetch("new", value(1)).1, [key("failure")]);
}

#[test]
fn a_value_that_is_larger_than_the_cache_is_told_of_once_and_pushes_nothing_out() {
    let bytes = EACH_KEY + "large".len() + 10;
    let mut test = Test::new(Capacity { keys: 9, bytes }, false, Duration::ZERO);
    let tells = |told: &[Event]| told.iter().any(|event| matches!(event, Event::TooLarge { .. }));
    test.fetch("a", value(1));

    let (told, evicted) = test.fetch("large", value(11));
    assert!(tells(&told) && evicted.is_empty());
    assert!(test.is_hit("a") && !test.is_hit("large"));
    let (told, _) = test.fetch("large", value(11));
    assert!(!tells(&told), "once is enough");

    test.fetch("large", value(10));
    assert!(test.is_hit("large"), "as large as the cache is not too large");
}

#[test]
fn a_hit_is_what_needs_nothing_but_the_answer() {
    for refresh_ahead in [false, true] {
        let mut test = Test::new(Capacity { keys: 9, bytes: PLENTY }, refresh_ahead, TTL);
        assert!(!test.is_hit("a"), "there is nothing");
        test.fetch("a", value(1));
        assert!(test.is_hit("a"));
        test.pass(TTL * 9 / 10);
        assert_eq!(test.is_hit("a"), !refresh_ahead, "a fetch ahead has to start");
        test.ask("a");
        assert!(test.is_hit("a"), "it has started");
        test.pass(TTL / 10);
        assert!(!test.is_hit("a"), "it has expired");
    }
}

#[test]
fn a_deadline_for_a_key_that_is_gone_gets_its_failure() {
    let mut test = Test::new(Capacity::NOTHING, false, Duration::ZERO);
    let failure = Arc::new(FetchError::Panicked);
    let asked = (Asker, CallerId::default(), failure);
    let outputs = test.index.out_of_time(&key("a"), asked, test.now);
    assert!(matches!(&outputs[..], [Output::Answer(_, Err(_))]));
}
