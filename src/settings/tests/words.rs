use super::check;
use crate::settings::{LogFormat, LogLevel, Settings};

#[test]
fn the_log_level_is_a_word_in_any_case() {
    check(
        "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL",
        |settings| settings.log_level,
        &[
            (
                "DEBUG",
                LogLevel::Debug,
                "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL is DEBUG. Log level set to debug.",
            ),
            (
                " info\t",
                LogLevel::Info,
                "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL is info. Log level set to info.",
            ),
            (
                "Warn",
                LogLevel::Warn,
                "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL is Warn. Log level set to warn.",
            ),
            (
                "ERROR",
                LogLevel::Error,
                "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL is ERROR. Log level set to error.",
            ),
            (
                "none",
                LogLevel::None,
                "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL is none. Log level set to none.",
            ),
            (
                "LOUD\nERROR forged",
                LogLevel::Info,
                "WARN PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL is \"LOUD\\nERROR forged\", which is not one \
                 of DEBUG, INFO, WARN, ERROR, NONE. Log level set to info.",
            ),
        ],
    );
}

#[test]
fn the_cache_is_enabled_or_not_in_any_case() {
    check(
        "PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED",
        |settings| settings.cache.enabled,
        &[
            (
                "FALSE",
                false,
                "DEBUG PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED is FALSE. Cache is disabled.",
            ),
            (
                "true",
                true,
                "DEBUG PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED is true. Cache is enabled.",
            ),
            (
                "0",
                true,
                "WARN PARAMETERS_SECRETS_EXTENSION_CACHE_ENABLED is \"0\", which is not one of TRUE, \
                 FALSE. Cache is enabled by default.",
            ),
        ],
    );
}

#[test]
fn the_log_format_is_a_word_and_by_default_what_lambda_says() {
    const NAME: &str = "PARAMETERS_SECRETS_EXTENSION_LOG_FORMAT";
    const OF_LAMBDA: &str = "AWS_LAMBDA_LOG_FORMAT";
    for (variables, expected) in [
        (&[][..], LogFormat::Text),
        (&[(NAME, "JSON")], LogFormat::Json),
        (&[(NAME, " json ")], LogFormat::Json),
        (&[(OF_LAMBDA, "JSON")], LogFormat::Json),
        (&[(OF_LAMBDA, "Text")], LogFormat::Text),
        (&[(OF_LAMBDA, "JSON"), (NAME, "TEXT")], LogFormat::Text),
        (&[(OF_LAMBDA, "JSON"), (NAME, "xml")], LogFormat::Json),
    ] {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        assert_eq!(Settings::read(variables).settings.log_format, expected);
    }
}
