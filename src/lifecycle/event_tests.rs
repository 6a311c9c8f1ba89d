use proptest::{prelude::any, proptest};

use super::{Event, ShutdownReason};

fn event(json: &str) -> Event {
    Event::read(json.as_bytes()).unwrap()
}

#[test]
fn an_invoke_has_its_request_id() {
    assert_eq!(
        event(
            r#"{"eventType":"INVOKE","deadlineMs":1500,"requestId":"r-1","invokedFunctionArn":"arn"}"#
        ),
        Event::Invoke { request_id: "r-1".into() }
    );
}

#[test]
fn a_reason_is_known_in_any_letter_case_and_kept_when_unknown() {
    for (word, reason) in [
        ("spindown", ShutdownReason::Spindown),
        ("Timeout", ShutdownReason::Timeout),
        ("FAILURE", ShutdownReason::Failure),
        ("SandboxTerminated", ShutdownReason::Other("SandboxTerminated".into())),
    ] {
        let json = format!(r#"{{"eventType":"SHUTDOWN","shutdownReason":"{word}"}}"#);
        assert_eq!(event(&json), Event::Shutdown { reason });
    }
}

#[test]
fn no_detail_of_any_type_makes_an_event_another_one() {
    let shutdown = Event::Shutdown { reason: ShutdownReason::default() };
    let invoke = Event::Invoke { request_id: String::new() };
    for detail in [
        "",
        ",\"deadlineMs\":1.5",
        ",\"deadlineMs\":-1",
        ",\"deadlineMs\":1e999",
        ",\"x\":[{}]",
        ",\"shutdownReason\":null,\"requestId\":null",
        ",\"shutdownReason\":7,\"requestId\":{\"a\":[]}",
        ",\"shutdownReason\":\"a\",\"shutdownReason\":\"b\",\"requestId\":1,\"requestId\":2",
    ] {
        assert_eq!(event(&format!(r#"{{"eventType":"SHUTDOWN"{detail}}}"#)), shutdown, "{detail}");
        assert_eq!(event(&format!(r#"{{"eventType":"INVOKE"{detail}}}"#)), invoke, "{detail}");
        assert_eq!(event(&format!(r#"{{"eventType":"SNAPSHOT"{detail}}}"#)), Event::Unknown);
    }
}

#[test]
fn a_body_without_a_type_is_an_error() {
    for json in ["", "{", "[]", "{}", "null", r#"{"eventType":1}"#, r#"{"eventType":null}"#] {
        assert!(Event::read(json.as_bytes()).is_err(), "{json}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
        let _ = Event::read(&bytes);
    }
}
