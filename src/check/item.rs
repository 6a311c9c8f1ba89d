//! One secret or parameter: may it be read, and may its KMS key be used?

use std::fmt;

use tokio::time::timeout;

use crate::{
    check::report::{Failure, Report},
    fetch::{demand::LONGEST_FETCH, error::FetchError, upstream::Upstreams},
    key::{CacheKey, ParameterKey, UpstreamKind},
    prefetch::key_of,
};

/// An item of the command line.
pub(super) struct Item {
    text: String,
    key: CacheKey,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text.escape_debug())
    }
}

/// The line about an item's key.
struct Kms<'a>(&'a Item);

impl fmt::Display for Kms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KMS {}", self.0)
    }
}

impl Item {
    /// `None`, and a failed line, if the text names no value.
    pub(super) fn read(text: &str, report: &mut Report) -> Option<Self> {
        match key_of(text) {
            Ok(key) => Some(Self { text: text.to_owned(), key }),
            Err(error) => {
                let why = format!("{text:?} is no item: {error}");
                report
                    .failed("argument", Failure::new(why, "write secret:NAME or parameter:/NAME"));
                None
            }
        }
    }

    pub(super) fn service(&self) -> UpstreamKind {
        self.key.upstream()
    }

    /// Reads it once from a store that knows neither permissions nor keys.
    pub(super) async fn find(&self, upstreams: &Upstreams, report: &mut Report) {
        let found = async {
            match fetch(upstreams, self.decrypted()).await {
                Ok(()) => Ok(((), "can be read".to_owned())),
                Err(error) => Err(failure(self.service(), &error)),
            }
        };
        report.step(self, found).await;
    }

    /// Reads it, and writes a line for the permission and one for the KMS key.
    pub(super) async fn check(&self, upstreams: &Upstreams, report: &mut Report) {
        let (operation, service) = (self.key.operation(), self.service());
        let permission = async {
            let allowed = format!("{operation} is allowed");
            match fetch(upstreams, self.encrypted()).await {
                Ok(()) => Ok((Ok(()), allowed)),
                // The permission was checked before the key was tried.
                Err(error) if is_about_the_key(&error) => Ok((Err(error), allowed)),
                Err(error) => Err(failure(service, &error)),
            }
        };
        let Some(read) = report.step(self, permission).await else { return };
        let decryption = async {
            let decrypted = match &self.key {
                CacheKey::Secret(_) => read,
                CacheKey::Parameter(_) => fetch(upstreams, self.decrypted()).await,
            };
            decrypted
                .map(|()| ((), "it can be decrypted".to_owned()))
                .map_err(|error| failure(service, &error))
        };
        report.step(Kms(self), decryption).await;
    }

    /// The question that needs no KMS key, where there is one: GetSecretValue always decrypts.
    fn encrypted(&self) -> CacheKey {
        self.with_decryption(false)
    }

    fn decrypted(&self) -> CacheKey {
        self.with_decryption(true)
    }

    fn with_decryption(&self, with_decryption: bool) -> CacheKey {
        match &self.key {
            CacheKey::Parameter(key) => {
                CacheKey::Parameter(ParameterKey { with_decryption, ..key.clone() })
            }
            CacheKey::Secret(_) => self.key.clone(),
        }
    }
}

/// Reads the value and forgets it.
async fn fetch(upstreams: &Upstreams, key: CacheKey) -> Result<(), FetchError> {
    let service = key.upstream();
    match timeout(LONGEST_FETCH, upstreams.fetch(key)).await {
        Ok(outcome) => outcome.map(|_value| ()),
        Err(_elapsed) => Err(FetchError::deadline_passed(service, LONGEST_FETCH)),
    }
}

/// Whether it was the value's KMS key that could not be used. Both services answer
/// `AccessDeniedException` for it, and mention the key in the message alone. If that names the
/// action, it decides: a role or a value may be called anything.
fn is_about_the_key(error: &FetchError) -> bool {
    match error {
        FetchError::Upstream { code, message, .. } => match code.as_str() {
            "DecryptionFailure" | "InvalidKeyId" => true,
            "AccessDeniedException" => match message.split_once("not authorized to perform: ") {
                Some((_, action)) => action.starts_with("kms:"),
                None => ["KMS", "kms:", "ciphertext"].iter().any(|word| message.contains(word)),
            },
            code => code.starts_with("KMS"),
        },
        _ => false,
    }
}

fn failure(service: UpstreamKind, error: &FetchError) -> Failure {
    Failure::new(format!("{}: {error}", error.code()), to_do(service, error))
}

fn to_do(service: UpstreamKind, error: &FetchError) -> &'static str {
    if is_about_the_key(error) {
        return "allow kms:Decrypt on its key: in the role's policy, and in the key's own policy";
    }
    match error.code() {
        "AccessDeniedException" | "AccessDenied" => match service {
            UpstreamKind::SecretsManager => {
                "allow secretsmanager:GetSecretValue on it in the role's policy; \
                 if that is there, look at the secret's own policy and the VPC endpoint's"
            }
            UpstreamKind::ParameterStore => {
                "allow ssm:GetParameter on it in the role's policy; \
                 if that is there, look at the VPC endpoint's policy"
            }
        },
        "ResourceNotFoundException" | "ParameterNotFound" | "ParameterVersionNotFound" => {
            "compare name, version and region; a value of another account needs its full ARN"
        }
        "InvalidRequestException" => "if it is scheduled for deletion, restore it",
        "ExpiredTokenException" | "ExpiredToken" | "RequestExpired" => {
            "get new credentials, and compare the clocks"
        }
        "UnrecognizedClientException" | "InvalidSignatureException" => {
            "the access key, the secret key and the session token must be of one set: export all three anew"
        }
        "LocalStoreInvalid" => "correct the file at that place",
        _ => "docs/errors.md explains the codes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::error::UpstreamErrorKind;

    fn upstream(code: &str, message: &str) -> FetchError {
        let kind = UpstreamErrorKind::Refusal;
        FetchError::Upstream { code: code.to_owned(), message: message.to_owned(), kind }
    }

    #[test]
    fn a_refusal_of_the_key_is_told_from_a_refusal_of_the_value() {
        for (code, message) in [
            ("AccessDeniedException", "Access to KMS is not allowed"),
            ("AccessDeniedException", "User: x is not authorized to perform: kms:Decrypt on y"),
            (
                "AccessDeniedException",
                "The ciphertext refers to a customer master key that does not exist",
            ),
            ("DecryptionFailure", "its words"),
            ("InvalidKeyId", "its words"),
            ("KMSAccessDeniedException", "its words"),
        ] {
            assert!(is_about_the_key(&upstream(code, message)), "{code} {message}");
        }
        for value in [
            "User: x is not authorized to perform: secretsmanager:GetSecretValue on y",
            "User: arn:aws:sts::1:assumed-role/KMS/fn is not authorized to perform: \
             ssm:GetParameter on resource: arn:aws:ssm:eu-west-1:1:parameter/kms:/ciphertext",
        ] {
            assert!(!is_about_the_key(&upstream("AccessDeniedException", value)), "{value}");
        }
        assert!(!is_about_the_key(&upstream("ResourceNotFoundException", "KMS")));
    }
}
