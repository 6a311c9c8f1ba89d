//! The key of the cache: which value is asked for. Equal keys are one key.
//!
//! A key holds decoded values only, so every spelling of one question (percent-encoding, a trailing
//! slash, the order of parameters) is the same key.

use std::fmt;

/// The AWS service that answers a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpstreamKind {
    /// AWS Secrets Manager.
    SecretsManager,
    /// AWS Systems Manager Parameter Store.
    ParameterStore,
}

impl UpstreamKind {
    /// Every service. By way of [`PerUpstream`], which cannot lack one.
    pub fn all() -> [Self; 2] {
        let PerUpstream { secrets_manager, parameter_store } = PerUpstream::of(|kind| kind);
        [secrets_manager, parameter_store]
    }

    /// The service whose values this path asks for, with a trailing slash or without.
    pub fn at_path(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        Self::all().into_iter().find(|kind| kind.path() == path)
    }

    /// The service whose values this path asks for in batches, likewise.
    pub fn at_batch_path(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        Self::all().into_iter().find(|kind| kind.batch_path() == path)
    }

    fn path(self) -> &'static str {
        match self {
            Self::SecretsManager => SECRET_PATH,
            Self::ParameterStore => PARAMETER_PATH,
        }
    }

    fn batch_path(self) -> &'static str {
        match self {
            Self::SecretsManager => "/secretsmanager/batch",
            Self::ParameterStore => "/systemsmanager/parameters/batch",
        }
    }

    /// The query parameter that names a value.
    pub fn id_parameter(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretId",
            Self::ParameterStore => "name",
        }
    }

    /// One of its values, in a word: for log lines, and for the short form of an item.
    pub fn noun(self) -> &'static str {
        match self {
            Self::SecretsManager => "secret",
            Self::ParameterStore => "parameter",
        }
    }
}

impl fmt::Display for UpstreamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretsManager => "secretsmanager",
            Self::ParameterStore => "ssm",
        })
    }
}

/// A value for each upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerUpstream<T> {
    /// Secrets Manager's.
    pub secrets_manager: T,
    /// Parameter Store's.
    pub parameter_store: T,
}

impl<T> PerUpstream<T> {
    /// The value for this upstream.
    pub fn get(&self, upstream: UpstreamKind) -> &T {
        match upstream {
            UpstreamKind::SecretsManager => &self.secrets_manager,
            UpstreamKind::ParameterStore => &self.parameter_store,
        }
    }

    /// The value for this upstream, to be changed.
    pub fn get_mut(&mut self, upstream: UpstreamKind) -> &mut T {
        match upstream {
            UpstreamKind::SecretsManager => &mut self.secrets_manager,
            UpstreamKind::ParameterStore => &mut self.parameter_store,
        }
    }

    /// What `value` gives for each upstream.
    pub fn of(mut value: impl FnMut(UpstreamKind) -> T) -> Self {
        Self {
            secrets_manager: value(UpstreamKind::SecretsManager),
            parameter_store: value(UpstreamKind::ParameterStore),
        }
    }
}

/// The path that asks for a secret.
pub(crate) const SECRET_PATH: &str = "/secretsmanager/get";
/// The path that asks for a parameter.
pub(crate) const PARAMETER_PATH: &str = "/systemsmanager/parameters/get";

/// The stage that Secrets Manager answers with when none is asked for.
const DEFAULT_STAGE: &str = "AWSCURRENT";

/// One cacheable question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CacheKey {
    /// GetSecretValue.
    Secret(SecretKey),
    /// GetParameter.
    Parameter(ParameterKey),
}

/// Which secret, and which version of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretKey {
    /// Name, full ARN or partial ARN, as the client gave it, decoded.
    pub secret_id: String,
    /// A version's unique identifier.
    pub version_id: Option<String>,
    /// A staging label, such as `AWSPREVIOUS`.
    pub version_stage: Option<String>,
}

/// Which parameter, which version of it, and whether it is decrypted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ParameterKey {
    /// Name, path or ARN, as the client gave it, decoded.
    pub name: String,
    /// The version or label asked for; none means the latest.
    pub selector: Option<Selector>,
    /// Whether a `SecureString` is answered as plaintext or as ciphertext.
    pub with_decryption: bool,
}

/// A parameter's version or label: they are exclusive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// A version number. They are counted from 1; the service refuses others.
    Version(u64),
    /// A label.
    Label(String),
}

