//! What we lean on in actix and actix-http, each in a test of its own: both may change below us.

mod actors;
mod http;
