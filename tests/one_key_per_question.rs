//! Every spelling of one question is one key; no two different questions ever share an answer.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use parameters_secrets_extension::{
    fetch::{
        error::{FetchError, UpstreamErrorKind},
        upstream::{Upstream, UpstreamAnswer, Upstreams},
    },
    http::query,
    key::{CacheKey, ParameterKey, SecretKey, UpstreamKind},
    secret::SecretValue,
};
use proptest::{prelude::*, sample::select};
use tokio::{
    runtime::Builder,
    time::{advance, pause},
};

use crate::support::{
    cache::{Config, TTL, TestCache, secret, settle},
    upstream::{FakeUpstream, Outcome},
};

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db-a1B2c3";
const PARTIAL: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db";

/// The key of a request's query, so that what the query parser makes equal counts too.
fn asked(query: &str) -> CacheKey {
    query::parse(UpstreamKind::SecretsManager, query).unwrap().key
}

#[actix_rt::test]
async fn every_spelling_of_one_question_shares_one_call() {
    pause();
    let upstream = FakeUpstream::new();
    let test = TestCache::new(&upstream);
    for query in [
        "secretId=app/db",
        "secretId=app%2Fdb",
        "secretId=app%2fd%62&versionStage=AWSCURRENT",
        "versionStage=AWSCURRENT&secretId=app/db",
        "unknown=1&secretId=app/db&versionId=",
    ] {
        assert_eq!(test.get(&asked(query)).await, Ok("call 1".to_owned()), "{query}");
    }
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn a_version_with_the_default_stage_is_another_question_than_the_version_alone() {
    pause();
    let upstream = FakeUpstream::new();
    let test = TestCache::new(&upstream);
    test.get(&asked("secretId=db&versionId=v1")).await.unwrap();
    test.get(&asked("secretId=db&versionId=v1&versionStage=AWSCURRENT")).await.unwrap();

    assert_eq!(upstream.calls(), 2);
}

#[actix_rt::test]
async fn a_name_an_arn_and_a_partial_arn_are_three_keys() {
    pause();
    let upstream = FakeUpstream::new();
    let test = TestCache::new(&upstream);
    for (call, name) in (1..).zip(["app/db", ARN, PARTIAL]) {
        assert_eq!(test.get(&secret(name)).await, Ok(format!("call {call}")), "{name}");
    }

    assert_eq!(upstream.called_keys(), ["app/db", ARN, PARTIAL].map(secret));
}

#[actix_rt::test]
async fn a_partial_arn_that_is_not_found_leaves_the_name_alone() {
    pause();
    let upstream = FakeUpstream::new();
    let test = TestCache::new(&upstream);
    test.get(&secret("app/db")).await.unwrap();
    upstream.then(Outcome::Error("ResourceNotFoundException"));

    let not_found = Err("ResourceNotFoundException".to_owned());
    assert_eq!(test.get(&secret(PARTIAL)).await, not_found);
    assert_eq!(test.get(&secret("app/db")).await, Ok("call 1".to_owned()));
}

#[actix_rt::test]
async fn a_slow_read_by_name_does_not_replace_what_a_refresh_by_arn_has_brought() {
    pause();
    let latency = Duration::from_millis(100);
    let upstream = FakeUpstream::new().taking(10 * latency);
    let test = TestCache::new(&upstream);
    let by_name = test.caller(&secret("app/db"));
    settle().await;
    let _ = upstream.clone().taking(latency);

    assert_eq!(test.refresh(&secret(ARN)).await, Ok("call 2".to_owned()));
    assert_eq!(by_name.await.unwrap(), Ok("call 1".to_owned()));
    assert_eq!(test.get(&secret(ARN)).await, Ok("call 2".to_owned()));
}

/// Answers every question with what it is about, as AWS would: a name and a partial ARN find the
/// one secret that there is of that name, in the caller's own region and account where none is
/// said.
#[derive(Clone)]
struct Truth;

const HOME: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret";
const PLACES: [&str; 4] = [
    HOME,
    "arn:aws:secretsmanager:eu-west-1:444455556666:secret",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret",
    "arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret",
];
/// The last one is what another one's ARN ends with.
const NAMES: [&str; 4] = ["db", "app/db", "db-a1B2c3", "db-a1B2c3-a1B2c3"];
const SUFFIX: &str = "a1B2c3";

impl Upstream<SecretKey> for Truth {
    fn fetch(&self, key: SecretKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        Box::pin(async move {
            let arn = arn_of(&key.secret_id).ok_or_else(not_found)?;
            let stage = key.version_stage.as_deref();
            let stage = stage.or(key.version_id.is_none().then_some("AWSCURRENT"));
            let body = format!("{arn} {:?} {stage:?}", key.version_id);
            Ok(SecretValue::new(body))
        })
    }
}

impl Upstream<ParameterKey> for Truth {
    fn fetch(&self, key: ParameterKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        let body = format!("{} {}", key.name_with_selector(), key.with_decryption);
        Box::pin(async move { Ok(SecretValue::new(body)) })
    }
}

/// The full ARN of the secret that a `SecretId` finds: a full ARN goes before a partial one.
fn arn_of(secret_id: &str) -> Option<String> {
    let all = || PLACES.iter().flat_map(|place| NAMES.iter().map(move |name| (place, name)));
    let arn = |(place, name)| format!("{place}:{name}-{SUFFIX}");
    all().map(arn).find(|full| full == secret_id).or_else(|| {
        let is_meant = |(place, name): &(&&str, &&str)| {
            let is_at_home = **place == HOME && **name == secret_id;
            is_at_home || format!("{place}:{name}") == secret_id
        };
        all().find(is_meant).map(arn)
    })
}

fn not_found() -> FetchError {
    FetchError::Upstream {
        code: "ResourceNotFoundException".into(),
        message: "as told".into(),
        kind: UpstreamErrorKind::Refusal,
    }
}

fn secret_id() -> impl Strategy<Value = String> {
    (select(&PLACES[..]), select(&NAMES[..]), 0..3).prop_map(|(place, name, form)| match form {
        0 => name.to_owned(),
        1 => format!("{place}:{name}"),
        _ => format!("{place}:{name}-{SUFFIX}"),
    })
}

fn question() -> impl Strategy<Value = CacheKey> {
    let version_id = select(vec![None, Some("v1"), Some("v2")]);
    let stage = select(vec![None, Some("AWSCURRENT"), Some("AWSPREVIOUS")]);
    let of_a_secret = (secret_id(), version_id, stage).prop_map(|(id, version, stage)| {
        CacheKey::Secret(SecretKey::new(id, version.map(Into::into), stage.map(Into::into)))
    });
    let selector = select(vec!["", "&version=1", "&version=2", "&label=Dev", "&label=1"]);
    let decryption = select(vec!["", "&withDecryption=true", "&withDecryption=false"]);
    let name = select(vec![
        "/db",
        "db",
        "arn:aws:ssm:eu-west-1:111122223333:parameter/db",
        "arn:aws:ssm:us-east-1:111122223333:parameter/db",
        "arn:aws:ssm:eu-west-1:444455556666:parameter/db",
    ]);
    let of_a_parameter = (name, selector, decryption).prop_map(|(name, selector, decryption)| {
        let query = format!("name={name}{selector}{decryption}");
        query::parse(UpstreamKind::ParameterStore, &query).unwrap().key
    });
    prop_oneof![3 => of_a_secret, 1 => of_a_parameter]
}

/// What was asked, whether it was a refresh, and how long nothing happens afterwards.
fn step() -> impl Strategy<Value = (CacheKey, bool, Duration)> {
    let rest = select(vec![Duration::ZERO, TTL / 2, TTL]);
    (question(), prop::bool::weighted(0.2), rest)
}

async fn truth_about(key: &CacheKey) -> Result<String, String> {
    let answer = match key.clone() {
        CacheKey::Secret(key) => Truth.fetch(key).await,
        CacheKey::Parameter(key) => Truth.fetch(key).await,
    };
    match answer {
        Ok(value) => Ok(String::from_utf8(value.reveal().to_vec()).unwrap()),
        Err(failure) => Err(failure.code().to_owned()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_is_shared_between_versions_stages_regions_accounts_or_decryption_flags(
        capacity in 1_usize..20,
        steps in prop::collection::vec(step(), 1..80)
    ) {
        let runtime =
            || Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        actix_rt::System::with_tokio_rt(runtime).block_on(async {
            let config = Config { capacity, refresh_ahead: true, ..Config::default() };
            let test = TestCache::with(config, Upstreams::of_one(Truth));
            for (key, refresh, rest) in steps {
                let answer = if refresh { test.refresh(&key).await } else { test.get(&key).await };
                prop_assert_eq!(answer, truth_about(&key).await, "{}", key);
                settle().await;
                advance(rest).await;
            }
            Ok(())
        })?;
    }
}
