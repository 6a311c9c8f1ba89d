//! Builds the cache and its pool from the settings.

use std::{rc::Rc, sync::Arc, time::Duration};

use crate::{
    cache::{Cache, CacheLimits, CachePolicy, Capacity},
    clock::Clock,
    fetch::{
        demand::LONGEST_FETCH,
        lane::LaneLimits,
        pool::{FetchPool, MAX_QUEUED},
        upstream::Upstreams,
    },
    freeze::FreezeWatch,
    key::{PerUpstream, UpstreamKind},
    settings::Settings,
    snapshot::Snapshot,
    stats::Stats,
};

/// How much longer than a service's time-out a caller waits. If it were answered before its fetch
/// had ended, the next caller would join that fetch instead of starting one.
const FETCH_COMES_FIRST: Duration = Duration::from_millis(20);

/// A cache over these upstreams. It keeps nothing until SnapStart's snapshot, if there is one, has
/// been taken.
pub fn cache(
    settings: &Settings,
    snapshot: &Snapshot,
    upstreams: Upstreams,
    freezes: FreezeWatch,
    clock: Arc<dyn Clock>,
    stats: Rc<Stats>,
) -> Cache {
    let capacity = match settings.cache.enabled {
        true => Capacity { keys: settings.cache.size, bytes: settings.cache_bytes },
        false => Capacity::NOTHING,
    };
    let policies = |keeps_values| PerUpstream::of(|kind| policy(settings, kind, keeps_values));
    let keeping = CacheLimits { capacity, policy: policies(capacity.keeps_values()) };
    let keeping_nothing = CacheLimits { capacity: Capacity::NOTHING, policy: policies(false) };
    let limits = PerUpstream::of(|kind| LaneLimits {
        permits: settings.max_connections,
        max_queued: MAX_QUEUED,
        time_out: longest_fetch(settings, kind),
        batches: kind == UpstreamKind::ParameterStore && settings.batch_parameters,
    });
    let deadline = PerUpstream::of(|kind| deadline(settings, kind));
    let snapshot = snapshot.clone();
    let pool =
        FetchPool::new(upstreams, limits, freezes.clone(), Arc::clone(&clock), Rc::clone(&stats));
    let limits = move || if snapshot.is_ahead() { keeping_nothing } else { keeping };
    Cache::new(pool, limits, deadline, freezes, clock, stats)
}

/// The longest wait of a caller. It may wait for two fetches in a row: the time that one may take
/// bounds both together, with a margin for the fetch that it ends.
fn deadline(settings: &Settings, kind: UpstreamKind) -> Duration {
    let both = longest_fetch(settings, kind) + FETCH_COMES_FIRST;
    settings.resilience.deadline.map_or(both, |deadline| deadline.min(both))
}

fn longest_fetch(settings: &Settings, kind: UpstreamKind) -> Duration {
    settings.timeout.get(kind).unwrap_or(LONGEST_FETCH)
}

fn policy(settings: &Settings, kind: UpstreamKind, keeps_values: bool) -> CachePolicy {
    let resilience = &settings.resilience;
    CachePolicy {
        ttl: if keeps_values { *settings.ttl.get(kind) } else { Duration::ZERO },
        ttl_spread: resilience.ttl_spread,
        refresh_ahead: resilience.refresh_ahead,
        stale_while_revalidate: resilience.stale_while_revalidate,
        stale_if_error: resilience.stale_if_error,
        error_ttl: resilience.error_ttl,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline_with(variables: &[(&str, &str)]) -> Duration {
        let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let settings = Settings::read(variables).settings;
        deadline(&settings, UpstreamKind::SecretsManager)
    }

    #[test]
    fn a_fetch_that_times_out_has_ended_before_its_callers_are_told() {
        let time_out = Duration::from_millis(300);
        let deadline = deadline_with(&[("SECRETS_MANAGER_TIMEOUT_MILLIS", "300")]);

        assert!(deadline > time_out && deadline < time_out * 11 / 10, "{deadline:?}");
    }

    #[test]
    fn a_deadline_of_the_users_counts_to_the_millisecond() {
        let deadline = ("PARAMETERS_SECRETS_EXTENSION_DEADLINE_MILLIS", "300");

        assert_eq!(deadline_with(&[deadline]), Duration::from_millis(300));
        assert_eq!(
            deadline_with(&[deadline, ("SECRETS_MANAGER_TIMEOUT_MILLIS", "500")]),
            Duration::from_millis(300)
        );
        let longest = deadline_with(&[]);
        assert!(longest > LONGEST_FETCH && longest < LONGEST_FETCH * 11 / 10, "{longest:?}");
    }
}
