//! What a client did wrong, said so that it can be put right.

use std::fmt;

use crate::{
    field::FieldError,
    key::{PARAMETER_PATH, SECRET_PATH},
};

/// Long enough to recognise one's own mistake, short enough that an error stays one line.
const MAX_SHOWN_CHARS: usize = 80;

/// What is wrong with a request, said to the one who wrote it: this text follows `Bad Request: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// It came through a proxy, so it is not this function's own.
    #[error("forwarded requests are refused")]
    Forwarded,
    /// It was made for a host that is not this one.
    #[error("host is {0}: it must be localhost, 127.0.0.1 or [::1]")]
    ForeignHost(Shown),
    /// Any method but GET.
    #[error("only GET is answered")]
    Method,
    /// Neither of the two paths.
    #[error("unknown path {0}: ask for {SECRET_PATH} or {PARAMETER_PATH}")]
    UnknownPath(Shown),
    /// A required parameter is missing or empty.
    #[error("query parameter {parameter} is missing or empty: it must be {expected}")]
    Missing {
        /// Its name.
        parameter: &'static str,
        /// What would be right.
        expected: &'static str,
    },
    /// A parameter that is none and nearly has the name of one. Others are ignored.
    #[error("unknown query parameter {given}: did you mean {meant}?")]
    Misspelt {
        /// What it was.
        given: Shown,
        /// What it nearly is.
        meant: &'static str,
    },
    /// A parameter's value is not one of those it may have.
    #[error("query parameter {parameter} is {value}: it must be {expected}")]
    Invalid {
        /// Its name.
        parameter: &'static str,
        /// What it was.
        value: Shown,
        /// What would be right.
        expected: &'static str,
    },
    /// A batch of more items than one may have.
    #[error("query parameter {parameter} is there {count} times: a batch has at most {most} items")]
    TooMany {
        /// The parameter that names an item.
        parameter: &'static str,
        /// How many items were asked for.
        count: usize,
        /// How many may be.
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
    /// A name or value that is not UTF-8 once decoded.
    #[error("query parameter {parameter} is not UTF-8 after percent-decoding")]
    NotUtf8 {
        /// The parameter's name, as far as it can be read.
        parameter: Shown,
    },
}

/// A client's own words as an error repeats them: in double quotes, control characters escaped, and
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
