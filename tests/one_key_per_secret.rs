//! Every spelling of one question is one key; no two different questions ever share an answer.

use std::{cell::Cell, rc::Rc, time::Duration};

use futures_util::future::LocalBoxFuture;
use parameters_secrets_extension::{
    fetch::{
        error::FetchError,
        upstream::{Upstream, UpstreamAnswer, UpstreamValue, Upstreams},
    },
    http::query,
    key::{CacheKey, ParameterKey, SecretKey},
    secret::SecretValue,
};
use proptest::{prelude::*, sample::select};
use tokio::{
    runtime::Builder,
    time::{advance, pause, sleep},
};

use crate::support::{
    cache::{Config, TTL, TestCache, secret, settle},
    upstream::{FakeUpstream, Outcome},
};

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db-a1B2c3";
const RECREATED: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db-z9Y8x7";
const PARTIAL: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db";
const LATENCY: Duration = Duration::from_millis(100);

/// The key of a request's query, so that what the router makes equal counts too.
fn asked(query: &str) -> CacheKey {
    query::parse("/secretsmanager/get", query).unwrap().key
}

#[actix_rt::test]
async fn name_arn_partial_arn_and_the_default_stage_share_one_call_once_the_name_has_been_answered()
{
    pause();
    let upstream = FakeUpstream::new().with_arns(|_| ARN.into());
    let test = TestCache::new(&upstream);
    for query in [
        "secretId=app/db".to_owned(),
        "secretId=app%2Fdb&versionStage=AWSCURRENT".to_owned(),
        format!("secretId={ARN}"),
        format!("secretId={PARTIAL}"),
        format!("secretId={PARTIAL}&versionStage=AWSCURRENT"),
    ] {
        assert_eq!(test.get(&asked(&query)).await, Ok("call 1".to_owned()), "{query}");
        settle().await;
    }
    assert_eq!(upstream.calls(), 1);
}

#[actix_rt::test]
async fn whichever_is_asked_first_every_name_costs_at_most_a_call_until_all_are_known_as_one() {
    pause();
    for order in [
        ["app/db", ARN, PARTIAL],
        ["app/db", PARTIAL, ARN],
        [ARN, "app/db", PARTIAL],
        [ARN, PARTIAL, "app/db"],
        [PARTIAL, ARN, "app/db"],
        [PARTIAL, "app/db", ARN],
    ] {
        let upstream = FakeUpstream::new().with_arns(|_| ARN.into());
        let test = TestCache::new(&upstream);
        for name in order {
            test.get(&secret(name)).await.unwrap();
            settle().await;
        }
        // What a bare name means only its own answer shows.
        let for_all = if order[0] == "app/db" { 1 } else { 2 };
        assert_eq!(upstream.calls(), for_all, "{order:?}");
        for name in order {
            let expected = Ok(format!("call {for_all}"));
            assert_eq!(test.get(&secret(name)).await, expected, "{order:?}");
        }
    }
}

#[actix_rt::test]
async fn a_refresh_under_one_name_is_everybodys_under_every_name() {
    pause();
    let upstream = FakeUpstream::new().with_arns(|_| ARN.into());
    let test = TestCache::new(&upstream);
    test.get(&secret("app/db")).await.unwrap();
    settle().await;

    assert_eq!(test.refresh(&secret(PARTIAL)).await, Ok("call 2".to_owned()));
    for name in ["app/db", ARN, PARTIAL] {
        assert_eq!(test.get(&secret(name)).await, Ok("call 2".to_owned()));
    }
}

#[actix_rt::test]
async fn callers_under_every_name_join_one_fetch() {
    pause();
    let upstream = FakeUpstream::new().with_arns(|_| ARN.into()).taking(LATENCY);
    let test = TestCache::new(&upstream);
    test.get(&secret("app/db")).await.unwrap();
    settle().await;
    advance(TTL).await;

    let callers: Vec<_> = ["app/db", ARN, PARTIAL].map(|name| test.caller(&secret(name))).into();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Ok("call 2".to_owned()));
    }
}

#[actix_rt::test]
async fn an_evicted_secret_is_forgotten_under_every_name() {
    pause();
    let upstream = FakeUpstream::new().with_arns(|id| if id == "app/db" { ARN } else { id }.into());
    let config = Config { capacity: 1, ..Config::default() };
    let test = TestCache::with(config, Upstreams::of_one(upstream.clone()));
    for name in ["app/db", "other", PARTIAL] {
        test.get(&secret(name)).await.unwrap();
        settle().await;
    }

    assert_eq!(upstream.called_keys(), [secret("app/db"), secret("other"), secret(PARTIAL)]);
}

#[actix_rt::test]
async fn the_arn_of_a_deleted_secret_is_not_answered_with_the_one_that_has_its_name_now() {
    pause();
    let upstream = FakeUpstream::new().with_arns(|_| ARN.into());
    let test = TestCache::new(&upstream);
    test.get(&secret("app/db")).await.unwrap();
    settle().await;

    let _ = upstream.clone().with_arns(|_| RECREATED.into());
    assert_eq!(test.refresh(&secret("app/db")).await, Ok("call 2".to_owned()));
    settle().await;
    upstream.then(Outcome::Error("ResourceNotFoundException"));
    let deleted = test.get(&secret(ARN)).await;
    assert_eq!(deleted, Err("ResourceNotFoundException".to_owned()));
    assert_eq!(test.get(&secret(RECREATED)).await, Ok("call 2".to_owned()));
    assert_eq!(test.get(&secret(PARTIAL)).await, Ok("call 2".to_owned()));
}

