//! Which keys can share a call.

use crate::key::{ParameterKey, SecretKey};

/// Whether a key can share a call with others.
pub trait Batchable {
    /// Keys of one group may share a call, if their names differ. `None`: the key goes alone.
    fn group(&self) -> Option<Group<'_>>;
}

/// See [`Batchable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// A call has one such flag for all of its names.
    pub with_decryption: bool,
    /// By which the answers are told apart.
    pub name: &'a str,
}

/// BatchGetSecretValue has a hundredth of GetSecretValue's quota, and needs a permission on `*`.
impl Batchable for SecretKey {
    fn group(&self) -> Option<Group<'_>> {
        None
    }
}

/// An answer has the name without the selector, and never the ARN that was asked for.
impl Batchable for ParameterKey {
    fn group(&self) -> Option<Group<'_>> {
        let (with_decryption, name) = (self.with_decryption, self.name.as_str());
        (!name.starts_with("arn:")).then_some(Group { with_decryption, name })
    }
}
