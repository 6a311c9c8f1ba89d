mod platform;
mod ranges;
mod words;

use std::{fmt::Debug, path::Path, time::Duration};

use tracing::Level;

use super::{Accepted, LogLevel, RetryMode, Settings, SettingsAndNotices, TokenSource};
use crate::key::UpstreamKind;

fn read(vars: &[(&str, &str)]) -> SettingsAndNotices {
    Settings::read(vars.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())))
}

/// How many lines about our own settings a bare function has.
const OWN: usize = 1;

/// The official lines as the log shows them, without prefix and time.
fn lines(reading: &SettingsAndNotices) -> Vec<String> {
    reading.notices.iter().map(line).collect()
}

/// The lines about our own settings, likewise.
fn own_lines(reading: &SettingsAndNotices) -> Vec<String> {
    reading.own_notices.iter().map(line).collect()
}

fn line(notice: &super::Notice) -> String {
    match notice.level {
        Some(level) => format!("{level} {}", notice.text),
        None => notice.text.clone(),
    }
}

const TOKEN: (&str, &str) = ("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2Vj");

/// Reads `name` with each value in turn; each gives this setting and this one line, and no other
/// line differs from the start-up log of an empty environment.
#[track_caller]
fn check<T: Debug + PartialEq>(
    name: &str,
    setting: impl Fn(&Settings) -> T,
    cases: &[(&str, T, &str)],
) {
    let usual = lines(&read(&[TOKEN]));
    for (text, expected, line) in cases {
        let reading = read(&[TOKEN, (name, text)]);
        assert_eq!(setting(&reading.settings), *expected, "{name}={text:?}");
        let unusual: Vec<_> =
            lines(&reading).into_iter().filter(|line| !usual.contains(line)).collect();
        assert_eq!(unusual, [*line], "{name}={text:?}");
        assert_eq!(reading.notices.len(), usual.len(), "{name}={text:?}");
    }
}

#[test]
fn an_empty_environment_gives_the_defaults() {
    let settings = read(&[]).settings;
    assert_eq!(settings.log_level, LogLevel::Info);
    assert!(settings.cache.enabled);
    assert_eq!(settings.cache.size, 1000);
    for upstream in [UpstreamKind::SecretsManager, UpstreamKind::ParameterStore] {
        assert_eq!(*settings.ttl.get(upstream), Duration::from_secs(300));
        assert_eq!(*settings.timeout.get(upstream), None);
        assert_eq!(*settings.aws.endpoint_url_of.get(upstream), None);
    }
    assert_eq!(settings.max_connections.get(), 3);
    assert_eq!(settings.http_port.get(), 2773);
    assert_eq!(settings.cache_bytes, 32 * 1024 * 1024);
    assert_eq!(settings.local_store, None);
    assert_eq!(settings.lambda, None);
    assert!(settings.tokens.accepted().is_none());
    assert_eq!(settings.aws.region, None);
    assert_eq!(settings.aws.max_attempts, None);
    assert_eq!(settings.aws.retry_mode, RetryMode::Standard);
}

#[test]
fn the_start_up_log_of_a_bare_function_is_the_official_one() {
    let expected = [
        "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL is not present. Log level set to info.",
        "DEBUG PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED is not present. Cache is enabled by default.",
        "DEBUG PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE is not present. Using default cache size: 1000 objects.",
        "DEBUG SECRETS_MANAGER_TTL is not present. Setting default time-to-live: 5m0s.",
        "DEBUG SSM_PARAMETER_STORE_TTL is not present. Setting default time-to-live: 5m0s.",
        "DEBUG SECRETS_MANAGER_TIMEOUT_MILLIS is not present. Setting default timeout: 0s.",
        "DEBUG SSM_PARAMETER_STORE_TIMEOUT_MILLIS is not present. Setting default timeout: 0s.",
        "DEBUG PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS is not present. Setting default value: 3.",
        "DEBUG PARAMETERS_SECRETS_EXTENSION_HTTP_PORT is not present. Setting default port: 2773.",
    ];
    assert_eq!(lines(&read(&[TOKEN])), expected);
}

#[test]
fn our_own_settings_that_are_not_present_share_one_line() {
    let expected = "DEBUG Not present, so at their defaults: PARAMETERS_SECRETS_EXTENSION_… \
                    LOG_FORMAT, CACHE_BYTES, STALE_IF_ERROR_SECONDS, STALE_WHILE_REVALIDATE_SECONDS, \
                    REFRESH_AHEAD, TTL_SPREAD_PERCENT, DEADLINE_MILLIS, ERROR_TTL_MILLIS, \
                    BATCH_PARAMETERS, PREFETCH, PREFETCH_MAX_DELAY_MILLIS.";
    assert_eq!(own_lines(&read(&[TOKEN])), [expected]);
}

