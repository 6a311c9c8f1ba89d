//! The targets and the field by which events are told apart.

/// The target of this program's own events: this crate's name, with which all of its module paths
/// begin.
pub(super) const OWN_TARGET: &str = env!("CARGO_CRATE_NAME");

/// The target of lines without a level word. Their events are at ERROR, so that every filter but
/// off lets them through.
pub(super) const PLAIN_TARGET: &str = concat!(env!("CARGO_CRATE_NAME"), "::plain");

/// The target of this program's DEBUG lines, which [`debug!`](super::debug) writes.
pub(crate) const DEBUG_TARGET: &str = concat!(env!("CARGO_CRATE_NAME"), "::debug");

/// The field in which tracing keeps the text of an event.
pub(super) const MESSAGE: &str = "message";
