//! What is wrong with a request, worded so that the author of the client can correct it.

use std::fmt;

use crate::{
    field::FieldError,
    key::{PARAMETER_PATH, SECRET_PATH},
};

/// Long enough to recognise the mistake, short enough for an error to stay on one line.
const MAX_SHOWN_CHARS: usize = 80;

/// What is wrong with a request. The text follows `Bad Request: ` in the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// The request came through a proxy, so it may not be the function's own.
    #[error("forwarded requests are refused")]
    Forwarded,
    /// The request names another host.
    #[error("host is {0}: it must be localhost, 127.0.0.1 or [::1]")]
    ForeignHost(Shown),
    /// Any method but GET.
    #[error("only GET is answered")]
    Method,
    /// No endpoint has this path.
    #[error("unknown path {0}: ask for {SECRET_PATH} or {PARAMETER_PATH}")]
    UnknownPath(Shown),
    /// A required parameter is missing or empty.
    #[error("query parameter {parameter} is missing or empty: it must be {expected}")]
    Missing {
        /// The parameter.
        parameter: &'static str,
        /// What the value must be.
        expected: &'static str,
    },
    /// A parameter's value is longer than AWS allows for any.
    #[error("query parameter {parameter} has {length} characters: it must have at most {most}")]
    TooLong {
        /// The parameter.
        parameter: &'static str,
        /// How long it was, in characters.
        length: usize,
        /// How long it may be.
        most: usize,
    },
    /// An unknown parameter whose name is close to that of a known one. Other unknown parameters
    /// are ignored.
    #[error("unknown query parameter {given}: did you mean {meant}?")]
    Misspelt {
        /// What the client sent.
        given: Shown,
        /// The known parameter.
        meant: &'static str,
    },
    /// A parameter has a value that is not allowed.
    #[error("query parameter {parameter} is {value}: it must be {expected}")]
    Invalid {
        /// The parameter.
        parameter: &'static str,
        /// What the client sent.
        value: Shown,
        /// What the value must be.
        expected: &'static str,
    },
    /// A batch asks for too many items.
    #[error("query parameter {parameter} is there {count} times: a batch has at most {most} items")]
    TooMany {
        /// The parameter that names an item.
        parameter: &'static str,
        /// How many items were asked for.
        count: usize,
        /// The limit.
        most: usize,
    },
    /// A `%` that is not followed by two hexadecimal digits.
    #[error(
        "query parameter {parameter} has the broken percent-encoding {sequence}: \
         % must be followed by two hexadecimal digits, and a % itself is written %25"
    )]
    BrokenEncoding {
        /// The parameter's name, as far as it can be read.
        parameter: Shown,
        /// The broken sequence.
        sequence: Shown,
    },
    /// The value that was asked for has no such field.
    #[error("query parameter field: {0}")]
    Field(FieldError),
    /// A known parameter's value that is not UTF-8 once decoded.
    #[error("query parameter {parameter} is not UTF-8 after percent-decoding")]
    NotUtf8 {
        /// The parameter's name, as far as it can be read.
        parameter: Shown,
    },
}

/// Text of a request as an error repeats it: in double quotes, with control characters escaped, and
/// cut, because a request may hold anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// Keeps the first 80 characters.
    pub fn new(text: &str) -> Self {
        // Cut here, not when displayed: an error must not keep a megabyte alive.
        let mut kept: String = text.chars().take(MAX_SHOWN_CHARS).collect();
        if kept.len() < text.len() {
            kept.push('…');
        }
        Self(kept)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
