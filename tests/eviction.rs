//! What is evicted when the cache is full, and what never is.

use std::{cell::Cell, rc::Rc, time::Duration};

use parameters_secrets_extension::{
    cache::{EACH_KEY, Urgency, cost_of},
    fetch::{
        error::{FetchError, UpstreamErrorKind},
        upstream::Upstreams,
    },
    key::CacheKey,
    secret::SecretValue,
};
use tokio::time::{advance, pause};

use crate::support::{
    cache::{Config, TTL, TestCache, parameter, secret, settle},
    log::CapturedLog,
    upstream::{AnswerWith, FakeUpstream, Outcome},
};

fn cache_of(capacity: usize, upstream: &FakeUpstream) -> TestCache {
    let config = Config { capacity, permits: 100, ..Config::default() };
    TestCache::with(config, Upstreams::of_one(upstream.clone()))
}

#[actix_rt::test]
async fn the_least_recently_used_key_goes_first() {
    pause();
    let upstream = FakeUpstream::new();
    let test = cache_of(2, &upstream);
    test.get(&secret("a")).await.unwrap();
    test.get(&secret("b")).await.unwrap();
    test.get(&secret("a")).await.unwrap();
    test.get(&secret("c")).await.unwrap();

    assert_eq!(test.get(&secret("a")).await, Ok("call 1".to_owned()));
    assert_eq!(test.get(&secret("b")).await, Ok("call 4".to_owned()));
}

#[actix_rt::test]
async fn a_secret_and_a_parameter_of_one_name_are_two_keys() {
    pause();
    let test = cache_of(2, &FakeUpstream::new());

    assert_eq!(test.get(&secret("a")).await, Ok("call 1".to_owned()));
    assert_eq!(test.get(&parameter("a")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_key_with_a_fetch_in_flight_is_never_evicted_and_loses_no_waiter() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_millis(100));
    let test = cache_of(1, &upstream);
    let waiting = test.caller(&secret("a"));
    settle().await;
    let others: Vec<_> = (0..20).map(|n| test.caller(&secret(&format!("other {n}")))).collect();
    settle().await;
    let joining = test.caller(&secret("a"));

    assert_eq!(waiting.await.unwrap(), Ok("call 1".to_owned()));
    assert_eq!(joining.await.unwrap(), Ok("call 1".to_owned()));
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert!(!upstream.ever_twice_in_flight());
}

#[actix_rt::test]
async fn once_a_burst_is_over_no_more_than_the_capacity_is_kept() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_millis(100));
    let test = cache_of(5, &upstream);
    let burst: Vec<_> = (0..50).map(|n| test.caller(&secret(&n.to_string()))).collect();
    for caller in burst {
        caller.await.unwrap().unwrap();
    }

    // The last first: asking for one that is gone would push one out that is not.
    for n in (0..50).rev() {
        test.get(&secret(&n.to_string())).await.unwrap();
    }
    assert_eq!(upstream.calls() - 50, 45);
}

#[actix_rt::test]
async fn questions_that_fail_push_no_answer_out() {
    pause();
    let upstream = FakeUpstream::new();
    let test = cache_of(2, &upstream);
    test.get(&secret("a")).await.unwrap();
    for n in 0..10 {
        upstream.then(Outcome::Error("ResourceNotFoundException"));
        test.get(&secret(&format!("missing {n}"))).await.unwrap_err();
        settle().await;
    }

    assert_eq!(test.get(&secret("a")).await, Ok("call 1".to_owned()));
}

