//! Hostile clients against the program itself, which serves another client all the while: its
//! memory stays within a bound, the other client's hits stay fast, and every well-formed request is
//! answered.
//!
//! These scenarios measure; what each byte that is no request is answered with is in `bad_input`. A
//! run after the other tests is short. `make hostile` runs them one at a time, at full length and
//! against the release build, and prints the figures.

#![allow(unreachable_pub, reason = "modules of one test crate")]
#![allow(clippy::disallowed_methods, reason = "tests measure time")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod attacks;
mod bystander;
mod footprint;
mod idle_server;
#[path = "../support/program.rs"]
mod program;
mod requests;
mod upstream;

use std::{
    env, fs,
    process::Command,
    sync::mpsc::{self, TryRecvError},
    time::Duration,
};

use self::{
    bystander::{Bystander, Reads},
    program::Program,
    upstream::Upstream,
};

/// What the program may take in memory, whatever its clients do. SECURITY.md tells it.
const MEMORY_BOUND_MB: u64 = 160;

/// Beyond three times what hits take alone, one is slow only if it takes longer than this: as long
/// as the kernel may let another thread have the processor.
const SLOW: Duration = Duration::from_millis(4);

/// Beside other tests the machine decides how long a hit takes. All that is asked for then is that
/// none waits for a time-out of an attacker's: a request's head has 5 s.
const SLOW_BESIDE_OTHER_TESTS: Duration = Duration::from_secs(5);

/// Whether this is `make hostile`.
fn at_full_length() -> bool {
    env::var_os("HOSTILE").is_some_and(|length| length == "full")
}

/// As much as a short run can do, or all.
fn so_many(short: usize, full: usize) -> usize {
    if at_full_length() { full } else { short }
}

fn slow() -> Duration {
    if at_full_length() { SLOW } else { SLOW_BESIDE_OTHER_TESTS }
}

/// Runs an attack while another client reads what is cached, and judges both. A second one reads
/// from a server that is not attacked: that is what the host takes for it meanwhile.
fn withstands(name: &str, program: &Program, attack: impl FnOnce() + Send) {
    let mut bystander = Bystander::new(program.port());
    let mut elsewhere = Bystander::new(idle_server::start());
    let quiet = bystander.reads_for(Duration::from_millis(so_many(300, 2_000) as u64));
    let (meanwhile, host) = std::thread::scope(|scope| {
        // Its end is that of the attack, however that ends.
        let (lasts, is_over) = mpsc::channel::<()>();
        let attack = scope.spawn(move || {
            let _lasts = lasts;
            give_way();
            attack();
        });
        let host = scope.spawn(move || {
            elsewhere.reads_until(|| is_over.try_recv() == Err(TryRecvError::Disconnected))
        });
        let meanwhile = bystander.reads_until(|| attack.is_finished());
        // With its own words, if it did not go as planned.
        attack.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (meanwhile, host.join().unwrap())
    });
    let peak = program.peak_memory_mb();
    report(name, [&quiet, &host, &meanwhile], peak);
    let limit = (quiet.p99().max(host.p99()) * 3).max(slow());
    assert!(meanwhile.p99() <= limit, "{name}: p99 {:?}, alone {:?}", meanwhile.p99(), quiet.p99());
    assert!(peak <= MEMORY_BOUND_MB, "{name}: {peak} MB");
    assert_eq!(bystander.reads_for(Duration::ZERO).count(), 1, "{name}: it still serves");
}

/// Lowers the priority of this thread, and of those that it starts: what is measured is the wait
/// for the program, not for the processor that the attack has.
fn give_way() {
    let thread = fs::read_link("/proc/thread-self").unwrap();
    let id = thread.file_name().unwrap();
    let lowered = Command::new("renice").args(["-n", "19", "-p"]).arg(id).output().unwrap();
    assert!(lowered.status.success(), "{lowered:?}");
}

#[expect(clippy::print_stdout, reason = "the figures of `make hostile`")]
fn report(name: &str, reads: [&Reads; 3], peak: u64) {
    let [quiet, host, meanwhile] = reads.map(|reads| reads.p99().as_secs_f64() * 1e3);
    let count = reads[2].count();
    println!("| {name} | {quiet:.2} ms | {host:.2} ms | {meanwhile:.2} ms | {count} | {peak} MB |");
}

/// A table that grows while threads run stops all answers (`src/open_files.rs`).
#[test]
fn the_table_of_open_files_is_large_enough_from_the_start() {
    let program = Program::start(Upstream::start().port());
    let most = rlimit::Resource::NOFILE.get_hard().unwrap().min(4_096);
    assert!(program.places_for_open_files() >= most);
}
