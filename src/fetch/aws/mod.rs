//! What is AWS's: the set-up that both services share, their clients, their calls and their errors.

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

pub(crate) use causes::causes;
pub use credentials::WHERE_CREDENTIALS_COME_FROM;
pub use current_token::{CurrentToken, SessionToken};
pub use endpoint::endpoint;
pub use http_pool::TLS_LIBRARY;
pub use parameter_store::ParameterStore;
pub(crate) use sdk_error::kind_of;
pub use secrets_manager::SecretsManager;
pub use set_up::Aws;
