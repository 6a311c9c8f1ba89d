//! The extension's name.

use std::path::Path;

use crate::lifecycle::{api::is_header_safe, error::LifecycleError};

/// The name an extension registers under. Lambda takes any other than the file name in
/// `/opt/extensions` for an internal extension, which gets no SHUTDOWN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionName(String);

impl ExtensionName {
    /// As long as the API documents a name to be; it also bounds the register request.
    const MAX_LENGTH: usize = 128;

    /// Takes a name that can stand in a header.
    pub fn new(name: impl Into<String>) -> Result<Self, LifecycleError> {
        let name = name.into();
        if name.len() <= Self::MAX_LENGTH && is_header_safe(&name) {
            Ok(Self(name))
        } else {
            Err(LifecycleError::InvalidName(name.escape_debug().to_string()))
        }
    }

    /// The file name of the executable. Take the path it was started by rather than what a
    /// symbolic link resolves to: Lambda knows the link.
    pub fn of_executable(path: &Path) -> Result<Self, LifecycleError> {
        Self::new(path.file_name().unwrap_or_default().to_string_lossy())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
