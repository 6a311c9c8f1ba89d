//! What is AWS's: the set-up that both services share, their clients, their calls and their errors.

mod call_thread;
mod client_cell;
mod credentials;
mod endpoint;
mod http_pool;
mod parameter_store;
mod probe;
mod redact;
mod region;
mod retries;
mod sdk_error;
mod secrets_manager;
mod set_up;
mod user_agent;

pub use credentials::{CurrentToken, SessionToken, WHERE_CREDENTIALS_COME_FROM};
pub use endpoint::endpoint;
pub use http_pool::TLS_LIBRARY;
pub use parameter_store::ParameterStore;
pub(crate) use sdk_error::{causes, kind_of};
pub use secrets_manager::SecretsManager;
pub use set_up::Aws;
