//! Who answers a fetch: key in, finished response body out.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use super::error::FetchError;
use crate::{key::CacheKey, secret::SecretValue};

/// Answers keys of one service.
///
/// Implementations: [`SecretsManager`](super::secrets_manager::SecretsManager),
/// [`ParameterStore`](super::parameter_store::ParameterStore) and
/// [`LocalStore`](super::local_store::LocalStore). The pool bounds how many calls run at once and
/// how long one may take; an implementation does neither.
pub trait Upstream {
    /// Asks once. The answer is the finished response body, serialised as clients get it.
    ///
    /// The future owns all it needs: the pool runs it as a task of its own.
    fn fetch(&self, key: CacheKey) -> LocalBoxFuture<'static, Result<SecretValue, FetchError>>;
}

/// Who answers which service's keys.
#[derive(Clone)]
pub struct Upstreams {
    /// Answers [`CacheKey::Secret`].
    pub secrets_manager: Rc<dyn Upstream>,
    /// Answers [`CacheKey::Parameter`].
    pub parameter_store: Rc<dyn Upstream>,
}

impl std::fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstreams").finish_non_exhaustive()
    }
}
