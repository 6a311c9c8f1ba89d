//! The environment, read once, as typed settings.
//!
//! A bad value never takes the function down: it becomes a WARN line and the default. The lines of
//! the start-up log come out beside the settings, in the official extension's order. Tests pass
//! variables; only [`Settings::from_environment`] touches the process.

mod aws;
mod go_duration;
mod kind;
mod lambda;
mod log;
mod notice;
mod reader;
mod retry_mode;
mod table;
mod token;
mod variables;

use std::{
    num::{NonZeroU16, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use tracing::Level;

pub use self::{
    aws::AwsSettings,
    lambda::{InitializationType, LambdaSettings, RuntimeApi},
    log::{LogFormat, LogLevel},
    notice::Notice,
    retry_mode::RetryMode,
    token::{Accepted, GivenToken, OWN_VARIABLE, Token, TokenSource, Tokens},
};
use self::{notice::Echo, reader::Reader, variables::Variables};
use crate::key::PerUpstream;

const LOCAL_STORE: &str = "PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE";
const PREFETCH: &str = "PARAMETERS_SECRETS_EXTENSION_PREFETCH";

/// The text of the notice where clients have nothing to send.
pub(crate) const NO_TOKEN: &str = "No token is set, so every request will be refused with 401. \
     Beside a container set PARAMETERS_SECRETS_EXTENSION_TOKEN, on a laptop AWS_SESSION_TOKEN, to \
     what clients send as X-Aws-Parameters-Secrets-Token.";

/// Everything the environment decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL`; INFO by default.
    pub log_level: LogLevel,
    /// `PARAMETERS_SECRETS_EXTENSION_LOG_FORMAT`; by default what `AWS_LAMBDA_LOG_FORMAT` says,
    /// else plain text.
    pub log_format: LogFormat,
    /// What is kept.
    pub cache: CacheSettings,
    /// `SECRETS_MANAGER_TTL` and `SSM_PARAMETER_STORE_TTL`: how long an entry is fresh, in whole
    /// seconds from 0 (no caching) to a day; 5 minutes by default.
    pub ttl: PerUpstream<Duration>,
    /// `SECRETS_MANAGER_TIMEOUT_MILLIS` and `SSM_PARAMETER_STORE_TIMEOUT_MILLIS`: how long one
    /// fetch may take, from 1 ms to a day; none by default.
    pub timeout: PerUpstream<Option<Duration>>,
    /// `PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS`: calls at a time to each upstream, 1 to
    /// 10,000; 3 by default.
    pub max_connections: NonZeroUsize,
    /// `PARAMETERS_SECRETS_EXTENSION_HTTP_PORT`, 1 to 65,535; 2773 by default.
    pub http_port: NonZeroU16,
    /// `PARAMETERS_SECRETS_EXTENSION_CACHE_BYTES`: what all entries may cost together, in bytes, 0
    /// (no caching) to 1 GiB; 32 MiB by default.
    pub cache_bytes: usize,
    /// What happens when fetches fail or take long, and before an entry ends.
    pub resilience: ResilienceSettings,
    /// `PARAMETERS_SECRETS_EXTENSION_BATCH_PARAMETERS`: whether parameters that queue share a
    /// GetParameters call; false by default, because it needs a permission of its own.
    pub batch_parameters: bool,
    /// What is fetched while the runtime starts.
    pub prefetch: PrefetchSettings,
    /// `PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE`: a JSON file that answers instead of AWS.
    pub local_store: Option<PathBuf>,
    /// `None` outside Lambda, where `AWS_LAMBDA_RUNTIME_API` is absent.
    pub lambda: Option<LambdaSettings>,
    /// What a client has to send.
    pub tokens: Tokens,
    /// Where and how AWS is called.
    pub aws: AwsSettings,
}

/// The settings, and the lines about them, which are written once the log has started.
#[derive(Clone, Debug)]
pub struct SettingsAndNotices {
    /// Usable whatever the environment held.
    pub settings: Settings,
    /// The official extension's start-up lines, in its order.
    pub notices: Vec<Notice>,
    /// The lines about this project's own settings. They follow the official ones.
    pub own_notices: Vec<Notice>,
}

impl Settings {
    /// Reads the environment of this process. A variable that is not UTF-8 is read as far as it
    /// is.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_environment() -> SettingsAndNotices {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        Self::read(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    /// Reads these variables and no others. Names are in capitals, exactly.
    pub fn read(vars: impl IntoIterator<Item = (String, String)>) -> SettingsAndNotices {
        let mut tokens = Tokens::default();
        let variables =
            Variables::new(vars.into_iter().filter_map(|(name, value)| tokens.keep(name, value)));
        let mut reader = Reader::new(variables);
        // The fields up to the port are read in the order of the official start-up log.
        let settings = Self {
            log_level: reader.read(&table::LOG_LEVEL),
            cache: CacheSettings {
                enabled: reader.read(&table::CACHE_ENABLED),
                size: reader.read(&table::CACHE_SIZE),
            },
            ttl: PerUpstream {
                secrets_manager: reader.read(&table::SECRETS_MANAGER_TTL),
                parameter_store: reader.read(&table::PARAMETER_STORE_TTL),
            },
            timeout: PerUpstream {
                secrets_manager: reader.read(&table::SECRETS_MANAGER_TIMEOUT),
                parameter_store: reader.read(&table::PARAMETER_STORE_TIMEOUT),
            },
            max_connections: reader.read(&table::MAX_CONNECTIONS),
            http_port: reader.read_last_official(&table::HTTP_PORT),
            log_format: read_log_format(&mut reader),
            cache_bytes: reader.read(&table::CACHE_BYTES),
            resilience: ResilienceSettings {
                stale_if_error: reader.read(&table::STALE_IF_ERROR),
                stale_while_revalidate: reader.read(&table::STALE_WHILE_REVALIDATE),
                refresh_ahead: reader.read(&table::REFRESH_AHEAD),
                ttl_spread: reader.read(&table::TTL_SPREAD),
                deadline: reader.read(&table::DEADLINE),
                error_ttl: reader.read(&table::ERROR_TTL),
            },
            batch_parameters: reader.read(&table::BATCH_PARAMETERS),
            prefetch: PrefetchSettings::read(&mut reader),
            local_store: read_local_store(&mut reader),
            lambda: LambdaSettings::read(&reader.variables),
            aws: AwsSettings::read(&mut reader),
            tokens,
        };
        reader.warn_of_strangers();
        let (notices, mut own_notices) = reader.into_notices();
        own_notices.extend(about_the_token(&settings.tokens));
        SettingsAndNotices { settings, notices, own_notices }
    }
}

/// A function that logs JSON has said so to Lambda already.
fn read_log_format(reader: &mut Reader) -> LogFormat {
    let lambda = reader.variables.get("AWS_LAMBDA_LOG_FORMAT").unwrap_or_default();
    let default =
        if lambda.eq_ignore_ascii_case("json") { LogFormat::Json } else { LogFormat::Text };
    reader.read(&table::log_format(default))
}

fn read_local_store(reader: &mut Reader) -> Option<PathBuf> {
    let path = reader.text(LOCAL_STORE)?;
    // Otherwise a user would have to guess why AWS is not asked.
    let line = format!("{LOCAL_STORE} is {}. Answering from this file, not from AWS.", Echo(&path));
    reader.notices.push(Notice::new(Level::INFO, line));
    Some(PathBuf::from(path))
}

/// None where Lambda has set the token.
fn about_the_token(tokens: &Tokens) -> Option<Notice> {
    let GivenToken { variable, source } = match (tokens.accepted(), &tokens.given) {
        (None, _) => return Some(Notice::new(Level::WARN, NO_TOKEN.to_owned())),
        (Some(_), None) => return None,
        (Some(Accepted::Session(_)), Some(GivenToken { variable, .. })) => {
            let line = format!(
                "{variable} does not count, because AWS_SESSION_TOKEN is present: clients send that."
            );
            return Some(Notice::new(Level::WARN, line));
        }
        (Some(_), Some(given)) => given,
    };
    let sent = match source {
        TokenSource::Value(_) => "it".to_owned(),
        TokenSource::File(path) => format!("what {} holds", Echo(&path.to_string_lossy())),
    };
    let line =
        format!("{variable} is present. Clients send {sent} as X-Aws-Parameters-Secrets-Token.");
    Some(Notice::new(Level::DEBUG, line))
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// `PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED`; true by default.
    pub enabled: bool,
    /// `PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE`: how many entries are kept, 0 (no caching) to
    /// 1000; 1000 by default.
    pub size: usize,
}

/// What happens when fetches fail or take long, and before an entry ends. All of it is this
/// project's own: the official extension has none of these variables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResilienceSettings {
    /// `PARAMETERS_SECRETS_EXTENSION_STALE_IF_ERROR_SECONDS`: how long after its TTL an entry still
    /// answers while fetches fail, 0 (never) to a day; an hour by default.
    pub stale_if_error: Duration,
    /// `PARAMETERS_SECRETS_EXTENSION_STALE_WHILE_REVALIDATE_SECONDS`: how long after its TTL an
    /// entry still answers while the next one is fetched, 0 (never) to a day; 0 by default.
    pub stale_while_revalidate: Duration,
    /// `PARAMETERS_SECRETS_EXTENSION_REFRESH_AHEAD`: whether a hit in the last fifth of the TTL
    /// fetches in the background; true by default.
    pub refresh_ahead: bool,
    /// `PARAMETERS_SECRETS_EXTENSION_TTL_SPREAD_PERCENT` as a share: by how much at most a key's
    /// TTL is shortened, 0 to 0.5; 0.1 by default.
    pub ttl_spread: f64,
    /// `PARAMETERS_SECRETS_EXTENSION_DEADLINE_MILLIS`: the longest a request waits, 1 ms to a day;
    /// none by default.
    pub deadline: Option<Duration>,
    /// `PARAMETERS_SECRETS_EXTENSION_ERROR_TTL_MILLIS`: how long a failure is answered again
    /// without a fetch, 0 (never) to a day; 0 by default.
    pub error_ttl: Duration,
}

/// What is fetched while the runtime starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefetchSettings {
    /// `PARAMETERS_SECRETS_EXTENSION_PREFETCH`, split at its commas; empty by default. What an item
    /// may be is for [`prefetch`](crate::prefetch) to say.
    pub items: Vec<String>,
    /// `PARAMETERS_SECRETS_EXTENSION_PREFETCH_MAX_DELAY_MILLIS`: the longest random wait before it,
    /// 0 to a day; 0 by default.
    pub max_delay: Duration,
}

impl PrefetchSettings {
    fn read(reader: &mut Reader) -> Self {
        let text = reader.text(PREFETCH).unwrap_or_default();
        let items: Vec<_> = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect();
        match items.len() {
            0 => reader.at_default(PREFETCH),
            count => {
                let line = format!("{PREFETCH} is present. Prefetching {count} values.");
                reader.notices.push(Notice::new(Level::DEBUG, line));
            }
        }
        Self { items, max_delay: reader.read(&table::PREFETCH_MAX_DELAY) }
    }
}

#[cfg(test)]
mod tests;
