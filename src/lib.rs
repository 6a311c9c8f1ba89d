//! An open replacement for the AWS Parameters and Secrets Lambda Extension.
//!
//! The tree is the path of a request:
//!
//! 1. [`http`] checks it and reads which [`key`] it asks for,
//! 2. [`cache`] answers from memory, or lets the caller join the key's one fetch,
//! 3. [`fetch`] waits for a permit and asks Secrets Manager, Parameter Store or a local file,
//! 4. the finished body ([`secret`]) goes back to every caller that waited,
//! 5. [`extension`] starts all of it in order and ends it when [`lifecycle`] tells of SHUTDOWN.
//!
//! Calls go down only. [`key`], [`settings`], [`clock`], [`secret`] and the pure parts of each
//! folder know no actor runtime. `actors.md` says what each actor owns, promises and refuses.

pub mod cache;
pub mod check;
pub mod clock;
pub mod command;
mod core_dumps;
mod did_you_mean;
pub mod extension;
pub mod fetch;
pub mod field;
pub mod freeze;
pub mod http;
pub mod key;
pub mod lifecycle;
pub mod log;
mod open_files;
mod ping;
pub mod prefetch;
#[doc(hidden)]
pub mod seams;
pub mod secret;
pub mod settings;
pub mod snapshot;
pub mod stats;
mod version;
