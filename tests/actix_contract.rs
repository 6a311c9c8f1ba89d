//! The behaviour of actix and actix-http on which the program relies, with a test for each: both
//! may change.

mod actors;
mod http;
