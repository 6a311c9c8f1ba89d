//! The name under which the extension registers.

use std::path::Path;

use crate::lifecycle::{api::is_header_safe, error::LifecycleError};

/// The name under which the extension registers: its file name in `/opt/extensions`. Lambda takes
/// an extension with any other name for an internal one, which gets no SHUTDOWN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionName(String);

impl ExtensionName {
    /// The limit that the API documents, in bytes; it also bounds the register request.
    const MAX_LENGTH: usize = 128;

    /// Checks a name.
    ///
    /// # Errors
    ///
    /// It is empty, too long, or cannot be the value of a header.
    pub fn new(name: impl Into<String>) -> Result<Self, LifecycleError> {
        let name = name.into();
        if name.len() <= Self::MAX_LENGTH && is_header_safe(&name) {
            Ok(Self(name))
        } else {
            Err(LifecycleError::InvalidName(name.escape_debug().to_string()))
        }
    }

    /// The file name of an executable. `path` is the one by which it was started, not the target of
    /// a symbolic link: Lambda knows the link.
    ///
    /// # Errors
    ///
    /// As with [`Self::new`].
    pub fn of_executable(path: &Path) -> Result<Self, LifecycleError> {
        Self::new(path.file_name().unwrap_or_default().to_string_lossy())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
