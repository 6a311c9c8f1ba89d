//! What is AWS's: the set-up that both services share, their clients, their calls and their errors.

mod answer_limit;
mod attempts;
mod call_thread;
mod causes;
mod credentials;
mod current_token;
mod endpoint;
mod http_pool;
mod parameter_store;
mod probe;
mod redact;
mod region;
mod retries;
mod sdk_error;
mod secrets_manager;
mod service_client;
mod set_up;
mod user_agent;

use std::{rc::Rc, sync::Arc};

pub(crate) use causes::causes;
pub use credentials::WHERE_CREDENTIALS_COME_FROM;
pub use current_token::{CurrentToken, SessionToken};
pub use endpoint::endpoint;
pub use http_pool::TLS_LIBRARY;
pub use parameter_store::ParameterStore;
pub(crate) use sdk_error::kind_of;
pub use secrets_manager::SecretsManager;
pub use set_up::Aws;

use crate::fetch::upstream::Upstreams;

/// Both services, over what they share.
pub fn upstreams(aws: &Arc<Aws>) -> Upstreams {
    Upstreams {
        secrets_manager: Rc::new(SecretsManager::new(Arc::clone(aws))),
        parameter_store: Rc::new(ParameterStore::new(Arc::clone(aws))),
    }
}
