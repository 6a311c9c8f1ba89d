//! No secret value and no token reaches a log line, an error or a `Debug` output.

use std::{fs, rc::Rc, sync::Arc, time::Duration};

use actix_web::web;
use aws_smithy_types::DateTime;
use parameters_secrets_extension::{
    cache::{Answer, CallerId, Entry, Index, KeyState, Reply, Urgency},
    clock::{Clock, SystemClock},
    extension::Boot,
    fetch::{
        aws::{Aws, ParameterStore, SecretsManager, SessionToken},
        body::{ParameterRecord, SecretRecord},
        demand::Fetched,
        error::{FetchError, UpstreamErrorKind},
        local_store::LocalStore,
        upstream::{UpstreamAnswer, Upstreams},
    },
    freeze::FreezeWatch,
    http::{Authorizer, Drain, Service},
    key::CacheKey,
    log,
    secret::SecretValue,
    settings::Settings,
};
use tokio::{
    sync::oneshot,
    time::{advance, pause},
};

use crate::documentation::pages;
use crate::support::{
    cache::{Config, TTL, TestCache, secret},
    log::CapturedLog,
    server::TestServer,
    upstream::{AnswerWith, FakeUpstream},
};

const VALUE: &str = "correct-horse-battery-staple";
const TOKENS: [&str; 6] = [
    "token-of-the-function",
    "token-of-the-container",
    "token-of-the-user",
    "token-of-the-agent",
    "token-of-a-stranger",
    "key-of-the-function",
];

#[track_caller]
fn assert_clean(what: &str, text: &str) {
    let encoded = aws_smithy_types::base64::encode(VALUE);
    for private in TOKENS.into_iter().chain([VALUE, encoded.as_str()]) {
        assert!(!text.contains(private), "{what} holds {private:?}: {text}");
    }
}

/// Answers with the value, fails, or panics over it, as the name says.
fn upstream(key: CacheKey) -> UpstreamAnswer {
    let value = SecretValue::new(VALUE);
    let name = key.to_string();
    let is = |word| name.contains(word);
    match key {
        _ if is("denied") => Err(FetchError::Upstream {
            code: "AccessDenied".into(),
            message: "no".into(),
            kind: UpstreamErrorKind::Refusal,
        }),
        _ if is("unreachable") => Err(FetchError::Dispatch { reason: "refused".into() }),
        _ if is("panics") => panic!("the value is {VALUE}"),
        _ if is("unwraps") => not_a_number(VALUE).expect("the value is no number"),
        CacheKey::Secret(key) if is("binary") => {
            let record = SecretRecord { secret_binary: Some(value), ..empty_secret(key.secret_id) };
            Ok(record.into_body())
        }
        CacheKey::Secret(key) => {
            let record = SecretRecord { secret_string: Some(value), ..empty_secret(key.secret_id) };
            Ok(record.into_body())
        }
        CacheKey::Parameter(key) => Ok(parameter_record(key.name, value).into_body()),
    }
}

/// An error that repeats what it is about, as many do.
fn not_a_number(text: &str) -> Result<UpstreamAnswer, String> {
    Err(format!("{text} is not a number"))
}

fn empty_secret(name: String) -> SecretRecord {
    SecretRecord {
        arn: None,
        created_date: Some(DateTime::from_secs(1_700_000_000)),
        name: Some(name),
        secret_binary: None,
        secret_string: None,
        version_id: None,
        version_stages: None,
    }
}

fn parameter_record(name: String, value: SecretValue) -> ParameterRecord {
    ParameterRecord {
        arn: None,
        data_type: None,
        last_modified_date: None,
        name: Some(name),
        selector: None,
        source_result: Some(value.clone()),
        parameter_type: None,
        value: Some(value),
        version: 1,
    }
}

