//! x
pub mod clock;
pub mod fetch;
pub mod key;
pub mod log;
pub mod secret;
pub mod settings;
