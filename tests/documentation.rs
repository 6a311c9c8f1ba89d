//! What the pages say is what the program does: links, variables, error codes and log events.

mod error_codes;
mod links;
mod log_events;
pub mod pages;
mod settings;
mod source;
mod width;
