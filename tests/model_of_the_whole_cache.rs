//! The steps of `model.rs`, done to the whole cache: its actors, its pool, an upstream that counts.

use parameters_secrets_extension::fetch::{demand::LONGEST_FETCH, upstream::Upstreams};
use proptest::prelude::*;
use tokio::{
    runtime::Builder,
    time::{Instant, advance},
};

use crate::{
    model::{KEYS, LATENCY, Step, settings, step},
    support::{
        cache::{Caller, TestCache, secret, settle},
        upstream::FakeUpstream,
    },
};

/// Does one step to the real cache.
async fn act_on_the_cache(
    step: &Step,
    test: &TestCache,
    upstream: &FakeUpstream,
    callers: &mut Vec<Caller>,
) {
    match step {
        Step::Get(key) => callers.push(test.caller(&secret(&key.to_string()))),
        Step::Refresh(key) => callers.push(test.refresher(&secret(&key.to_string()))),
        Step::Advance(duration) => advance(*duration).await,
        Step::Freeze(duration) => test.clock.freeze(*duration),
        Step::SetBack(duration) => test.clock.step_back(*duration),
        Step::Thaw => test.cache.invoked(),
        Step::NextCallEnds(outcome) => upstream.then(outcome.clone()),
        Step::HangUp(pick) if !callers.is_empty() => pick.get(callers).abort(),
        Step::HangUp(_) => {}
    }
    settle().await;
}

/// Runs with time paused from the very start: then timers fire on the millisecond they are set for,
/// and not on the next one.
fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = || Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    actix_rt::System::with_tokio_rt(runtime).block_on(test)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_to_the_whole_cache_its_bounds_hold_and_every_caller_is_answered(
        settings in settings(),
        steps in prop::collection::vec(step(KEYS), 1..60)
    ) {
        run(async {
            let upstream = FakeUpstream::new().taking(LATENCY);
            let test = TestCache::with(settings.config(), Upstreams::of_one(upstream.clone()));
            let mut callers = Vec::new();
            for step in &steps {
                act_on_the_cache(step, &test, &upstream, &mut callers).await;
            }
            let started = Instant::now();
            for caller in callers {
                // Answered, or hung up; never left waiting: an unanswered one would hang here.
                let _ = caller.await;
            }
            prop_assert!(started.elapsed() <= LONGEST_FETCH * 4);
            // What no caller waits for any more goes on to its end all the same, and what queues
            // behind it.
            for _ in 0..20 {
                advance(LONGEST_FETCH).await;
                settle().await;
            }
            prop_assert!(!upstream.ever_twice_in_flight());
            prop_assert!(upstream.peak() <= settings.permits);
            prop_assert_eq!(upstream.in_flight(), 0);
            Ok(())
        })?;
    }
}
