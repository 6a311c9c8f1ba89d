//! The table of `docs/behaviour.md`, run against the whole cache.

use parameters_secrets_extension::fetch::upstream::Upstreams;
use tokio::time::{Instant, advance, pause};

use crate::{
    behaviour_table::{FAILURE, HEADER, LATENCY, Seen, ages, config, judge, outcome, urgency},
    support::{
        behaviour::{Case, promises},
        cache::{TestCache, secret, settle},
        upstream::FakeUpstream,
    },
};

/// Asks the whole cache.
async fn ask_the_cache((condition, entry, request): Case) -> Seen {
    let upstream = FakeUpstream::new().taking(LATENCY);
    let test = TestCache::with(config(entry, request), Upstreams::of_one(upstream.clone()));
    if let Some((age, failed_ago)) = ages(entry) {
        test.get(&secret("db")).await.unwrap();
        advance(age).await;
        if let Some(failed_ago) = failed_ago {
            upstream.then(FAILURE);
            test.get(&secret("db")).await.unwrap();
            advance(failed_ago).await;
        }
    }
    let calls_before = upstream.calls();
    upstream.hereafter(outcome(condition));

    let asked = Instant::now();
    let result = test.cache.look_up(secret("db"), urgency(request)).await;
    let took = asked.elapsed();
    settle().await;
    let (calls, is_call_open) = (upstream.calls() - calls_before, upstream.in_flight() == 1);
    Seen { result, took, calls_before, calls, is_call_open }
}

#[actix_rt::test]
async fn every_row_is_what_a_caller_gets() {
    pause();
    for (case, promise) in promises(HEADER) {
        judge(case, promise, ask_the_cache(case).await);
    }
}
