//! Every setting with a range or a choice of words: its variable, its default, its range, its line.
//!
//! To add one: declare it here, add a field to `Settings`, and read it in `Settings::read`; the
//! order of the reads is the order of the lines.

use std::{
    num::{NonZeroU16, NonZeroUsize},
    time::Duration,
};

use tracing::Level;

use crate::settings::{
    go_duration::GoDuration,
    kind::{Choice, Number, Origin, Words},
    log::{LogFormat, LogLevel},
    retry_mode::RetryMode,
};

/// A day: longer than any environment lives, so that the range excludes no use.
const DAY: Duration = Duration::from_secs(86_400);

const TRUE_OR_FALSE: &[(&str, bool)] = &[("TRUE", true), ("FALSE", false)];

fn enabled_or_not(what: &str, enabled: bool, origin: Origin) -> String {
    let state = if enabled { "enabled" } else { "disabled" };
    let why = if origin == Origin::Default { " by default" } else { "" };
    format!("{what} is {state}{why}.")
}

pub(super) const LOG_LEVEL: Choice<LogLevel> = Choice {
    name: "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL",
    default: LogLevel::Info,
    words: &[
        ("DEBUG", LogLevel::Debug),
        ("INFO", LogLevel::Info),
        ("WARN", LogLevel::Warn),
        ("ERROR", LogLevel::Error),
        ("NONE", LogLevel::None),
    ],
    level: None,
    sentence: |level, _| format!("Log level set to {level}."),
};

pub(super) const fn log_format(default: LogFormat) -> Choice<LogFormat> {
    Choice {
        name: "PARAMETERS_SECRETS_EXTENSION_LOG_FORMAT",
        default,
        words: &[("TEXT", LogFormat::Text), ("JSON", LogFormat::Json)],
        level: Some(Level::DEBUG),
        sentence: |format, origin| {
            let why = if origin == Origin::Default { " by default" } else { "" };
            let name = if format == LogFormat::Json { "JSON" } else { "plain text" };
            format!("The log is {name}{why}.")
        },
    }
}

pub(super) const CACHE_ENABLED: Choice<bool> = Choice {
    name: "PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED",
    default: true,
    words: TRUE_OR_FALSE,
    level: Some(Level::DEBUG),
    sentence: |enabled, origin| enabled_or_not("Cache", enabled, origin),
};

pub(super) const CACHE_SIZE: Number<usize> = Number {
    name: "PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE",
    default: 1_000,
    range: 0..=1_000,
    unit: "",
    words: Words { verb: "Using", noun: "cache size", title: "cache size" },
    value: |size| usize::try_from(size).unwrap_or(usize::MAX),
    show: |size| format!("{size} objects"),
};

/// The default is a quarter of the smallest function. A thousand entries of 64 KB each, the most
/// that both services and `CACHE_SIZE` allow, are 64 MB.
pub(super) const CACHE_BYTES: Number<usize> = Number {
    name: "PARAMETERS_SECRETS_EXTENSION_CACHE_BYTES",
    default: 32 * 1024 * 1024,
    range: 0..=1024 * 1024 * 1024,
    unit: " bytes",
    words: Words { verb: "Using", noun: "cache limit", title: "cache limit" },
    value: |bytes| usize::try_from(bytes).unwrap_or(usize::MAX),
    show: |bytes| format!("{bytes} bytes"),
};

// "Manger" is a typing error of the official extension; a search for its line must find this one.
pub(super) const SECRETS_MANAGER_TTL: Number<Duration> =
    ttl("SECRETS_MANAGER_TTL", "Secrets Manger TTL");
pub(super) const PARAMETER_STORE_TTL: Number<Duration> =
    ttl("SSM_PARAMETER_STORE_TTL", "SSM Parameter Store TTL");

const fn ttl(name: &'static str, title: &'static str) -> Number<Duration> {
    Number {
        name,
        default: 300,
        range: 0..=DAY.as_secs(),
        unit: " seconds",
        words: Words { verb: "Setting", noun: "time-to-live", title },
        value: Duration::from_secs,
        show: |seconds| GoDuration(Duration::from_secs(seconds)).to_string(),
    }
}

pub(super) const SECRETS_MANAGER_TIMEOUT: Number<Option<Duration>> =
    timeout("SECRETS_MANAGER_TIMEOUT_MILLIS", "Secrets Manager timeout");
pub(super) const PARAMETER_STORE_TIMEOUT: Number<Option<Duration>> =
    timeout("SSM_PARAMETER_STORE_TIMEOUT_MILLIS", "SSM Parameter Store timeout");

const fn timeout(name: &'static str, title: &'static str) -> Number<Option<Duration>> {
    Number {
        name,
        default: 0,
        range: 0..=DAY.as_secs() * 1_000,
        unit: " milliseconds",
        words: Words { verb: "Setting", noun: "timeout", title },
        value: |millis| (millis > 0).then(|| Duration::from_millis(millis)),
        show: |millis| GoDuration(Duration::from_millis(millis)).to_string(),
    }
}

/// AWS documents no upper end; this one is far above what a function's file descriptors allow.
pub(super) const MAX_CONNECTIONS: Number<NonZeroUsize> = Number {
    name: "PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS",
    default: 3,
    range: 1..=10_000,
    unit: "",
    words: Words { verb: "Setting", noun: "value", title: "max connections" },
    value: |count| {
        usize::try_from(count).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN)
    },
    show: |count| count.to_string(),
};

