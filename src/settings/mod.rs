//! The environment, read once, as typed settings.
//!
//! A bad value never takes the function down: it becomes a WARN line and the default. The lines of
//! the start-up log come out beside the settings, in the official extension's order. Tests pass
//! variables; only [`Settings::from_environment`] touches the process.

mod aws;
mod go_duration;
mod kind;
mod lambda;
mod notice;
mod reader;
mod table;
#[cfg(test)]
mod tests;
mod token;
mod variables;

use std::fmt;
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use tracing::Level;

pub use self::aws::{AwsSettings, RetryMode};
pub use self::lambda::{InitializationType, LambdaSettings, RuntimeApi};
use self::notice::Echo;
pub use self::notice::Notice;
use self::reader::Reader;
pub use self::token::{Token, Tokens};
use self::variables::Variables;
use crate::key::UpstreamKind;

/// Ours alone: the official extension knows nothing but AWS.
const LOCAL_STORE: &str = "PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE";

/// Everything the environment decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL`; INFO by default.
    pub log_level: LogLevel,
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
    /// `PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE`: a JSON file that answers instead of AWS.
    pub local_store: Option<PathBuf>,
    /// None outside Lambda: where `AWS_LAMBDA_RUNTIME_API` is absent.
    pub lambda: Option<LambdaSettings>,
    /// What a client has to send.
    pub tokens: Tokens,
    /// Where and how AWS is called.
    pub aws: AwsSettings,
}

/// The settings, and what there is to tell about them once the log stands.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Usable whatever the environment held.
    pub settings: Settings,
    /// The start-up log: the official extension's lines in its order, then our own.
    pub notices: Vec<Notice>,
}

impl Settings {
    /// Reads the environment of this process. A variable that is not UTF-8 is read as far as it
    /// is.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_environment() -> Reading {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        Self::read(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    /// Reads these variables and no others. Names are in capitals, exactly.
    pub fn read(vars: impl IntoIterator<Item = (String, String)>) -> Reading {
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
            http_port: reader.read(&table::HTTP_PORT),
            // Our own variables: their lines follow the official ones.
            local_store: read_local_store(&mut reader),
            lambda: LambdaSettings::read(&reader.variables),
            aws: AwsSettings::read(&mut reader),
            tokens,
        };
        let mut notices = reader.notices;
        if settings.tokens.is_empty() {
            notices.push(no_token());
        }
        Reading { settings, notices }
    }
}

fn read_local_store(reader: &mut Reader) -> Option<PathBuf> {
    let path = reader.text(LOCAL_STORE)?;
    // Nobody should have to guess why AWS is not asked.
    let line = format!("{LOCAL_STORE} is {}. Answering from this file, not from AWS.", Echo(&path));
    reader.notices.push(Notice::new(Level::INFO, line));
    Some(PathBuf::from(path))
}

fn no_token() -> Notice {
    let line = "Neither AWS_SESSION_TOKEN nor AWS_CONTAINER_AUTHORIZATION_TOKEN is present. Every \
                request will be refused with 401. Set AWS_SESSION_TOKEN to what clients send as \
                X-Aws-Parameters-Secrets-Token.";
    Notice::new(Level::WARN, line.to_owned())
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

/// Something that each upstream has its own of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerUpstream<T> {
    /// Secrets Manager's.
    pub secrets_manager: T,
    /// Parameter Store's.
    pub parameter_store: T,
}

impl<T> PerUpstream<T> {
    /// The one of this upstream.
    pub fn get(&self, upstream: UpstreamKind) -> &T {
        match upstream {
            UpstreamKind::SecretsManager => &self.secrets_manager,
            UpstreamKind::ParameterStore => &self.parameter_store,
        }
    }
}

/// How much is logged: each level shows itself and what is graver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Hits, misses, fetches, and all below.
    Debug,
    /// What starts and stops, and all below.
    Info,
    /// What was not as it should be, and all below.
    Warn,
    /// What went wrong.
    Error,
    /// Nothing at all.
    None,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::None => "none",
        })
    }
}
