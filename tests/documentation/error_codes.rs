//! `docs/errors.md` has every code that the program can send by itself.

use super::{pages, source};

/// Words of AWS that look like a code and are not: operations, types, members of a batch's errors.
const NOT_CODES: [&str; 7] = [
    "ErrorCode",
    "ExtensionUserAgent",
    "GetParameter",
    "GetSecretValue",
    "InvalidEventType",
    "SecureString",
    "StringList",
];

/// Two words or more, each with a capital: `RequestTimeout`.
fn is_code(text: &str) -> bool {
    let capitals = text.chars().filter(char::is_ascii_uppercase).count();
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric())
        && capitals >= 2
        && text.chars().any(|letter| letter.is_ascii_lowercase())
}

#[test]
fn every_code_of_the_program_is_described() {
    let text = pages::read("docs/errors.md");
    let described = pages::quoted(&text);
    let literals = source::literals();
    // `Debug` and panics name the program's own types.
    let types = source::types();
    let codes: Vec<_> = literals
        .iter()
        .map(String::as_str)
        .filter(|text| is_code(text) && !NOT_CODES.contains(text))
        .filter(|text| !types.iter().any(|name| name == text))
        .chain(literals.iter().any(|text| text == "Overloaded").then_some("Overloaded"))
        .collect();
    assert!(codes.len() > 15, "only {codes:?} were found");
    let missing: Vec<_> = codes.iter().filter(|code| !described.contains(code)).collect();
    assert!(missing.is_empty(), "docs/errors.md does not describe {missing:?}");
}

#[test]
fn what_drops_a_kept_value_is_what_the_program_lists_as_a_refusal() {
    let text = pages::read("docs/errors.md");
    let rows = pages::rows(&text, "code");
    let dropping = rows.iter().filter(|row| row[1] == "dropped");
    let mut described: Vec<_> = dropping.flat_map(|row| pages::quoted(row[0])).collect();
    described.sort_unstable();
    let mut refusals = source::list("REFUSALS");
    refusals.sort_unstable();
    assert_eq!(described, refusals);
}

/// A reader searches the pages for the words of the error.
#[test]
fn the_words_of_a_time_out_are_the_programs() {
    let source = source::text();
    let mut found = 0;
    for page in ["docs/errors.md", "docs/troubleshooting.md"] {
        let text = pages::read(page);
        let of_time_outs = text.lines().filter(|line| line.starts_with("| `RequestTimeout`"));
        for phrase in of_time_outs.flat_map(pages::quoted).filter(|words| words.contains(' ')) {
            assert!(source.contains(phrase), "{page}: no error says `{phrase}`");
            found += 1;
        }
    }
    assert!(found >= 6, "only {found} phrases were found");
}