pub(super) const HTTP_PORT: Number<NonZeroU16> = Number {
    name: "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT",
    default: 2_773,
    range: 1..=65_535,
    unit: "",
    words: Words { verb: "Setting", noun: "port", title: "port" },
    value: |port| u16::try_from(port).ok().and_then(NonZeroU16::new).unwrap_or(NonZeroU16::MAX),
    show: |port| port.to_string(),
};

pub(super) const STALE_IF_ERROR: Number<Duration> = Number {
    name: "PARAMETERS_SECRETS_EXTENSION_STALE_IF_ERROR_SECONDS",
    default: 3_600,
    range: 0..=DAY.as_secs(),
    unit: " seconds",
    words: Words { verb: "Setting", noun: "time to answer stale", title: "time to answer stale" },
    value: Duration::from_secs,
    show: |seconds| GoDuration(Duration::from_secs(seconds)).to_string(),
};

pub(super) const STALE_WHILE_REVALIDATE: Number<Duration> = Number {
    name: "PARAMETERS_SECRETS_EXTENSION_STALE_WHILE_REVALIDATE_SECONDS",
    default: 0,
    words: Words {
        verb: "Setting",
        noun: "time to answer stale while fetching",
        title: "time to answer stale while fetching",
    },
    ..STALE_IF_ERROR
};

pub(super) const REFRESH_AHEAD: Choice<bool> = Choice {
    name: "PARAMETERS_SECRETS_EXTENSION_REFRESH_AHEAD",
    default: true,
    words: TRUE_OR_FALSE,
    level: Some(Level::DEBUG),
    sentence: |enabled, origin| enabled_or_not("Refreshing ahead", enabled, origin),
};

/// At most half: a TTL is to stay what its user set, roughly.
pub(super) const TTL_SPREAD: Number<f64> = Number {
    name: "PARAMETERS_SECRETS_EXTENSION_TTL_SPREAD_PERCENT",
    default: 10,
    range: 0..=50,
    unit: " percent",
    words: Words { verb: "Setting", noun: "time-to-live spread", title: "time-to-live spread" },
    value: |percent| f64::from(u32::try_from(percent).unwrap_or(0)) / 100.0,
    show: |percent| format!("{percent} percent"),
};

pub(super) const DEADLINE: Number<Option<Duration>> = Number {
    words: Words { verb: "Setting", noun: "deadline", title: "deadline" },
    ..timeout("PARAMETERS_SECRETS_EXTENSION_DEADLINE_MILLIS", "deadline")
};

pub(super) const BATCH_PARAMETERS: Choice<bool> = Choice {
    name: "PARAMETERS_SECRETS_EXTENSION_BATCH_PARAMETERS",
    default: false,
    words: TRUE_OR_FALSE,
    level: Some(Level::DEBUG),
    sentence: |enabled, origin| enabled_or_not("Asking for parameters together", enabled, origin),
};

pub(super) const ERROR_TTL: Number<Duration> =
    millis("PARAMETERS_SECRETS_EXTENSION_ERROR_TTL_MILLIS", "time to remember an error");

pub(super) const PREFETCH_MAX_DELAY: Number<Duration> =
    millis("PARAMETERS_SECRETS_EXTENSION_PREFETCH_MAX_DELAY_MILLIS", "longest prefetch delay");

const fn millis(name: &'static str, noun: &'static str) -> Number<Duration> {
    Number {
        name,
        default: 0,
        range: 0..=DAY.as_secs() * 1_000,
        unit: " milliseconds",
        words: Words { verb: "Setting", noun, title: noun },
        value: Duration::from_millis,
        show: |millis| GoDuration(Duration::from_millis(millis)).to_string(),
    }
}

pub(super) const USE_FIPS: Choice<bool> = flag("AWS_USE_FIPS_ENDPOINT");
pub(super) const USE_DUALSTACK: Choice<bool> = flag("AWS_USE_DUALSTACK_ENDPOINT");
pub(super) const IGNORE_ENDPOINTS: Choice<bool> = flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");

const fn flag(name: &'static str) -> Choice<bool> {
    Choice {
        name,
        default: false,
        words: TRUE_OR_FALSE,
        level: Some(Level::DEBUG),
        sentence: |on, _| format!("It counts as {on}."),
    }
}

pub(super) const MAX_ATTEMPTS: Number<Option<u32>> = Number {
    name: "AWS_MAX_ATTEMPTS",
    // Outside the range: the number is left to the SDK.
    default: 0,
    range: 1..=u32::MAX as u64,
    unit: "",
    words: Words { verb: "Setting", noun: "attempts", title: "attempts" },
    value: |attempts| u32::try_from(attempts).ok().filter(|&attempts| attempts > 0),
    show: |attempts| if attempts == 0 { "the SDK's own".into() } else { attempts.to_string() },
};

pub(super) const RETRY_MODE: Choice<RetryMode> = Choice {
    name: "AWS_RETRY_MODE",
    default: RetryMode::Standard,
    words: &[("standard", RetryMode::Standard), ("adaptive", RetryMode::Adaptive)],
    level: Some(Level::DEBUG),
    sentence: |mode, _| match mode {
        RetryMode::Standard => "Setting retry mode: standard.".into(),
        RetryMode::Adaptive => "Setting retry mode: adaptive.".into(),
    },
};
