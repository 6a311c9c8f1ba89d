use std::{collections::BTreeMap, time::Duration};

use parameters_secrets_extension::settings::Settings as OfTheExtension;

use super::{PORT, Settings};

fn read(variables: &[(&'static str, &'static str)]) -> Settings {
    Settings::read(&BTreeMap::from_iter(variables.iter().copied()))
}

#[test]
fn without_any_variable_the_defaults_count() {
    let settings = read(&[]);
    assert_eq!((settings.port, settings.time_out), (2773, Duration::from_secs(9)));
    assert!(settings.token.is_none() && settings.sets.is_empty() && settings.warnings.is_empty());
    assert!(!settings.sets_override && !settings.in_snapshot && !settings.is_snap_start);
}

#[test]
fn the_port_is_the_one_on_which_the_extension_serves() {
    for (text, expected) in [
        ("", 2773),
        (" \t", 2773),
        ("1", 1),
        (" 2774\n", 2774),
        ("+02774", 2774),
        ("65535", 65_535),
        ("65536", 65_535),
        ("70000", 65_535),
        ("18446744073709551616", 65_535),
        ("0", 2773),
        ("-1", 2773),
        ("-18446744073709551616", 2773),
        ("2774.0", 2773),
        ("70000x", 2773),
        ("port", 2773),
    ] {
        let extension = OfTheExtension::read([(PORT.to_owned(), text.to_owned())]).settings;
        assert_eq!(extension.http_port.get(), expected, "{text:?}");
        assert_eq!(read(&[(PORT, text)]).port, expected, "{text:?}");
    }
}

#[test]
fn a_function_with_snap_start_shows_the_container_token() {
    let container = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container");
    assert_eq!(read(&[container]).token.as_deref(), Some("container"));
    assert_eq!(
        read(&[container, ("AWS_SESSION_TOKEN", "session")]).token.as_deref(),
        Some("session")
    );
}

#[test]
fn beside_a_container_the_users_token_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let file = format!("file://{}", path.display());
    let variables = |session| {
        BTreeMap::from([
            ("AWS_SESSION_TOKEN", session),
            ("AWS_TOKEN", file.as_str()),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container"),
        ])
    };

    let missing = Settings::read(&variables(" "));
    assert_eq!(missing.token, None);
    assert!(missing.warnings[0].starts_with("AWS_TOKEN names a file that cannot be read: No such"));

    std::fs::write(&path, "of the file\n").unwrap();
    assert_eq!(Settings::read(&variables(" ")).token.as_deref(), Some("of the file"));
    assert_eq!(Settings::read(&variables("session")).token.as_deref(), Some("session"));
    let ours = read(&[("PARAMETERS_SECRETS_EXTENSION_TOKEN", "a"), ("AWS_TOKEN", "b")]);
    assert_eq!(ours.token.as_deref(), Some("a"));
}

#[test]
fn several_sets_are_separated_by_commas() {
    let settings = read(&[("PARAMETERS_SECRETS_EXTENSION_ENV_FROM", "secret:a, parameter:/b#x,")]);
    let sets: Vec<_> = settings.sets.iter().map(|set| set.source.to_string()).collect();
    assert_eq!(sets, ["secret:a", "parameter:/b"]);
    assert!(settings.warnings.is_empty());
}

#[test]
fn a_bad_value_is_a_warning_that_does_not_show_it_and_the_default() {
    let settings = read(&[
        ("PARAMETERS_SECRETS_EXTENSION_ENV_FROM", "prod/env"),
        ("PARAMETERS_SECRETS_EXTENSION_ENV_FROM_OVERRIDES", "yes"),
        ("PARAMETERS_SECRETS_EXTENSION_ENV_IN_SNAPSHOT", "1"),
        ("PARAMETERS_SECRETS_EXTENSION_ENV_TIMEOUT_MILLIS", "0"),
        ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "x"),
    ]);
    assert_eq!((settings.port, settings.time_out), (2773, Duration::from_secs(9)));
    assert!(settings.sets.is_empty() && !settings.sets_override && !settings.in_snapshot);
    assert_eq!(settings.warnings.len(), 4);
    assert!(
        settings.warnings.iter().all(|line| !line.contains("prod/env") && !line.contains("yes"))
    );
}

#[test]
fn true_and_false_may_have_any_letter_case() {
    let settings = read(&[
        ("PARAMETERS_SECRETS_EXTENSION_ENV_FROM_OVERRIDES", " True "),
        ("PARAMETERS_SECRETS_EXTENSION_ENV_IN_SNAPSHOT", "FALSE"),
    ]);
    assert!(settings.sets_override && !settings.in_snapshot && settings.warnings.is_empty());
}
