//! Fetches what a function will ask for, while its runtime is still starting.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;
use tracing::warn;

use crate::{
    cache::{Cache, Urgency},
    http::{BadRequest, Shown, query},
    key::{CacheKey, UpstreamKind},
    log::debug,
    settings::PrefetchSettings,
};

/// Asks for every item as a client would: through the same keys and the same pool, so that a
/// function that asks for one of them meanwhile joins its fetch. A bad item is one warning.
///
/// An item is a request's path and query, or a short form: `secret:NAME`, `parameter:/path`, each
/// with further query parameters behind a `?`. A comma within a value is written `%2C`.
pub async fn prefetch(settings: &PrefetchSettings, cache: &Cache) {
    let keys: Vec<CacheKey> = settings.items.iter().filter_map(|item| readable(item)).collect();
    if keys.is_empty() {
        return;
    }
    // A freeze only delays this: no caller waits for it.
    sleep(random_part_of(settings.max_delay)).await;
    debug!(count = keys.len(), "prefetching");
    join_all(keys.into_iter().map(|key| cache.look_up(key, Urgency::Patient))).await;
}

fn readable(item: &str) -> Option<CacheKey> {
    key_of(item)
        .inspect_err(|error| {
            warn!(
                item = %item.escape_debug(),
                %error,
                "an item of PARAMETERS_SECRETS_EXTENSION_PREFETCH cannot be read"
            );
        })
        .ok()
}

/// Reads one item.
pub(crate) fn key_of(item: &str) -> Result<CacheKey, BadRequest> {
    let (what, options) = item.split_once('?').unwrap_or((item, ""));
    // A plus in a name is a plus; in a request's query it would be a space.
    let literal = |name: &str| name.replace('+', "%2B");
    let short = what.split_once(':').and_then(|(noun, name)| {
        let upstream = UpstreamKind::all().into_iter().find(|kind| kind.noun() == noun)?;
        Some((upstream, format!("{}={}&{options}", upstream.id_parameter(), literal(name))))
    });
    let question = match short {
        Some((upstream, query)) => query::parse(upstream, &query),
        None => {
            let upstream = UpstreamKind::at_path(what)
                .ok_or_else(|| BadRequest::UnknownPath(Shown::new(what)))?;
            query::parse(upstream, options)
        }
    };
    question.map(|question| question.key)
}

fn random_part_of(longest: Duration) -> Duration {
    longest.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::key_of;

    #[test]
    fn an_item_is_a_request_or_a_short_form_of_one() {
        for (item, same) in [
            ("secret:app/db", "/secretsmanager/get?secretId=app%2Fdb"),
            (
                "secret:app/db?versionStage=AWSPREVIOUS",
                "/secretsmanager/get/?versionStage=AWSPREVIOUS&secretId=app/db",
            ),
            ("parameter:/app/db", "/systemsmanager/parameters/get?name=/app/db"),
            (
                "parameter:/app/db?withDecryption=true",
                "/systemsmanager/parameters/get?withDecryption=true&name=%2Fapp%2Fdb",
            ),
            ("secret:a+b", "/secretsmanager/get?secretId=a%2Bb"),
            ("secret:a%2Cb", "/secretsmanager/get?secretId=a%2Cb"),
        ] {
            assert_eq!(key_of(item).unwrap(), key_of(same).unwrap(), "{item}");
        }
    }

    #[test]
    fn what_is_not_a_request_is_refused() {
        for item in
            ["app/db", "secret:", "parameter:?withDecryption=true", "secret:a%2", "/nowhere?x=1"]
        {
            assert!(key_of(item).is_err(), "{item}");
        }
    }
}
