//! `docs/settings.md` has every variable that the program reads, with its range and its default.

use std::collections::BTreeSet;

use parameters_secrets_extension::settings::Settings;

use super::{pages, source};

/// Read by the SDK and the HTTP client, so the source does not name them.
const READ_BY_LIBRARIES: [&str; 8] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_SECRET_ACCESS_KEY",
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
];

fn is_variable(text: &str) -> bool {
    text.contains('_')
        && !text.starts_with("CARGO_")
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
        && !text.ends_with('_')
}

fn described(text: &str) -> BTreeSet<&str> {
    let rows = pages::rows(text, "variable");
    rows.iter().flat_map(|row| pages::quoted(row[0])).collect()
}

#[test]
fn every_variable_is_described_and_every_described_variable_is_read() {
    let text = pages::read("docs/settings.md");
    let literals = source::literals();
    let read: BTreeSet<_> =
        literals.iter().map(String::as_str).filter(|text| is_variable(text)).collect();
    assert!(read.len() > 30, "only {read:?} were found");
    let described = described(&text);

    let missing: Vec<_> = read.difference(&described).collect();
    assert!(missing.is_empty(), "docs/settings.md does not describe {missing:?}");

    let unknown: Vec<_> =
        described.difference(&read).filter(|name| !READ_BY_LIBRARIES.contains(name)).collect();
    assert!(unknown.is_empty(), "docs/settings.md describes what nothing reads: {unknown:?}");
}

/// What the program warns of when it finds `value` in a variable.
fn warnings(variable: &str, value: &str) -> Vec<String> {
    let reading = Settings::read([(variable.to_owned(), value.to_owned())]);
    let lines = reading.notices.into_iter().chain(reading.own_notices);
    lines.map(|line| line.text).filter(|text| text.starts_with(variable)).collect()
}

#[test]
fn every_range_is_the_programs() {
    let text = pages::read("docs/settings.md");
    let mut judged = 0;
    for row in pages::rows(&text, "variable").into_iter().filter(|row| row.len() == 4) {
        let [variables, _, range, _] = row[..] else { unreachable!() };
        for variable in pages::quoted(variables) {
            let complaint = warnings(variable, "no such value").join(" ");
            let words = pages::quoted(range).join(", ");
            // What may hold any text has nothing to complain of.
            if let Some((_, is)) = complaint.split_once("a whole number in the range ") {
                let is = is.split_once(". ").unwrap().0;
                let (is, range) = (is.replace(" seconds", " s"), range.replace(',', ""));
                let is = is.replace(" milliseconds", " ms").replace(" percent", " %");
                assert_eq!(range, is, "{variable}");
                judged += 1;
            } else if let Some((_, is)) = complaint.split_once("is not one of ") {
                assert_eq!(words, is.split_once(". ").unwrap().0, "{variable}");
                judged += 1;
            }
        }
    }
    assert!(judged >= 15, "only {judged} ranges were compared");
}

#[test]
fn every_default_is_the_programs() {
    let text = pages::read("docs/settings.md");
    let unset = format!("{:?}", Settings::read([]).settings);
    let mut judged = 0;
    for row in pages::rows(&text, "variable").into_iter().filter(|row| row.len() == 4) {
        let [variables, default, ..] = row[..] else { unreachable!() };
        if default == "none" {
            continue;
        }
        for variable in pages::quoted(variables) {
            let value = default.trim_matches('`').to_owned();
            let set = Settings::read([(variable.to_owned(), value)]).settings;
            assert_eq!(format!("{set:?}"), unset, "{variable} is not {default} by default");
            assert_ne!(warnings(variable, default).len(), 0, "{variable} has no line");
            judged += 1;
        }
    }
    assert!(judged >= 15, "only {judged} defaults were compared");
}