#[actix_rt::test]
async fn a_burst_of_bad_questions_pushes_no_answer_out_of_a_full_cache() {
    pause();
    let upstream = FakeUpstream::new();
    let test = cache_of(2, &upstream);
    test.get(&secret("a")).await.unwrap();
    test.get(&secret("b")).await.unwrap();
    for _ in 0..50 {
        upstream.then(Outcome::Error("ResourceNotFoundException"));
    }
    let burst: Vec<_> = (0..50).map(|n| test.caller(&secret(&n.to_string()))).collect();
    for caller in burst {
        caller.await.unwrap().unwrap_err();
    }

    assert_eq!(test.get(&secret("a")).await, Ok("call 1".to_owned()));
    assert_eq!(test.get(&secret("b")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_cache_of_size_zero_keeps_nothing_and_still_coalesces() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_millis(100));
    let config = Config { capacity: 0, ttl: Duration::ZERO, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    let callers: Vec<_> = (0..10).map(|_| test.caller(&secret("a"))).collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Ok("call 1".to_owned()));
    }

    assert_eq!(test.get(&secret("a")).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn a_key_whose_next_value_is_being_fetched_ahead_is_not_evicted_before_it_has_come() {
    pause();
    let upstream = FakeUpstream::new().taking(Duration::from_secs(1));
    let config = Config { capacity: 1, refresh_ahead: true, permits: 10, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    test.get(&secret("a")).await.unwrap();
    advance(TTL * 9 / 10).await;
    test.get(&secret("a")).await.unwrap();
    let other = test.caller(&secret("b"));
    settle().await;
    upstream.clone().taking(Duration::ZERO);
    test.get(&secret("c")).await.unwrap();
    settle().await;

    assert_eq!(upstream.calls(), 4, "one of them ahead");
    assert_eq!(test.get(&secret("a")).await, Ok("call 1".to_owned()));
    settle().await;
    assert_eq!(upstream.calls(), 4);
    assert!(!upstream.ever_twice_in_flight());
    other.await.unwrap().unwrap();
}

/// A cache of so many bytes. What a secret's name says is how long its value is; a name that begins
/// with `no` is an error with as long a text.
struct CacheOfBytes {
    test: TestCache,
    calls: Rc<Cell<usize>>,
}

impl CacheOfBytes {
    fn new(bytes: usize) -> Self {
        let calls = Rc::new(Cell::new(0));
        let counter = Rc::clone(&calls);
        let upstream = AnswerWith(move |key: CacheKey| {
            counter.set(counter.get() + 1);
            let name = key.to_string();
            let length = name.rsplit(['-', '=']).next().unwrap().parse().unwrap();
            match name.contains("=no-") {
                false => Ok(SecretValue::new(vec![b'v'; length])),
                true => Err(FetchError::Upstream {
                    code: String::new(),
                    message: "e".repeat(length),
                    kind: UpstreamErrorKind::Refusal,
                }),
            }
        });
        let config = Config { bytes, error_ttl: TTL, ..Config::default() };
        Self { test: TestCache::with(config, Upstreams::of_one(upstream)), calls }
    }

    /// Whether it was fetched.
    async fn fetches(&self, name: &str) -> bool {
        self.asks(name, Urgency::Patient).await
    }

    async fn asks(&self, name: &str, urgency: Urgency) -> bool {
        let before = self.calls.get();
        let _ = self.test.cache.look_up(secret(name), urgency).await;
        settle().await;
        self.calls.get() > before
    }
}

#[test]
fn a_key_costs_its_body_its_texts_and_512_bytes() {
    assert_eq!(cost_of(&secret("a name"), 100), EACH_KEY + 6 + 100);
    assert_eq!(cost_of(&parameter("/name"), 0), EACH_KEY + 5);
}

#[actix_rt::test]
async fn beyond_its_bytes_the_least_recently_used_key_goes_first() {
    pause();
    let cache = CacheOfBytes::new(35_000);
    for name in ["a-10000", "b-10000", "c-10000", "a-10000", "d-10000"] {
        cache.fetches(name).await;
    }

    for kept in ["a-10000", "c-10000", "d-10000"] {
        assert!(!cache.fetches(kept).await, "{kept}");
    }
    assert!(cache.fetches("b-10000").await);
}

#[actix_rt::test]
async fn a_large_value_pushes_out_as_many_small_ones_as_it_needs() {
    pause();
    let cache = CacheOfBytes::new(35_000);
    for name in ["a-10000", "b-10000", "c-10000", "large-20000"] {
        cache.fetches(name).await;
    }

    for kept in ["c-10000", "large-20000"] {
        assert!(!cache.fetches(kept).await, "{kept}");
    }
    assert!(cache.fetches("b-10000").await);
}

#[actix_rt::test]
async fn a_thousand_secrets_of_64_kb_cost_no_more_than_the_default_32_mib() {
    pause();
    let bytes = Config::default().bytes;
    let cache = CacheOfBytes::new(bytes);
    let names: Vec<_> = (0..1_000).map(|number| format!("{number}-65536")).collect();
    for name in &names {
        cache.fetches(name).await;
    }

    // The last first: asking for one that is gone would push one out that is not.
    let mut kept = 0;
    for name in names.iter().rev() {
        kept += usize::from(!cache.fetches(name).await);
    }
    assert_eq!(kept, bytes / cost_of(&secret("999-65536"), 65_536));
}

#[actix_rt::test]
async fn names_count_too() {
    pause();
    let cache = CacheOfBytes::new(100_000);
    let names: Vec<_> = (0..50).map(|n| format!("{n:02}{}-1", "n".repeat(10_000))).collect();
    for name in &names {
        cache.fetches(name).await;
    }

    let mut kept = 0;
    for name in names.iter().rev() {
        kept += usize::from(!cache.fetches(name).await);
    }
    assert_eq!(kept, 9);
}

#[actix_rt::test]
async fn beyond_its_bytes_a_remembered_failure_goes_before_any_value() {
    pause();
    let cache = CacheOfBytes::new(35_000);
    for name in ["a-10000", "no-10000", "b-10000", "c-10000"] {
        cache.fetches(name).await;
    }

    for kept in ["a-10000", "b-10000", "c-10000"] {
        assert!(!cache.fetches(kept).await, "{kept}");
    }
    assert!(cache.fetches("no-10000").await);
}

#[actix_rt::test]
async fn a_value_larger_than_the_whole_cache_is_answered_and_not_kept_and_pushes_nothing_out() {
    pause();
    let log = CapturedLog::start();
    let cache = CacheOfBytes::new(35_000);
    cache.fetches("a-10000").await;
    for _ in 0..3 {
        let answer = cache.test.cache.look_up(secret("huge-34489"), Urgency::Patient).await;
        assert_eq!(answer.unwrap().body.len(), 34_489);
        settle().await;
    }

    assert_eq!(cache.calls.get(), 4);
    assert!(!cache.fetches("a-10000").await);
    assert_eq!(
        log.take_lines(),
        ["WARN a value is too large to be kept, so each request fetches it; \
          PARAMETERS_SECRETS_EXTENSION_CACHE_BYTES sets the limit \
          key=/secretsmanager/get?secretId=huge-34489 bytes=35011 limit=35000"]
    );
}

#[actix_rt::test]
async fn a_value_as_large_as_the_whole_cache_is_kept() {
    pause();
    let name = "all-10000";
    let cache = CacheOfBytes::new(cost_of(&secret(name), 10_000));

    assert!(cache.fetches(name).await);
    assert!(!cache.fetches(name).await);
}

#[actix_rt::test]
async fn a_key_is_counted_once_however_often_its_value_is_fetched() {
    pause();
    let cache = CacheOfBytes::new(35_000);
    for name in ["a-10000", "b-10000", "c-10000"] {
        cache.fetches(name).await;
        for _ in 0..10 {
            cache.asks(name, Urgency::Refresh).await;
        }
    }

    for kept in ["a-10000", "b-10000", "c-10000"] {
        assert!(!cache.fetches(kept).await, "{kept}");
    }
}

#[actix_rt::test]
async fn a_cache_of_no_bytes_keeps_nothing_and_warns_of_nothing() {
    pause();
    let log = CapturedLog::start();
    let cache = CacheOfBytes::new(0);

    assert!(cache.fetches("a-1").await);
    assert!(cache.fetches("a-1").await);
    assert_eq!(log.text(), "");
}