impl CacheKey {
    /// The service that answers this key.
    pub fn upstream(&self) -> UpstreamKind {
        match self {
            Self::Secret(_) => UpstreamKind::SecretsManager,
            Self::Parameter(_) => UpstreamKind::ParameterStore,
        }
    }

    /// The upstream's operation that answers this key, as AWS names it.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Secret(_) => "GetSecretValue",
            Self::Parameter(_) => "GetParameter",
        }
    }

    /// The bytes of its texts.
    pub fn text_len(&self) -> usize {
        let of = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        match self {
            Self::Secret(key) => key.secret_id.len() + of(&key.version_id) + of(&key.version_stage),
            Self::Parameter(ParameterKey {
                name, selector: Some(Selector::Label(label)), ..
            }) => name.len() + label.len(),
            Self::Parameter(key) => key.name.len(),
        }
    }

    /// The name or ARN that the client gave.
    pub fn id(&self) -> &str {
        match self {
            Self::Secret(key) => &key.secret_id,
            Self::Parameter(key) => &key.name,
        }
    }
}

impl SecretKey {
    /// Asking for the stage `AWSCURRENT` of no particular version is asking for no stage: it is
    /// what GetSecretValue answers by default.
    pub fn new(
        secret_id: String,
        version_id: Option<String>,
        version_stage: Option<String>,
    ) -> Self {
        let version_stage =
            version_stage.filter(|stage| version_id.is_some() || stage != DEFAULT_STAGE);
        Self { secret_id, version_id, version_stage }
    }
}

impl ParameterKey {
    /// The name as GetParameter takes it, with the selector joined to it: `name:3`, `name:Dev`.
    pub fn name_with_selector(&self) -> String {
        match &self.selector {
            None => self.name.clone(),
            Some(selector) => format!("{}{selector}", self.name),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, ":{version}"),
            Self::Label(label) => write!(f, ":{label}"),
        }
    }
}

/// The key as a log line shows it: the request path with decoded values. Control characters are
/// escaped, so that a name cannot forge a log line.
impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(key) => key.fmt(f),
            Self::Parameter(key) => key.fmt(f),
        }
    }
}

impl fmt::Display for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SECRET_PATH}?secretId={}", Escaped(&self.secret_id))?;
        if let Some(version_id) = &self.version_id {
            write!(f, "&versionId={}", Escaped(version_id))?;
        }
        if let Some(version_stage) = &self.version_stage {
            write!(f, "&versionStage={}", Escaped(version_stage))?;
        }
        Ok(())
    }
}

impl fmt::Display for ParameterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PARAMETER_PATH}?name={}", Escaped(&self.name))?;
        match &self.selector {
            Some(Selector::Version(version)) => write!(f, "&version={version}")?,
            Some(Selector::Label(label)) => write!(f, "&label={}", Escaped(label))?,
            None => {}
        }
        if self.with_decryption {
            f.write_str("&withDecryption=true")?;
        }
        Ok(())
    }
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{CacheKey, ParameterKey, SecretKey, Selector};

    #[test]
    fn a_secret_reads_in_the_log_as_its_request_path() {
        let key = CacheKey::Secret(SecretKey {
            secret_id: "lambda/extension/test".into(),
            version_id: Some("v1".into()),
            version_stage: Some("AWSPREVIOUS".into()),
        });
        assert_eq!(
            key.to_string(),
            "/secretsmanager/get?secretId=lambda/extension/test&versionId=v1&versionStage=AWSPREVIOUS"
        );
    }

    #[test]
    fn a_parameter_reads_in_the_log_as_its_request_path() {
        let key = CacheKey::Parameter(ParameterKey {
            name: "/app/db".into(),
            selector: Some(Selector::Label("Dev".into())),
            with_decryption: true,
        });
        assert_eq!(
            key.to_string(),
            "/systemsmanager/parameters/get?name=/app/db&label=Dev&withDecryption=true"
        );
    }

    #[test]
    fn a_line_break_in_a_name_cannot_forge_a_log_line() {
        let key = CacheKey::Secret(SecretKey {
            secret_id: "a\nERROR forged".into(),
            version_id: None,
            version_stage: None,
        });
        assert_eq!(key.to_string(), "/secretsmanager/get?secretId=a\\nERROR forged");
    }

    #[test]
    fn the_selector_is_joined_to_the_name_for_the_upstream() {
        let key = ParameterKey {
            name: "/app/db".into(),
            selector: Some(Selector::Version(3)),
            with_decryption: false,
        };
        assert_eq!(key.name_with_selector(), "/app/db:3");
    }
}