#[actix_rt::test]
async fn a_whole_run_with_everything_that_can_happen_logs_neither_value_nor_token() {
    pause();
    let log = CapturedLog::at_debug_with_panics();
    let reading = Settings::read(environment());
    reading.notices.iter().for_each(log::notice);
    let config = Config { capacity: 2, permits: 1, ..Config::default() };
    let server = TestServer::with(config, Upstreams::of_one(AnswerWith(upstream)));

    let mut errors = String::new();
    for target in [
        "/secretsmanager/get?secretId=a",
        "/secretsmanager/get?secretId=a",
        "/secretsmanager/get?secretId=a&refreshNow=true",
        "/secretsmanager/get?secretId=binary",
        "/systemsmanager/parameters/get?name=/a&withDecryption=true",
        "/secretsmanager/get?secretId=denied",
        "/secretsmanager/get?secretId=unreachable",
        "/secretsmanager/get?secretId=panics",
        "/systemsmanager/parameters/get?name=unwraps",
        "/secretsmanager/get?secretId=%zz",
        "/nowhere",
        "/stats",
        "/ping",
    ] {
        let reply = server.get(target).await;
        let holds_a_value = reply.status() == 200 && target.contains("get?");
        assert_eq!(holds_a_value, reply.body.contains("\"ResultMetadata\""), "{reply:?}");
        if !holds_a_value {
            errors += &format!("{reply:?}");
        }
    }
    advance(TTL).await;
    let kept = "/systemsmanager/parameters/get?name=/a&withDecryption=true";
    assert_eq!(server.get(kept).await.status(), 200);
    for head in [
        "GET /secretsmanager/get?secretId=a HTTP/1.1\r\nHost: localhost\r\n\
         X-Aws-Parameters-Secrets-Token: token-of-a-stranger\r\n\r\n",
        "GET /secretsmanager/get?secretId=a HTTP/1.1\r\nX-Aws-Parameters-Secrets-Token: \
         token-of-the-function\r\nX-Aws-Parameters-Secrets-Token : token-of-the-function\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Aws-Parameters-Secrets-Token: token-of-the-function\r\n\r\n",
    ] {
        errors += &format!("{:?}", server.ask(head).await);
    }
    server.http.send(Drain { grace: Duration::from_secs(1) }).await.unwrap();

    let text = log.text();
    assert_clean("the log", &text);
    assert_clean("an error", &errors);
    // Everything did happen.
    for line in [
        " DEBUG hit ",
        " DEBUG miss ",
        " DEBUG expired ",
        " DEBUG evicted ",
        " DEBUG fetch done ",
        " DEBUG refused: ",
        " token=wrong",
        " refresh=true",
        " ERROR GetSecretValue request ",
        " ERROR GetParameter request ",
        " ERROR panicked at tests/log_hygiene.rs:",
        " WARN ",
    ] {
        assert!(text.contains(line), "{line:?} is missing: {text}");
    }
}