#[test]
fn our_own_settings_that_are_present_have_a_line_each() {
    let reading = read(&[TOKEN, ("PARAMETERS_SECRETS_EXTENSION_DEADLINE_MILLIS", "1500")]);
    let lines = own_lines(&reading);
    assert!(!lines[0].contains("DEADLINE"), "{lines:?}");
    assert_eq!(
        lines[1..],
        ["DEBUG PARAMETERS_SECRETS_EXTENSION_DEADLINE_MILLIS is 1500. Setting deadline: 1.5s."]
    );
}

#[test]
fn our_own_settings_are_read() {
    let reading = read(&[
        TOKEN,
        ("PARAMETERS_SECRETS_EXTENSION_STALE_IF_ERROR_SECONDS", "60"),
        ("PARAMETERS_SECRETS_EXTENSION_STALE_WHILE_REVALIDATE_SECONDS", "90"),
        ("PARAMETERS_SECRETS_EXTENSION_REFRESH_AHEAD", "false"),
        ("PARAMETERS_SECRETS_EXTENSION_TTL_SPREAD_PERCENT", "99"),
        ("PARAMETERS_SECRETS_EXTENSION_DEADLINE_MILLIS", "1500"),
        ("PARAMETERS_SECRETS_EXTENSION_ERROR_TTL_MILLIS", "250"),
        ("PARAMETERS_SECRETS_EXTENSION_BATCH_PARAMETERS", "True"),
        ("PARAMETERS_SECRETS_EXTENSION_PREFETCH", "secret:a, parameter:/b,,"),
        ("PARAMETERS_SECRETS_EXTENSION_PREFETCH_MAX_DELAY_MILLIS", "2000"),
    ]);
    assert!(reading.settings.batch_parameters);
    let resilience = &reading.settings.resilience;
    assert_eq!(resilience.stale_if_error, Duration::from_secs(60));
    assert_eq!(resilience.stale_while_revalidate, Duration::from_secs(90));
    assert!(!resilience.refresh_ahead);
    assert_eq!(resilience.ttl_spread, 0.5);
    assert_eq!(resilience.deadline, Some(Duration::from_millis(1_500)));
    assert_eq!(resilience.error_ttl, Duration::from_millis(250));
    assert_eq!(reading.settings.prefetch.items, ["secret:a", "parameter:/b"]);
    assert_eq!(reading.settings.prefetch.max_delay, Duration::from_secs(2));
}

#[test]
fn a_blank_value_is_as_good_as_none() {
    let usual = lines(&read(&[TOKEN]));
    for name in ["SECRETS_MANAGER_TTL", "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"] {
        assert_eq!(lines(&read(&[TOKEN, (name, " \t ")])), usual);
    }
}

#[test]
fn no_value_fills_the_log() {
    let reading = read(&[TOKEN, ("SECRETS_MANAGER_TTL", &"\u{7}".repeat(10_000))]);
    assert!(reading.notices.iter().all(|notice| notice.text.len() < 250));
}

#[test]
fn without_a_token_the_last_line_warns_that_every_request_is_refused() {
    let reading = read(&[("AWS_SESSION_TOKEN", " ")]);
    let last = reading.own_notices.last().unwrap();
    assert_eq!(last.level, Some(Level::WARN));
    assert!(
        last.text
            .contains("so every request will be refused with 401. Beside a container set PARAM")
    );
    assert_eq!(reading.notices.len(), 9);
}

#[test]
fn either_token_will_do() {
    for name in ["AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
        let reading = read(&[(name, " key== ")]);
        let tokens = &reading.settings.tokens;
        let token = tokens.session.as_ref().or(tokens.container.as_ref()).unwrap();
        assert_eq!(token.reveal(), "key==");
        assert_eq!(reading.notices.len(), 9);
    }
}

#[test]
fn beside_a_container_the_token_is_ours_or_that_of_the_agent() {
    const OURS: (&str, &str) = ("PARAMETERS_SECRETS_EXTENSION_TOKEN", " ours\n");
    const AGENTS: (&str, &str) = ("AWS_TOKEN", "agents");
    const CONTAINER: (&str, &str) = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container");
    let blank = |name| (name, " ");
    for (variables, expected) in [
        (vec![OURS], "ours"),
        (vec![AGENTS], "agents"),
        (vec![AGENTS, OURS], "ours"),
        (vec![OURS, AGENTS, CONTAINER], "ours"),
        (vec![AGENTS, blank(OURS.0)], "agents"),
        (vec![OURS, blank(AGENTS.0)], "ours"),
    ] {
        let reading = read(&variables);
        let Some(Accepted::Given(given)) = reading.settings.tokens.accepted() else {
            panic!("{reading:?}")
        };
        let TokenSource::Value(token) = &given.source else { panic!("{given:?}") };
        assert_eq!(token.reveal(), expected);
        let line = format!(
            "DEBUG {} is present. Clients send it as X-Aws-Parameters-Secrets-Token.",
            given.variable
        );
        assert_eq!(own_lines(&reading).last(), Some(&line));
    }
}

