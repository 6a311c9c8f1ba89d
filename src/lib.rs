//! x
pub mod clock;
pub mod fetch;
pub mod key;
pub mod secret;
pub mod settings;
