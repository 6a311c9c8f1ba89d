//! Which keys can share a call.

/// Whether a key can share a call with others.
pub trait Batchable {
    /// Keys of one group may share a call, if their names differ. `None`, the default: the key goes
    /// alone.
    fn group(&self) -> Option<Group<'_>> {
        None
    }
}

/// See [`Batchable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// A call has one such flag for all of its names.
    pub with_decryption: bool,
    /// By which the answers are told apart.
    pub name: &'a str,
}