#[actix_rt::test]
async fn who_asks_by_the_arn_of_a_deleted_secret_does_not_get_the_one_made_anew() {
    pause();
    let upstream = FakeUpstream::new().with_arns(|_| ARN.into()).taking(LATENCY);
    let test = TestCache::new(&upstream);
    test.get(&secret("app/db")).await.unwrap();
    settle().await;
    advance(TTL).await;

    // Nobody has seen yet that the name finds another secret now.
    let _ = upstream.clone().with_arns(|_| RECREATED.into());
    upstream.then(Outcome::Value);
    upstream.then(Outcome::Error("ResourceNotFoundException"));
    let by_name = test.caller(&secret("app/db"));
    let by_the_old_arn = [test.caller(&secret(ARN)), test.caller(&secret(ARN))];

    assert_eq!(by_name.await.unwrap(), Ok("call 2".to_owned()));
    for caller in by_the_old_arn {
        let not_found = Err("ResourceNotFoundException".to_owned());
        assert_eq!(caller.await.unwrap(), not_found);
    }
    assert_eq!(upstream.called_keys(), [secret("app/db"), secret("app/db"), secret(ARN)]);
}

/// One secret that is deleted and made anew again and again, with another ARN each time.
#[derive(Clone, Default)]
struct Phoenix {
    lives: Rc<Cell<usize>>,
}

const LIVES: [&str; 3] = ["a1B2c3", "z9Y8x7", "q5W6e7"];

impl Phoenix {
    fn arn_of_life(life: usize) -> String {
        format!("{PARTIAL}-{}", LIVES[life % LIVES.len()])
    }

    fn arn(&self) -> String {
        Self::arn_of_life(self.lives.get())
    }

    fn die(&self) {
        self.lives.update(|lives| lives + 1);
    }
}

impl Upstream<SecretKey> for Phoenix {
    fn fetch(&self, key: SecretKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        let phoenix = self.clone();
        Box::pin(async move {
            sleep(LATENCY).await;
            let arn = phoenix.arn();
            let is_meant = ["app/db", PARTIAL, &arn].contains(&key.secret_id.as_str());
            let value = UpstreamValue { body: SecretValue::new(arn.clone()), arn: Some(arn) };
            is_meant.then_some(value).ok_or_else(not_found)
        })
    }
}

impl Upstream<ParameterKey> for Phoenix {
    fn fetch(&self, _key: ParameterKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        unreachable!("no parameter is asked for")
    }
}

/// What is asked for, whether as a refresh, whether the secret is made anew then, and what time passes.
fn step_of_a_phoenix() -> impl Strategy<Value = (String, bool, bool, Duration)> {
    let arns = (0..LIVES.len()).map(Phoenix::arn_of_life);
    let names = arns.chain(["app/db".to_owned(), PARTIAL.to_owned()]).collect::<Vec<_>>();
    let rest = select(vec![Duration::ZERO, LATENCY, TTL / 2, TTL]);
    (select(names), prop::bool::weighted(0.2), prop::bool::weighted(0.2), rest)
}

/// Answers every question with what it is about, as AWS would: a name and a partial ARN find the one
/// secret that there is of that name, in the caller's own region and account where none is said.
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
            Ok(UpstreamValue { body: SecretValue::new(body), arn: Some(arn) })
        })
    }
}

impl Upstream<ParameterKey> for Truth {
    fn fetch(&self, key: ParameterKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        let body = format!("{} {}", key.name_with_selector(), key.with_decryption);
        Box::pin(async move { Ok(SecretValue::new(body).into()) })
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
        passing: false,
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
        query::parse("/systemsmanager/parameters/get", &query).unwrap().key
    });
    prop_oneof![3 => of_a_secret, 1 => of_a_parameter]
}

/// What was asked, whether it was a refresh, and how long nothing happens afterwards.
fn step() -> impl Strategy<Value = (CacheKey, bool, Duration)> {
    let rest = select(vec![Duration::ZERO, TTL / 2, TTL]);
    (question(), prop::bool::weighted(0.2), rest)
}

async fn truth_about(key: &CacheKey) -> Result<String, String> {
    match Upstreams::of_one(Truth).fetch(key.clone()).await {
        Ok(value) => Ok(String::from_utf8(value.body.reveal().to_vec()).unwrap()),
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

    #[test]
    fn a_full_arn_is_never_answered_with_another_secret(
        steps in prop::collection::vec(step_of_a_phoenix(), 1..60)
    ) {
        let runtime =
            || Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        actix_rt::System::with_tokio_rt(runtime).block_on(async {
            let phoenix = Phoenix::default();
            let config = Config { refresh_ahead: true, ..Config::default() };
            let test = TestCache::with(config, Upstreams::of_one(phoenix.clone()));
            let mut callers = Vec::new();
            for (name, refresh, dies, rest) in steps {
                let key = secret(&name);
                let caller = if refresh { test.refresher(&key) } else { test.caller(&key) };
                callers.push((name, caller));
                if dies {
                    phoenix.die();
                }
                settle().await;
                advance(rest).await;
            }
            for (name, caller) in callers {
                let is_full_arn = LIVES.iter().any(|suffix| name.ends_with(suffix));
                let answer = caller.await.unwrap();
                prop_assert!(!is_full_arn || answer.is_err() || answer == Ok(name));
            }
            Ok(())
        })?;
    }
}
