//! The environment variables that this program reads, as text.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};

use config::{Config, Environment};

use super::token;
use crate::did_you_mean::nearest;

/// Every variable with this beginning is this project's.
pub(super) const OWN_PREFIX: &str = "PARAMETERS_SECRETS_EXTENSION_";

/// The other variables that are read. What is not listed never reaches the settings: the
/// environment of a function may hold secrets of other programs.
const OTHERS: [&str; 20] = [
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
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_MAX_ATTEMPTS",
    "AWS_RETRY_MODE",
    "AWS_CA_BUNDLE",
    "SSL_CERT_FILE",
];

/// The wrapper's own, which a function has in the same environment.
const OF_THE_WRAPPER: &str = "PARAMETERS_SECRETS_EXTENSION_ENV_";

/// How the names begin that AWS's extension gave, in any letter case. Only names that begin so are
/// compared with known ones, because this happens before the register request.
const LIKE_OURS: [&str; 3] = ["PARAM", "SECRET", "SSM"];

/// The values of the variables that are present, by name.
#[derive(Debug, Default)]
pub(super) struct Variables {
    values: Config,
    /// The names of variables that could be meant as settings.
    candidates: BTreeSet<String>,
    /// The names that were asked for.
    known: RefCell<BTreeSet<&'static str>>,
}

impl Variables {
    pub(super) fn new(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut candidates = BTreeSet::new();
        let is_ours = |(name, _): &(String, String)| {
            if looks_like_ours(name) {
                candidates.insert(name.clone());
            }
            is_read(name)
        };
        let ours: HashMap<_, _> = vars.into_iter().filter(is_ours).collect();
        let source = Environment::default().source(Some(ours));
        // Text from a map cannot fail to build; should it do so, defaults are better than no
        // extension.
        let values = Config::builder().add_source(source).build().unwrap_or_default();
        // Kept elsewhere, and meant by what is nearly it.
        let known = RefCell::new(BTreeSet::from([token::OWN_VARIABLE]));
        Self { values, candidates, known }
    }

    /// The value without the blanks around it; `None` if it is absent or blank.
    pub(super) fn get(&self, name: &'static str) -> Option<String> {
        debug_assert!(is_read(name), "{name} is not listed in OTHERS");
        self.known.borrow_mut().insert(name);
        let text = self.values.get_string(&name.to_ascii_lowercase()).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

impl Variables {
    /// The unknown variables that look as if they were meant as settings, each with the one that
    /// was probably meant. Call it once all settings have been read.
    pub(super) fn strangers(&self) -> Vec<(&str, Option<String>)> {
        let known = self.known.borrow();
        let strangers = self.candidates.iter().filter(|name| !known.contains(name.as_str()));
        strangers
            .map(|name| (name.as_str(), meant_by(name, &known)))
            .filter(|(name, meant)| meant.is_some() || name.starts_with(OWN_PREFIX))
            .collect()
    }
}

fn looks_like_ours(name: &str) -> bool {
    let begins =
        |with: &&str| name.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    LIKE_OURS.iter().any(begins) && !name.starts_with(OF_THE_WRAPPER)
}

/// What was probably meant, in words.
fn meant_by(name: &str, known: &BTreeSet<&'static str>) -> Option<String> {
    let near = |name| nearest(name, known.iter().copied());
    if let Some(meant) = near(name) {
        return Some(meant.to_owned());
    }
    // The settings without a prefix are expected to have it.
    let bare = name.strip_prefix(OWN_PREFIX)?;
    let meant = match known.get(bare).copied().or_else(|| near(bare)) {
        Some(meant) => meant,
        None if bare.contains("TTL") => "SECRETS_MANAGER_TTL or SSM_PARAMETER_STORE_TTL",
        None if bare.contains("TIMEOUT") => {
            "SECRETS_MANAGER_TIMEOUT_MILLIS or SSM_PARAMETER_STORE_TIMEOUT_MILLIS"
        }
        None => return None,
    };
    Some(meant.to_owned())
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
