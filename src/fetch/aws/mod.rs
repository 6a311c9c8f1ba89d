//! What is AWS's: the set-up that both services share, their clients, their calls and their errors.

mod client_cell;
mod credentials;
mod http_pool;
mod parameter_store;
mod sdk_error;
mod secrets_manager;
mod set_up;
mod user_agent;

pub use credentials::CurrentToken;
pub use parameter_store::ParameterStore;
pub use secrets_manager::SecretsManager;
pub use set_up::Aws;
