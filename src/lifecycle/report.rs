//! Error reports to Lambda, and how Lambda's refusals are read.

use serde::{Deserialize, Serialize};

use crate::lifecycle::{api::Call, error::LifecycleError};

/// An error's type as AWS recommends it: `category.reason`, such as `Extension.ConfigInvalid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorType(&'static str);

impl ErrorType {
    /// Names a type of error, in visible ASCII, because it becomes the value of a header.
    pub const fn new(error_type: &'static str) -> Self {
        Self(error_type)
    }

    pub(super) fn as_str(self) -> &'static str {
        self.0
    }
}

/// The body of `init/error` and `exit/error`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorReport {
    error_message: String,
    /// Sent as the header `Lambda-Extension-Function-Error-Type` too.
    pub(super) error_type: ErrorType,
    /// Always empty: the API requires the field, and there is no trace to send.
    stack_trace: [&'static str; 0],
}

impl ErrorReport {
    /// Makes a report of `message`, which must not hold a secret: Lambda logs it.
    pub fn new(error_type: ErrorType, message: impl Into<String>) -> Self {
        Self { error_message: message.into(), error_type, stack_trace: [] }
    }
}

/// The body of a refusal.
#[derive(Debug, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Refusal {
    error_type: String,
    error_message: String,
}

impl Default for Refusal {
    fn default() -> Self {
        Self { error_type: "unknown".into(), error_message: "the answer names no reason".into() }
    }
}

/// Makes an error of a refusal. Where the body cannot be read, the status remains.
pub(super) fn refused(call: Call, status: u16, body: &[u8]) -> LifecycleError {
    let Refusal { error_type, error_message } = serde_json::from_slice(body).unwrap_or_default();
    LifecycleError::Refused { call, status, error_type, message: error_message }
}

#[cfg(test)]
mod tests {
    use super::{Call, ErrorReport, ErrorType, refused};

    #[test]
    fn a_report_has_the_three_fields_that_the_api_documents() {
        let report = ErrorReport::new(ErrorType::new("Extension.PortInUse"), "2773 is taken");
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"errorMessage":"2773 is taken","errorType":"Extension.PortInUse","stackTrace":[]}"#
        );
    }

    #[test]
    fn a_refusal_without_a_readable_body_still_has_its_status() {
        assert_eq!(
            refused(Call::Next, 500, b"<html>").to_string(),
            "next was refused with 500 unknown: the answer names no reason"
        );
    }
}
