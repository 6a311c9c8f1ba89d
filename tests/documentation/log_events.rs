//! `docs/log.md` has every line that the program logs, and no other.

use super::{pages, source};

const EVENT: &str = "line";

#[test]
fn every_event_is_described_with_its_level_and_its_fields() {
    let text = pages::read("docs/log.md");
    let rows = pages::rows(&text, EVENT);
    let events = source::events();
    assert!(events.len() > 20, "only {} events were found", events.len());
    let mut missing = Vec::new();
    for event in events {
        let described = rows.iter().any(|row| {
            let [line, level, fields, ..] = row[..] else { panic!("too few cells: {row:?}") };
            let fields = pages::quoted(fields);
            pages::quoted(line).contains(&event.message.as_str())
                && level == event.level
                && event.fields.iter().all(|field| fields.contains(&field.as_str()))
        });
        if !described {
            missing.push(format!("{event:?}"));
        }
    }
    assert!(
        missing.is_empty(),
        "docs/log.md lacks a row with these words, level and fields:\n{}",
        missing.join("\n")
    );
}

#[test]
fn no_event_is_described_that_the_program_does_not_have() {
    let text = pages::read("docs/log.md");
    let messages: Vec<_> = source::events().into_iter().map(|event| event.message).collect();
    // Some messages are made of words that are chosen elsewhere.
    let words = source::literals();
    for row in pages::rows(&text, EVENT) {
        for message in pages::quoted(row[0]) {
            assert!(
                messages.iter().any(|found| found == message)
                    || words.iter().any(|found| found == message),
                "docs/log.md describes `{message}`, which no event says"
            );
        }
    }
}
