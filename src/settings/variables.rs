//! The environment variables that are ours to read, as text.

use std::collections::HashMap;

use config::{Config, Environment};

/// Every variable with this beginning is this project's.
pub(super) const OWN_PREFIX: &str = "PARAMETERS_SECRETS_EXTENSION_";

/// The variables of others that are read. What is not listed never reaches the settings: the
/// environment of a function is full of other people's secrets.
const OTHERS: [&str; 19] = [
    "SECRETS_MANAGER_TTL",
    "SSM_PARAMETER_STORE_TTL",
    "SECRETS_MANAGER_TIMEOUT_MILLIS",
    "SSM_PARAMETER_STORE_TIMEOUT_MILLIS",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_LOG_FORMAT",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "AWS_ENDPOINT_URL_SSM",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_MAX_ATTEMPTS",
    "AWS_RETRY_MODE",
    "AWS_CA_BUNDLE",
    "SSL_CERT_FILE",
];

/// The values of the variables that are present, by name.
#[derive(Debug, Default)]
pub(super) struct Variables(Config);

impl Variables {
    pub(super) fn new(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours: HashMap<_, _> = vars.into_iter().filter(|(name, _)| is_read(name)).collect();
        let source = Environment::default().source(Some(ours));
        // Text from a map cannot fail to build; if that ever changed, defaults are better than no
        // extension.
        Self(Config::builder().add_source(source).build().unwrap_or_default())
    }

    /// The value without the blanks around it; none if it is absent or nothing but blanks.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        debug_assert!(is_read(name), "{name} is not listed in OTHERS");
        let text = self.0.get_string(&name.to_ascii_lowercase()).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// Names are compared exactly, in capitals: `config` lower-cases what it is given and takes `.` and
/// `[` for a path, so that `aws_region` would hide `AWS_REGION`.
fn is_read(name: &str) -> bool {
    OTHERS.contains(&name)
        || name.strip_prefix(OWN_PREFIX).is_some_and(|rest| {
            rest.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
        })
}

#[cfg(test)]
mod tests {
    use super::Variables;

    fn variables(vars: &[(&str, &str)]) -> Variables {
        Variables::new(vars.iter().map(|&(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn blanks_around_a_value_are_no_part_of_it() {
        let variables = variables(&[("AWS_REGION", " \teu-west-1\n")]);
        assert_eq!(variables.get("AWS_REGION").as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn an_empty_or_blank_value_is_not_present() {
        let variables = variables(&[("AWS_REGION", ""), ("AWS_RETRY_MODE", " \t ")]);
        assert_eq!(variables.get("AWS_REGION"), None);
        assert_eq!(variables.get("AWS_RETRY_MODE"), None);
    }

    #[test]
    fn a_name_in_other_letters_or_with_more_to_it_is_another_variable() {
        let variables = variables(&[
            ("aws_region", "a"),
            ("PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE", "5"),
            ("PARAMETERS_SECRETS_EXTENSION_cache_size", "6"),
            ("PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE.X", "7"),
            ("PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE[0]", "8"),
        ]);
        assert_eq!(variables.get("AWS_REGION"), None);
        assert_eq!(variables.get("PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE").as_deref(), Some("5"));
    }

    #[test]
    fn variables_that_are_not_ours_are_not_kept() {
        let variables = variables(&[("AWS_SECRET_ACCESS_KEY", "plaintext"), ("DB", "plaintext")]);
        assert!(!format!("{variables:?}").contains("plaintext"));
    }
}
