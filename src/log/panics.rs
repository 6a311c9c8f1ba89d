//! A panic as a line of the log.

use std::{
    any::Any,
    panic::{self, Location},
};

use tracing::error;

/// From now on a panic is logged as an ERROR line with its location, instead of the standard
/// library's lines on standard error.
///
/// The message is logged only if it is a literal of the source, as in `panic!("text")`. A message
/// that is formatted at run time may hold a secret: that of `unwrap` holds the whole error, and
/// that of an assertion both sides.
pub fn log_panics() {
    panic::set_hook(Box::new(|info| log_panic(info.location(), info.payload())));
}

pub(super) fn log_panic(location: Option<&Location<'_>>, payload: &(dyn Any + Send)) {
    let (file, line) = location.map_or(("unknown", 0), |place| (place.file(), place.line()));
    match payload.downcast_ref::<&'static str>() {
        Some(message) => error!("panicked at {file}:{line}: {message}"),
        None => error!("panicked at {file}:{line}"),
    }
}
