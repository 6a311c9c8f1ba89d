//! Where values come from: AWS, or the local store's file.

use std::{rc::Rc, sync::Arc};

use tracing::error;

use crate::{
    fetch::{
        aws::{Aws, CurrentToken, upstreams},
        local_store::LocalStore,
        upstream::Upstreams,
    },
    freeze::FreezeWatch,
    settings::Settings,
};

/// The region in the local store's ARNs where none is set.
const LOCAL_REGION: &str = "us-east-1";

/// Where values come from.
pub(crate) enum Backend {
    Aws { aws: Arc<Aws>, upstreams: Upstreams },
    LocalStore(LocalStore),
}

impl Backend {
    /// Opens and checks a local store; does nothing yet for AWS.
    ///
    /// # Errors
    ///
    /// The local store cannot be used: the text says why.
    pub(crate) fn new(settings: &Settings, freezes: FreezeWatch) -> Result<Self, String> {
        if let Some(path) = &settings.local_store {
            let region = settings.aws.region.as_deref().unwrap_or(LOCAL_REGION);
            return LocalStore::open(path, region)
                .map(Self::LocalStore)
                .map_err(|error| error.to_string());
        }
        let aws = Arc::new(Aws::new(settings.aws.clone(), settings.max_connections, freezes));
        settings.tokens.values().for_each(|token| aws.keep_secret(token));
        Ok(Self::Aws { upstreams: upstreams(&aws), aws })
    }

    /// Gives the current session token of a SnapStart function.
    pub(super) fn current_token(&self) -> Option<Rc<dyn CurrentToken>> {
        match self {
            Self::Aws { aws, .. } => Some(Rc::new(Arc::clone(aws))),
            Self::LocalStore(_) => None,
        }
    }

    pub(crate) fn upstreams(&self) -> Upstreams {
        match self {
            Self::Aws { upstreams, .. } => upstreams.clone(),
            Self::LocalStore(store) => Upstreams::of_one(store.clone()),
        }
    }

    /// Builds the AWS clients, and logs why one cannot be built.
    pub(super) async fn warm_up(&self) {
        for error in self.upstreams().warm_up().await {
            error!("{error}");
        }
    }
}
