//! Where values come from: key in, finished response body out.

use std::{fmt, rc::Rc};

use futures_util::future::LocalBoxFuture;

use crate::{
    fetch::error::FetchError,
    key::{CacheKey, ParameterKey, SecretKey},
    secret::SecretValue,
};

/// How one call to an upstream ends: with the finished response body, serialised as clients get it,
/// or an error.
pub type UpstreamAnswer = Result<SecretValue, FetchError>;

/// How one call for several keys ends: for each key in their order with its body, or with nothing
/// if the answer does not say what becomes of it; or with an error for all of them.
pub type BatchAnswer = Result<Vec<Option<SecretValue>>, FetchError>;

/// Answers one kind of key.
///
/// The pool bounds how many calls run at once and how long one may take; an implementation does
/// neither.
pub trait Upstream<K> {
    /// Prepares the first call, so that it takes less time. By default there is nothing to prepare.
    ///
    /// # Errors
    ///
    /// The upstream cannot be called at all.
    fn warm_up(&self) -> LocalBoxFuture<'_, Result<(), FetchError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Asks once. The future owns all it needs: the pool runs it as a task of its own.
    fn fetch(&self, key: K) -> LocalBoxFuture<'static, UpstreamAnswer>;

    /// Asks once for several keys, whose names differ. By default nothing is answered: each key is
    /// then asked for alone.
    fn fetch_together(&self, keys: Vec<K>) -> LocalBoxFuture<'static, BatchAnswer> {
        let _ = keys;
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

/// The upstream of each kind of key.
#[derive(Clone)]
pub struct Upstreams {
    /// Answers secrets.
    pub secrets_manager: Rc<dyn Upstream<SecretKey>>,
    /// Answers parameters.
    pub parameter_store: Rc<dyn Upstream<ParameterKey>>,
}

impl Upstreams {
    /// The same upstream for both kinds.
    pub fn of_one<U>(upstream: U) -> Self
    where
        U: Upstream<SecretKey> + Upstream<ParameterKey> + 'static,
    {
        let upstream = Rc::new(upstream);
        Self { secrets_manager: Rc::clone(&upstream) as _, parameter_store: upstream }
    }

    /// Prepares the first call to each upstream. Returns the errors.
    pub async fn warm_up(&self) -> Vec<FetchError> {
        let Self { secrets_manager, parameter_store } = self;
        let outcomes = [secrets_manager.warm_up().await, parameter_store.warm_up().await];
        outcomes.into_iter().filter_map(Result::err).collect()
    }

    /// Asks the one that answers this key, without a pool.
    pub fn fetch(&self, key: CacheKey) -> LocalBoxFuture<'static, UpstreamAnswer> {
        match key {
            CacheKey::Secret(key) => self.secrets_manager.fetch(key),
            CacheKey::Parameter(key) => self.parameter_store.fetch(key),
        }
    }
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstreams").finish_non_exhaustive()
    }
}
