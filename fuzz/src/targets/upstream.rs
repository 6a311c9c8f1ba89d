//! What AWS answers: its status and its body. The first line of an input is the operation, the
//! status and the headers; the rest is the body.
//!
//! The calls are made by the program's own code over the SDK's own client, whose connections are
//! the input.

use std::{
    future::ready,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
            http_client_fn,
        },
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::{body::SdkBody, retry::RetryConfig};
use parameters_secrets_extension::{
    clock::SystemClock,
    fetch::{
        aws::{Aws, ParameterStore, SecretsManager},
        upstream::Upstream,
    },
    freeze::FreezeWatch,
    key::{ParameterKey, SecretKey},
    seams,
    secret::SecretValue,
    settings::Settings,
};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// What may stand in no error.
const MARKER: &str = "marked-plaintext";

thread_local!(static RIG: Rig = Rig::new());

struct Rig {
    runtime: Runtime,
    answer: Arc<Mutex<Answer>>,
    secrets_manager: SecretsManager,
    parameter_store: ParameterStore,
}

#[derive(Clone, Debug, Default)]
struct Answer {
    status: u16,
    retry_after: Option<String>,
    body: Vec<u8>,
}

/// Answers every call with the input.
#[derive(Clone, Debug)]
struct Connection(Arc<Mutex<Answer>>);

impl HttpConnector for Connection {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        let Answer { status, retry_after, body } = self.0.lock().unwrap().clone();
        let status = StatusCode::try_from(status).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        if let Some(value) = retry_after {
            let _ = response.headers_mut().try_insert("retry-after", value);
        }
        HttpConnectorFuture::new(ready(Ok(response)))
    }
}

impl Rig {
    fn new() -> Self {
        let answer = Arc::default();
        let connection = SharedHttpConnector::new(Connection(Arc::clone(&answer)));
        let http: SharedHttpClient = http_client_fn(move |_, _| connection.clone());
        let region = || Some(aws_sdk_secretsmanager::config::Region::new("eu-central-1"));
        let credentials = || Credentials::new("AKIDEXAMPLE", "secret", None, None, "fuzzing");
        let aws = Arc::new(Aws::new(
            Settings::read([]).settings.aws,
            NonZeroUsize::MIN,
            FreezeWatch::new(Arc::new(SystemClock)),
        ));
        let secrets_manager = aws_sdk_secretsmanager::Config::builder()
            .behavior_version_latest()
            .region(region())
            .credentials_provider(credentials())
            .retry_config(RetryConfig::disabled())
            .http_client(http.clone())
            .build();
        let parameter_store = aws_sdk_ssm::Config::builder()
            .behavior_version_latest()
            .region(region())
            .credentials_provider(credentials())
            .retry_config(RetryConfig::disabled())
            .http_client(http)
            .build();
        let secrets_manager = aws_sdk_secretsmanager::Client::from_conf(secrets_manager);
        let parameter_store = aws_sdk_ssm::Client::from_conf(parameter_store);
        Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            answer,
            secrets_manager: seams::secrets_manager(Arc::clone(&aws), secrets_manager),
            parameter_store: seams::parameter_store(aws, parameter_store),
        }
    }
}

pub fn run(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let first_line = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let body = bytes.get(end + 1..).unwrap_or_default();
    let mut words = first_line.split_whitespace();
    let operation = words.next().unwrap_or_default();
    let status = words.next().and_then(|word| word.parse().ok());
    let answer = Answer {
        status: status.filter(|status| (200..600).contains(status)).unwrap_or(200),
        retry_after: words.next().map(str::to_owned),
        body: body.to_vec(),
    };
    RIG.with(|rig| {
        *rig.answer.lock().unwrap() = answer.clone();
        rig.runtime.block_on(async {
            match operation {
                "GetParameter" => rig.parameter(body).await,
                "GetParameters" => rig.parameters(body).await,
                _ => rig.secret(body).await,
            }
        });
    });
}

impl Rig {
    async fn secret(&self, body: &[u8]) {
        let key = SecretKey { secret_id: "db".into(), version_id: None, version_stage: None };
        match self.secrets_manager.fetch(key).await {
            Ok(answered) => {
                let answered = json(&answered);
                for field in ["Name", "SecretString"] {
                    assert_is_handed_on(body, |said| &said[field], &answered[field]);
                }
            }
            Err(error) => check_error(&error.to_string(), error.code(), body),
        }
    }

    async fn parameter(&self, body: &[u8]) {
        match self.parameter_store.fetch(parameter("/a")).await {
            Ok(answered) => {
                let answered = json(&answered);
                assert_is_handed_on(
                    body,
                    |said| &said["Parameter"]["Value"],
                    &answered["Parameter"]["Value"],
                );
            }
            Err(error) => check_error(&error.to_string(), error.code(), body),
        }
    }

    async fn parameters(&self, body: &[u8]) {
        let names = ["/a", "/b", "/c"];
        let keys = names.map(parameter).to_vec();
        match self.parameter_store.fetch_together(keys).await {
            Ok(answers) => {
                assert!(answers.len() <= names.len());
                for (name, answer) in names.iter().zip(answers) {
                    let Some(answer) = answer else { continue };
                    let answered = json(&answer);
                    assert_eq!(
                        answered["Parameter"]["Name"], *name,
                        "no name gets another's value"
                    );
                }
            }
            Err(error) => check_error(&error.to_string(), error.code(), body),
        }
    }
}

fn parameter(name: &str) -> ParameterKey {
    ParameterKey { name: name.into(), selector: None, with_decryption: true }
}

fn json(body: &SecretValue) -> Value {
    serde_json::from_slice(&body.reveal()).expect("a body is JSON")
}

/// What serde_json reads in AWS's answer stands in ours, if it is text.
fn assert_is_handed_on(said: &[u8], field: impl Fn(&Value) -> &Value, answered: &Value) {
    let Ok(said) = serde_json::from_slice::<Value>(said) else { return };
    if let Value::String(said) = field(&said) {
        assert_eq!(answered, said);
    }
}

fn check_error(text: &str, code: &str, body: &[u8]) {
    assert!(!code.is_empty());
    // A service's own words are handed on.
    let body = String::from_utf8_lossy(body);
    let says_it_itself = body.to_ascii_lowercase().contains("message");
    assert!(says_it_itself || code.contains(MARKER) || !text.contains(MARKER), "{text}");
}
