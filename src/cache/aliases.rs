//! Which questions turned out to be one.
//!
//! A secret has a name, a full ARN and a partial ARN (without the six characters at its end). That two of
//! them mean the same secret is known only once an answer has shown it, and only in one direction: a name
//! means a secret of the caller's own account and region, so the answer to a name tells which ARN it has,
//! but the answer to an ARN does not tell what a bare name would find.

use std::{collections::HashMap, rc::Rc};

use crate::key::{CacheKey, SecretKey};

/// Six characters that Secrets Manager appends to a name, with a hyphen, to make an ARN.
const SUFFIX_LENGTH: usize = 6;

/// Other spellings of keys that have an actor. Bound: two for each of these.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    /// Counted, because all spellings of one key share it: a full cache has thousands.
    key_of: HashMap<CacheKey, Rc<CacheKey>>,
}

impl Aliases {
    /// The key whose actor answers this question.
    pub(super) fn resolve(&self, key: CacheKey) -> CacheKey {
        match self.key_of.get(&key) {
            Some(same) => CacheKey::clone(same),
            None => key,
        }
    }

    pub(super) fn learn(&mut self, alias: CacheKey, key: Rc<CacheKey>) {
        self.key_of.insert(alias, key);
    }

    /// From here on this question is a key of its own.
    pub(super) fn unlearn(&mut self, alias: &CacheKey) {
        self.key_of.remove(alias);
    }

    /// Drops the other spellings of this key, which the answer from this ARN had shown. One that has become
    /// another key's meanwhile stays.
    pub(super) fn forget(&mut self, key: &CacheKey, arn: &str) {
        for alias in other_names(key, arn) {
            if self.key_of.get(&alias).is_some_and(|same| **same == *key) {
                self.key_of.remove(&alias);
            }
        }
    }
}

/// The other spellings of `key`, now that its answer came from the secret with this full ARN. Version and
/// stage stay what they are: a different one is a different question.
pub(super) fn other_names(key: &CacheKey, arn: &str) -> Vec<CacheKey> {
    let CacheKey::Secret(secret) = key else { return Vec::new() };
    let partial = partial_arn(arn);
    let asked = secret.secret_id.as_str();
    let was_the_name = partial.and_then(name_in).is_some_and(|name| name == asked);
    if asked != arn && partial != Some(asked) && !was_the_name {
        return Vec::new();
    }
    [Some(arn), partial]
        .into_iter()
        .flatten()
        .filter(|name| *name != asked)
        .map(|name| CacheKey::Secret(SecretKey { secret_id: name.to_owned(), ..secret.clone() }))
        .collect()
}

/// Whether what the secret with this full ARN holds may answer `key`. A name finds whichever secret has it
/// now; an ARN means the one secret alone.
pub(super) fn may_answer(arn: &str, key: &CacheKey) -> bool {
    let CacheKey::Secret(SecretKey { secret_id: asked, .. }) = key else { return true };
    !asked.starts_with("arn:") || asked == arn || without_suffix(arn) == Some(asked)
}

/// The ARN without its six characters; `None` if it has none, or if what is left would be read as a full
/// ARN itself, because the secret's own name ends like one.
fn partial_arn(arn: &str) -> Option<&str> {
    let partial = without_suffix(arn)?;
    without_suffix(partial).is_none().then_some(partial)
}

fn without_suffix(arn: &str) -> Option<&str> {
    let (partial, suffix) = arn.rsplit_once('-')?;
    let is_suffix =
        suffix.len() == SUFFIX_LENGTH && suffix.bytes().all(|b| b.is_ascii_alphanumeric());
    is_suffix.then_some(partial)
}

/// `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME` without the six characters.
fn name_in(partial_arn: &str) -> Option<&str> {
    partial_arn.splitn(7, ':').nth(6)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{Aliases, may_answer, other_names};
    use crate::key::{CacheKey, SecretKey};

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db-a1B2c3";
    const PARTIAL: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:app/db";

    fn secret(secret_id: &str) -> CacheKey {
        CacheKey::Secret(SecretKey {
            secret_id: secret_id.into(),
            version_id: None,
            version_stage: None,
        })
    }

    #[test]
    fn a_key_is_forgotten_under_its_own_other_names_alone() {
        let mut aliases = Aliases::default();
        let [name, arn, partial] = ["app/db", ARN, PARTIAL].map(secret);
        aliases.learn(arn.clone(), Rc::new(name.clone()));
        aliases.learn(partial.clone(), Rc::new(name.clone()));
        aliases.learn(partial.clone(), Rc::new(arn.clone()));

        aliases.forget(&name, ARN);

        assert_eq!(aliases.resolve(arn.clone()), arn);
        assert_eq!(aliases.resolve(partial.clone()), arn);
        aliases.forget(&arn, ARN);
        assert!(aliases.key_of.is_empty());
    }

    #[test]
    fn the_answer_to_a_name_shows_both_arns() {
        assert_eq!(other_names(&secret("app/db"), ARN), [secret(ARN), secret(PARTIAL)]);
    }

    #[test]
    fn the_answer_to_an_arn_shows_the_other_arn_and_never_what_a_bare_name_means() {
        assert_eq!(other_names(&secret(ARN), ARN), [secret(PARTIAL)]);
        assert_eq!(other_names(&secret(PARTIAL), ARN), [secret(ARN)]);
    }

    #[test]
    fn only_a_full_arn_rules_an_answer_out() {
        let made_anew = format!("{PARTIAL}-z9Y8x7");
        for (asked, may) in [("app/db", true), (PARTIAL, true), (ARN, false), (&made_anew, true)] {
            assert_eq!(may_answer(&made_anew, &secret(asked)), may, "{asked}");
        }
        // A partial ARN that looks like a full one.
        assert!(may_answer(&format!("{ARN}-x9Y8z7"), &secret(ARN)));
    }

    #[test]
    fn a_version_and_a_stage_stay_what_they_are() {
        let key = |secret_id: &str| {
            CacheKey::Secret(SecretKey {
                secret_id: secret_id.into(),
                version_id: Some("v1".into()),
                version_stage: Some("AWSPREVIOUS".into()),
            })
        };
        assert_eq!(other_names(&key("app/db"), ARN), [key(ARN), key(PARTIAL)]);
    }

    #[test]
    fn a_name_that_ends_like_an_arn_has_no_partial_arn() {
        let arn = format!("{ARN}-x9Y8z7");
        assert_eq!(other_names(&secret(&arn), &arn), []);
    }

    #[test]
    fn an_answer_that_is_not_the_asked_secrets_shows_nothing() {
        assert_eq!(other_names(&secret("other"), ARN), []);
    }
}
