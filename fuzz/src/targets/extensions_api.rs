//! What the Extensions API answers: an event, or the answer to the registration.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use parameters_secrets_extension::{
    lifecycle::{Event, Events},
    seams,
};
use serde_json::value::RawValue;

pub fn run(bytes: &[u8]) {
    // Details are not looked at: what is wrong in one is no reason to refuse an event, but here.
    let details = serde_json::from_slice::<BTreeMap<String, &RawValue>>(bytes);
    if let (Ok(event), Ok(details)) = (seams::event(bytes), details) {
        let kind: String = serde_json::from_str(details["eventType"].get()).expect("a text");
        let is = |expected: &str| kind == expected;
        match event {
            Event::Invoke { .. } => assert!(is("INVOKE")),
            Event::Shutdown { .. } => assert!(is("SHUTDOWN")),
            Event::Unknown => assert!(!is("INVOKE") && !is("SHUTDOWN")),
        }
    }
    // A slice is read without a pause: its answer is there at once.
    let mut answer = bytes;
    let registration = seams::registration(&mut answer, Events::InvokeAndShutdown).now_or_never();
    if let Some(Ok(registration)) = registration {
        let id = registration.extension_id.to_string();
        assert!(!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id:?}");
    }
}
