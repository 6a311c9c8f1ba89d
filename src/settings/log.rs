//! What the log shows, and how.

use std::fmt;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// As AWS's extension writes it.
    Text,
    /// A JSON object.
    Json,
}

/// How much is logged: each level shows its own lines and the graver ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Hits, misses, fetches, and all below.
    Debug,
    /// What starts and stops, and all below.
    Info,
    /// What was not as it should be, and all below.
    Warn,
    /// What went wrong.
    Error,
    /// Nothing at all.
    None,
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::None => "none",
        })
    }
}
