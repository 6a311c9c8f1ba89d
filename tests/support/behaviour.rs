//! The tables of `docs/behaviour.md`, as promises.

use std::collections::BTreeMap;

const BEHAVIOUR: &str = include_str!("../../docs/behaviour.md");

/// What happens to the upstream, the entry, the request.
pub type Case = (&'static str, &'static str, &'static str);

/// What the caller gets, when, and for how many calls.
pub type Promise = (&'static str, &'static str, &'static str);

/// Every combination of the first three columns of the table with this header, and what it
/// promises.
pub fn promises(header: &str) -> BTreeMap<Case, Promise> {
    let mut promises = BTreeMap::new();
    let table = BEHAVIOUR.lines().skip_while(|line| *line != header).skip(2);
    for row in table.take_while(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [upstreams, entries, requests, answer, answered, calls] = cells[..] else {
            panic!("six cells in a row: {row}");
        };
        for upstream in upstreams.split("; ") {
            for entry in entries.split("; ") {
                for request in requests.split("; ") {
                    let case = (upstream, entry, request);
                    let twice = promises.insert(case, (answer, answered, calls));
                    assert_eq!(twice, None, "{case:?} is said twice");
                }
            }
        }
    }
    promises
}
