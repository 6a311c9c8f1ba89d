//! A month in an hour: one environment after the other lives through invocations, freezes, outages,
//! throttling, rotations, evictions and restores, as a seed says; whatever it does, what is
//! promised holds.
//!
//! The whole server runs, over sockets, with an upstream of the test's own. Time is paused and
//! moved by the test alone, so that an hour in which nothing happens costs nothing. Throughout:
//!
//! - every request gets one answer, or its client has hung up;
//! - no upstream has more calls open than permitted;
//! - no value is given past its TTL, or the time for old values behind it, by either clock; none to
//!   a refresh that was read before it;
//! - no error while the upstream is well;
//! - what an environment holds in memory is the same to 5 % however long it lives, and gone with
//!   it;
//! - its sockets are closed.
//!
//! It lasts `SOAK_SECONDS`: `make soak` says an hour.

mod checks;
mod client;
mod descriptors;
mod environment;
mod lived;
mod service;

use std::time::{Duration, Instant};

use fastrand::Rng;

use self::{environment::Environment, lived::Lived};

/// Where nothing is said: enough for one environment with a few hours.
const BRIEFLY: Duration = Duration::from_secs(2);

/// What an environment may leave behind: what the runtime and the allocator's users keep per
/// thread.
const LEFT_BEHIND: i64 = 256 * 1_024;

fn budget() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").ok();
    seconds.map_or(BRIEFLY, |seconds| Duration::from_secs(seconds.parse().unwrap()))
}

#[test]
#[expect(clippy::print_stdout, reason = "the seed, and what was gone through")]
fn a_month_of_invocations_freezes_and_outages_breaks_no_promise() {
    let seed = std::env::var("SOAK_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed: u64 = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("SOAK_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let end = Instant::now() + budget();
    let (mut total, mut environments) = (Lived::default(), 0);
    while environments == 0 || Instant::now() < end {
        let mut lived = Lived::default();
        let seed_of_one = rng.u64(..);
        let memory = allocation_counter::measure(|| {
            lived = Environment::new(Rng::with_seed(seed_of_one)).live(end);
        });
        environments += 1;
        total.add(&lived);
        println!("environment {environments}: {lived}, {} bytes left", memory.bytes_current);
        // The first one makes what all of a thread's share.
        assert!(environments == 1 || memory.bytes_current < LEFT_BEHIND, "a leak: {memory:?}");
    }
    println!("{environments} environments, {total}");
}
