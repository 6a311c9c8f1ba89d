//! The guard of what a key costs at rest: what it allocates beside its value.
//!
//! Allocations are counted, not resident memory: the figure is the same on every machine. Resident
//! memory is measured by `make bench`.

use actix::System;
use parameters_secrets_extension::{
    cache::{EACH_KEY, Urgency},
    fetch::upstream::Upstreams,
    secret::SecretValue,
};

use crate::support::{
    cache::{Config, TestCache, secret, settle},
    soon,
    upstream::AnswerWith,
};

const NAME_LENGTH: usize = 24;

/// What a key at rest may cost beside its value: as much as the cache's bound in bytes counts.
const BUDGET: i64 = (EACH_KEY + NAME_LENGTH) as i64;

const KEYS: usize = 1_000;
const VALUE: [u8; 64] = [b'v'; 64];

#[test]
#[expect(clippy::print_stdout, reason = "the figure to compare a change with")]
fn a_key_at_rest_costs_no_more_than_its_budget() {
    let system = System::new();
    let upstreams = Upstreams::of_one(AnswerWith(|_| Ok(SecretValue::new(VALUE))));
    let test = system.block_on(async { TestCache::with(Config::default(), upstreams) });
    let fill = |keys: std::ops::Range<usize>| {
        system.block_on(soon(async {
            for number in keys {
                let key = secret(&format!("application/secret-{number:05}"));
                test.cache.look_up(key, Urgency::Patient).await.unwrap();
            }
            settle().await;
        }));
    };
    // The first fetch makes what all fetches share.
    fill(0..1);

    let all = allocation_counter::measure(|| fill(1..KEYS));

    let each = all.bytes_current / (KEYS as i64 - 1);
    let beside_the_value = each - VALUE.len() as i64;
    println!("a key at rest: {beside_the_value} bytes beside its value, budget: {BUDGET}");
    assert!(beside_the_value <= BUDGET, "{beside_the_value} bytes");
}
