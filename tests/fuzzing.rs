//! The targets of `make fuzz`, without its instrumentation: each runs over its kept corpus, and
//! then over mutations of that from a seed, for a second, or for five on CI.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    time::{Duration, Instant},
};

use fastrand::Rng;

#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

/// As `make fuzz` bounds an input.
const LONGEST: usize = 4_096;

/// So many changes make a new input of an old one, at most.
const MOST_CHANGES: usize = 6;

fn budget() -> Duration {
    Duration::from_secs(if std::env::var_os("CI").is_some() { 5 } else { 1 })
}

/// The inputs that are kept, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "nothing is kept for {target}");
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

/// A part of the input, of whatever length.
fn part(input: &[u8], rng: &mut Rng) -> Vec<u8> {
    let start = rng.usize(..=input.len());
    let longest = (input.len() - start).min(64);
    input[start..start + rng.usize(..=longest)].to_vec()
}

fn mutated(corpus: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut input = corpus[rng.usize(..corpus.len())].clone();
    for _ in 0..rng.usize(1..=MOST_CHANGES) {
        let at = rng.usize(..=input.len());
        match rng.u8(..7) {
            0 if at < input.len() => input[at] = rng.u8(..),
            1 if at < input.len() => input[at] ^= 1 << rng.u8(..8),
            2 => input.insert(at, rng.u8(..)),
            3 => {
                let end = (at + rng.usize(..=16)).min(input.len());
                input.drain(at..end);
            }
            4 => {
                let again = part(&input, rng);
                input.splice(at..at, again);
            }
            5 => {
                let other = part(&corpus[rng.usize(..corpus.len())], rng);
                input.splice(at..at, other);
            }
            _ => input.truncate(at),
        }
    }
    input.truncate(LONGEST);
    input
}

#[expect(clippy::print_stderr, reason = "what a failure is found again with")]
fn fuzz(target: &str, run: fn(&[u8])) {
    let seed = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    let mut rng = Rng::with_seed(seed);
    let try_input = |input: &[u8]| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(input))) {
            eprintln!("{target}, FUZZ_SEED={seed}: {}", input.escape_ascii());
            resume_unwind(panic);
        }
    };
    let corpus = corpus(target);
    corpus.iter().for_each(|input| try_input(input));
    let end = Instant::now() + budget();
    while Instant::now() < end {
        try_input(&mutated(&corpus, &mut rng));
    }
}

#[test]
fn any_query_is_a_question_or_a_clear_error() {
    fuzz("query", targets::query::run);
}

#[test]
fn whatever_comes_over_a_connection_is_answered_in_the_contracts_form() {
    fuzz("connection", targets::connection::run);
}

#[test]
fn any_answer_of_the_extensions_api_is_an_event_or_an_error() {
    fuzz("extensions_api", targets::extensions_api::run);
}

#[test]
fn any_local_store_is_refused_with_a_place_or_answers() {
    fuzz("local_store", targets::local_store::run);
}

#[test]
fn any_answer_of_aws_is_handed_on_or_an_error() {
    fuzz("upstream", targets::upstream::run);
}

#[test]
fn any_text_is_a_template_whose_references_can_be_asked_for() {
    fuzz("reference", targets::reference::run);
}