#[test]
fn a_token_may_be_a_file() {
    let reading = read(&[("AWS_TOKEN", " file:///var/run/awssmatoken ")]);
    let Some(Accepted::Given(given)) = reading.settings.tokens.accepted() else {
        panic!("{reading:?}")
    };
    let TokenSource::File(path) = &given.source else { panic!("{given:?}") };
    assert_eq!(path, Path::new("/var/run/awssmatoken"));
    assert_eq!(
        own_lines(&reading).last().unwrap(),
        "DEBUG AWS_TOKEN is present. Clients send what /var/run/awssmatoken holds as \
         X-Aws-Parameters-Secrets-Token."
    );
}

#[test]
fn where_there_is_a_session_token_no_other_counts_and_a_line_says_so() {
    let reading = read(&[TOKEN, ("AWS_TOKEN", "agents")]);
    assert!(matches!(reading.settings.tokens.accepted(), Some(Accepted::Session(_))));
    assert_eq!(
        own_lines(&reading).last().unwrap(),
        "WARN AWS_TOKEN does not count, because AWS_SESSION_TOKEN is present: clients send that."
    );
}

#[test]
fn a_typing_error_in_the_tokens_name_is_told() {
    let lines = own_lines(&read(&[TOKEN, ("PARAMETERS_SECRETS_EXTENSION_TOKN", "private")]));
    let meant = "Did you mean PARAMETERS_SECRETS_EXTENSION_TOKEN?";
    assert!(lines.last().unwrap().ends_with(meant), "{lines:?}");
}

#[test]
fn a_token_is_in_no_line_and_in_no_debug_output() {
    let reading = read(&[
        ("PARAMETERS_SECRETS_EXTENSION_TOKEN", "plaintext-given"),
        ("AWS_TOKEN", "plaintext-agent"),
        ("AWS_SESSION_TOKEN", "plaintext-session"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "plaintext-container"),
        ("AWS_SECRET_ACCESS_KEY", "plaintext-key"),
    ]);
    assert!(!format!("{reading:#?}").contains("plaintext"));
    assert!(format!("{:?}", reading.settings.tokens).contains("[redacted]"));
}

#[test]
fn a_local_store_is_announced() {
    let reading = read(&[TOKEN, ("PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE", "/tmp/store.json")]);
    assert_eq!(reading.settings.local_store.as_deref(), Some(Path::new("/tmp/store.json")));
    assert_eq!(
        own_lines(&reading).last().unwrap(),
        "INFO PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE is /tmp/store.json. Answering from this \
         file, not from AWS."
    );
}

#[test]
fn a_variable_that_is_nearly_ours_is_warned_of_by_name_alone() {
    let own = |rest| format!("PARAMETERS_SECRETS_EXTENSION_{rest}");
    let both = |ending| format!("SECRETS_MANAGER_{ending} or SSM_PARAMETER_STORE_{ending}");
    for (name, meant) in [
        (own("LOCALSTORE"), own("LOCAL_STORE")),
        (own("CACHE_SIZ"), own("CACHE_SIZE")),
        (own("CACHE_TTL"), both("TTL")),
        (own("SECRETS_MANAGER_TTL"), "SECRETS_MANAGER_TTL".into()),
        (own("SSM_TIMEOUT"), both("TIMEOUT_MILLIS")),
        ("PARAMETER_SECRETS_EXTENSION_HTTP_PORT".into(), own("HTTP_PORT")),
        ("SECRETS_MANAGER_TTl".into(), "SECRETS_MANAGER_TTL".into()),
        ("SECRET_MANAGER_TTL".into(), "SECRETS_MANAGER_TTL".into()),
        ("SSM_PARAMETER_STORE_TIMEOUT_MILIS".into(), "SSM_PARAMETER_STORE_TIMEOUT_MILLIS".into()),
        ("parameters_secrets_extension_http_port".into(), own("HTTP_PORT")),
    ] {
        let reading = read(&[TOKEN, (&name, "plaintext")]);
        assert_eq!(
            own_lines(&reading).last().unwrap(),
            &format!("WARN {name} is not a setting. Did you mean {meant}?")
        );
    }
    let unlike = read(&[TOKEN, (&own("COLOUR"), "plaintext")]);
    assert_eq!(
        own_lines(&unlike).last().unwrap(),
        "WARN PARAMETERS_SECRETS_EXTENSION_COLOUR is not a setting."
    );
}

#[test]
fn the_variables_of_a_function_and_of_the_wrapper_are_not_warned_of() {
    let reading = read(&[
        TOKEN,
        ("SECRET_NAME", "a"),
        ("SECRETS", "a"),
        ("SSM_PATH", "a"),
        ("PARAMETER_NAME", "a"),
        ("PARAMETERS_SECRETS_EXTENSION_ENV_FROM", "secret:a"),
        ("PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE", "5"),
        ("SECRETS_MANAGER_TTL", "5"),
    ]);
    assert!(!own_lines(&reading).iter().any(|line| line.starts_with("WARN")), "{reading:?}");
}

#[test]
fn the_environment_of_this_process_can_be_read() {
    assert!(Settings::from_environment().notices.len() >= 9);
}