fn environment() -> impl Iterator<Item = (String, String)> {
    [
        ("AWS_SESSION_TOKEN", "token-of-the-function"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token-of-the-container"),
        ("PARAMETERS_SECRETS_EXTENSION_TOKEN", "token-of-the-user"),
        ("AWS_TOKEN", "token-of-the-agent"),
        ("AWS_SECRET_ACCESS_KEY", "key-of-the-function"),
        ("PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL", "DEBUG"),
        ("PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE", "many"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into_iter()
}

#[actix_rt::test]
async fn nothing_that_holds_a_value_or_a_token_shows_it() {
    let value = SecretValue::new(VALUE);
    let now = SystemClock.now();
    let reading = Settings::read(environment());
    let tokens = reading.settings.tokens.clone();
    let cache = TestCache::new(&FakeUpstream::new());
    let service = web::Data::new(Service {
        authorizer: Authorizer::new(&tokens, None, Arc::new(SystemClock)),
        cache: Rc::into_inner(cache.cache).unwrap(),
        stats: cache.stats,
    });
    let fetched =
        Fetched { value: value.clone(), queued: Duration::ZERO, took: Duration::from_secs(1) };

    let aws = Arc::new(Aws::new(
        reading.settings.aws.clone(),
        reading.settings.max_connections,
        FreezeWatch::new(Arc::new(SystemClock)),
    ));
    tokens.values().for_each(|token| aws.keep_secret(token));
    let token = tokens.session.clone().unwrap();

    for (what, debug) in [
        ("SecretValue", format!("{value:?}")),
        ("Token", format!("{token:?}")),
        ("SessionToken", format!("{:?}", SessionToken { token, expires: None })),
        ("Aws", format!("{aws:?}")),
        ("SecretsManager", format!("{:?}", SecretsManager::new(Arc::clone(&aws)))),
        ("ParameterStore", format!("{:?}", ParameterStore::new(aws))),
        ("a key's state", format!("{:?}", a_life_of_a_key(&value))),
        ("LocalStore", format!("{:?}", local_store())),
        ("Answer", format!("{:?}", Answer { body: value.clone(), stale_age: None })),
        ("Entry", format!("{:?}", Entry::new(value.clone(), now, TTL))),
        ("Fetched", format!("{fetched:?}")),
        (
            "SecretRecord",
            format!(
                "{:?}",
                SecretRecord {
                    secret_binary: Some(value.clone()),
                    secret_string: Some(value.clone()),
                    ..empty_secret("a".into())
                }
            ),
        ),
        ("ParameterRecord", format!("{:?}", parameter_record("a".into(), value))),
        ("Tokens", format!("{tokens:#?}")),
        ("SettingsAndNotices", format!("{reading:#?}")),
        ("Service", format!("{service:?}")),
        ("Boot", format!("{:?}", Boot::early(reading_of_no_port()))),
    ] {
        assert!(debug.len() > 5, "{what} shows nothing: {debug}");
        assert_clean(what, &debug);
    }
}

/// What comes out of a miss, its fetch and a hit, and the index and the state that keep the value.
fn a_life_of_a_key(value: &SecretValue) -> impl std::fmt::Debug {
    let (config, now) = (Config::default(), SystemClock.now());
    let key = secret("a");
    let caller = || (oneshot::channel().0, CallerId::default(), Urgency::Patient);
    let fetched = || Fetched { value: value.clone(), queued: TTL, took: TTL };
    let mut index = Index::<Reply>::new(config.capacity(), config.policy());
    let asked = index.ask(&key, caller(), now);
    let settled = index.settle(&key, Ok(fetched()), 0.0, now);
    let hit = index.hit(&key, || now).expect("it is kept");
    let policy = config.policy().secrets_manager;
    let mut state = KeyState::<Reply>::default();
    state.ask(caller(), &policy, now);
    let answers = state.settle(Ok(fetched()), 0.0, &policy, now);
    (asked, settled, hit, index, answers, state)
}

fn local_store() -> LocalStore {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.json");
    fs::write(&path, format!(r#"{{"secrets": {{"a": "{VALUE}"}}}}"#)).unwrap();
    LocalStore::open(&path, "us-east-1").unwrap()
}

/// A derived `Debug` shows what its fields show, so it is enough that none of them shows a value:
/// plaintext is in types that write their own. `Zeroizing` shows what it wipes.
#[test]
fn no_type_with_a_derived_debug_has_plaintext_in_a_field_that_shows_it() {
    let mut judged = 0;
    for path in pages::files(&pages::project().join("src"), "rs") {
        let text = fs::read_to_string(&path).unwrap();
        for derived in text.split("#[derive(").skip(1) {
            let Some((traits, item)) = derived.split_once(")]") else { continue };
            let has_a_block = item.find('{') < item.find(';') && item.contains('{');
            let item = item.split(if has_a_block { "\n}" } else { ";" }).next().unwrap();
            if traits.contains("Debug") {
                judged += 1;
                assert!(!item.contains("Zeroizing"), "{}:{item}", path.display());
            }
        }
    }
    assert!(judged > 80, "only {judged} types were found");
}

/// Settings that cannot disturb another process: a port the system gives, and no Lambda.
fn reading_of_no_port() -> parameters_secrets_extension::settings::SettingsAndNotices {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let port = ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT".to_owned(), port);
    Settings::read(environment().chain([port]))
}

#[actix_rt::test]
async fn a_local_store_with_a_value_in_the_wrong_place_does_not_repeat_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.json");
    for content in [
        r#"{"secrets": {"a": {"binary": "VALUE"}}}"#,
        r#"{"secrets": {"a": {"versions": "VALUE"}}}"#,
        r#"{"secrets": {"a": {"created": "VALUE"}}}"#,
        r#"{"secrets": "VALUE"}"#,
        r#"{"parameters": {"/a": {"value": {"VALUE": 1}}}}"#,
        r#"{"parameters": {"/a": {"type": "VALUE", "value": "b"}}}"#,
        r#"{"parameters": {"/a": {"labels": "VALUE"}}}"#,
        r#"["VALUE"]"#,
        r#""VALUE""#,
        "VALUE",
        r#"{"secrets": {"a": "VALUE"#,
    ] {
        fs::write(&path, content.replace("VALUE", VALUE)).unwrap();
        let error = LocalStore::open(&path, "us-east-1").expect_err(content);

        assert_clean("the error", &format!("{error} {error:?}"));
        assert!(error.to_string().contains("line 1, column "), "{error}");
    }
}
