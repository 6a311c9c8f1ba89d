//! Parameters share a call where the switch is on, and no caller can tell.

use std::time::Duration;

use futures_util::future::join_all;
use parameters_secrets_extension::{
    fetch::{
        error::{FetchError, UpstreamErrorKind},
        upstream::{BatchAnswer, Upstreams},
    },
    key::{CacheKey, ParameterKey, Selector},
    secret::SecretValue,
};
use tokio::time::{Instant, pause};

use crate::support::{
    cache::{Config, TestCache, parameter},
    log::CapturedLog,
    upstream::{FakeUpstream, Outcome},
};

const LATENCY: Duration = Duration::from_millis(100);

fn batching(upstream: &FakeUpstream) -> TestCache {
    let config = Config { batches: true, ..Config::default() };
    TestCache::with(config, Upstreams::of_one(upstream.clone()))
}

/// What each of these gets that asks in the same turn of the event loop.
async fn all(test: &TestCache, keys: Vec<CacheKey>) -> Vec<Result<String, String>> {
    let callers: Vec<_> = keys.iter().map(|key| test.caller(key)).collect();
    join_all(callers).await.into_iter().map(Result::unwrap).collect()
}

fn names(range: std::ops::Range<usize>) -> Vec<CacheKey> {
    range.map(|n| parameter(&format!("/app/{n}"))).collect()
}

#[actix_rt::test]
async fn what_arrives_in_one_turn_leaves_together_ten_names_a_call() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = batching(&upstream);

    let answers = all(&test, names(0..25)).await;

    let expected: Vec<_> = (0..25).map(|n| Ok(format!("/app/{n}"))).collect();
    assert_eq!(answers, expected, "each caller has its own");
    let sizes: Vec<_> = upstream.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes, [10, 10, 5]);
    assert_eq!((upstream.calls(), test.stats.snapshot().upstream_calls), (0, 3));
}

#[actix_rt::test]
async fn five_hundred_cold_parameters_need_fewer_than_sixty_calls() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = batching(&upstream);

    let asked = Instant::now();
    let answers = all(&test, names(0..500)).await;

    assert!(answers.iter().all(Result::is_ok));
    assert!(upstream.batches().len() < 60, "{}", upstream.batches().len());
    assert!(asked.elapsed() < Duration::from_millis(2_200), "{:?}", asked.elapsed());
}

#[actix_rt::test]
async fn one_parameter_alone_is_an_ordinary_call_at_once() {
    pause();
    let upstream = FakeUpstream::new();
    let test = batching(&upstream);

    let asked = Instant::now();
    assert_eq!(all(&test, names(0..1)).await, [Ok("call 1".to_owned())]);
    assert_eq!((upstream.batches().len(), asked.elapsed()), (0, Duration::ZERO));
}

#[actix_rt::test]
async fn arns_and_a_name_with_another_selector_go_alone() {
    pause();
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = batching(&upstream);
    let version = |version| {
        CacheKey::Parameter(ParameterKey {
            name: "/app/0".into(),
            selector: Some(Selector::Version(version)),
            with_decryption: false,
        })
    };
    let arn = parameter("arn:aws:ssm:eu-west-1:111122223333:parameter/app/9");

    let in_the_name = parameter("/app/0:3");
    let keys = vec![version(1), version(2), in_the_name, arn, parameter("/app/1")];
    let answers = all(&test, keys).await;

    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(upstream.batches(), [["/app/0", "/app/1"]]);
    assert_eq!(upstream.calls(), 3);
}

/// Of every batch all but the first key, as GetParameters does with names that are not there.
fn all_but_the_first(keys: Vec<ParameterKey>) -> BatchAnswer {
    let value = |(n, key): (usize, ParameterKey)| (n > 0).then(|| SecretValue::new(key.name));
    Ok(keys.into_iter().enumerate().map(value).collect())
}

#[actix_rt::test]
async fn a_name_that_a_batch_does_not_answer_is_asked_for_alone_and_gets_the_real_code() {
    pause();
    let upstream = FakeUpstream::new().answering_batches(all_but_the_first);
    upstream.then(Outcome::Error("ParameterNotFound"));
    let test = batching(&upstream);

    let answers = all(&test, names(0..3)).await;

    let found = |n| Ok(format!("/app/{n}"));
    assert_eq!(answers, [Err("ParameterNotFound".to_owned()), found(1), found(2)]);
}

fn denied(_keys: Vec<ParameterKey>) -> BatchAnswer {
    Err(FetchError::Upstream {
        code: "AccessDeniedException".into(),
        message: "not authorized to perform: ssm:GetParameters".into(),
        kind: UpstreamErrorKind::Refusal,
    })
}

#[actix_rt::test]
async fn without_the_permission_each_is_asked_for_alone_and_one_line_warns() {
    pause();
    let log = CapturedLog::at_debug();
    let upstream = FakeUpstream::new().answering_batches(denied);
    let test = batching(&upstream);

    assert!(all(&test, names(0..5)).await.iter().all(Result::is_ok));
    assert!(all(&test, names(5..10)).await.iter().all(Result::is_ok));

    assert_eq!((upstream.batches().len(), upstream.calls()), (1, 10));
    let lines = log.take_lines();
    let warnings: Vec<_> = lines.iter().filter(|line| line.starts_with("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].contains("ssm:GetParameters"));
}
