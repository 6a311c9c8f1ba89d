//! x
pub mod clock;
pub mod fetch;
pub mod http;
pub mod key;
pub mod secret;
