//! When the Extensions API fails, and when the extension does.

use parameters_secrets_extension::lifecycle::{
    Call, ErrorReport, ErrorType, LifecycleError, report_exit_error, report_init_error,
};
use tokio::{task::spawn_local, time};

use super::{registered, send, shut_down, start};
use crate::support::{
    extensions_api::{EXTENSION_ID, FakeExtensionsApi, Reply},
    log::PanickingLog,
    soon,
};

const PORT_IN_USE: ErrorType = ErrorType::new("Extension.PortInUse");

fn report() -> ErrorReport {
    ErrorReport::new(PORT_IN_USE, "2773 is taken")
}

#[actix_rt::test]
async fn an_api_that_is_gone_for_good_is_an_error_for_every_reader() {
    let mut api = FakeExtensionsApi::start().await;
    let mut lifecycle = start(&api);
    let mut early = lifecycle.clone();
    let early = spawn_local(async move { early.shutdown().await });
    registered(&lifecycle).await.unwrap();
    api.received(2).await;
    time::pause();
    api.go_away().await;
    assert!(soon(lifecycle.invoked()).await.is_err(), "no INVOKE will come either");
    for outcome in [soon(early).await.unwrap(), shut_down(&lifecycle).await] {
        let error = outcome.unwrap_err();
        let LifecycleError::GaveUp { call: Call::Next, attempts: 5, cause } = &*error else {
            panic!("{error}");
        };
        assert!(matches!(**cause, LifecycleError::Connect { .. }), "{cause}");
    }
    assert!(registered(&lifecycle).await.is_ok(), "it was registered");
}

#[actix_rt::test]
async fn a_panic_of_ours_is_an_error_for_every_reader() {
    let api = FakeExtensionsApi::start().await;
    let log = PanickingLog::at(1);
    let lifecycle = start(&api);
    let other = lifecycle.clone();

    for reader in [&lifecycle, &other] {
        let error = shut_down(reader).await.unwrap_err();
        assert!(matches!(*error, LifecycleError::Abandoned), "{error}");
    }
    assert!(!log.will_panic());
}

#[actix_rt::test]
async fn a_next_that_is_refused_is_not_asked_again() {
    let api = FakeExtensionsApi::start().await;
    api.hand_out(Reply::refused(403, "Extension.UnknownExtensionIdentifier", "who?"));
    let lifecycle = start(&api);
    let error = shut_down(&lifecycle).await.unwrap_err();
    assert!(matches!(*error, LifecycleError::Refused { status: 403, .. }), "{error}");
    assert_eq!(api.calls(), ["register", "next"]);
}

#[actix_rt::test]
async fn malformed_events_are_asked_for_again_but_not_for_ever() {
    let api = FakeExtensionsApi::start().await;
    for malformed in ["", "{", "[]", "{}", r#"{"eventType":1}"#, r#"{"eventType":"SHUTDOWN"}"#] {
        api.hand_out(Reply::event(malformed));
    }
    let lifecycle = start(&api);
    registered(&lifecycle).await.unwrap();
    time::pause();
    let error = shut_down(&lifecycle).await.unwrap_err();
    assert!(matches!(*error, LifecycleError::GaveUp { attempts: 5, .. }), "{error}");
    assert_eq!(api.calls().len(), 6);
}

#[actix_rt::test]
async fn an_event_larger_than_any_event_is_not_kept_in_memory() {
    let api = FakeExtensionsApi::start().await;
    let padding = " ".repeat(1 << 20);
    api.hand_out(Reply::event(&format!(r#"{padding}{{"eventType":"INVOKE"}}"#)));
    api.hand_out(Reply::shutdown("spindown"));
    let lifecycle = start(&api);
    registered(&lifecycle).await.unwrap();
    time::pause();
    shut_down(&lifecycle).await.unwrap();
    assert_eq!(api.calls(), ["register", "next", "next"]);
    assert_eq!(api.received_so_far()[2].connection, 2, "the rest of it was not read");
}

#[actix_rt::test]
async fn a_register_answer_that_never_comes_ends_with_init() {
    time::pause();
    let api = FakeExtensionsApi::start().await;
    api.answer_register(Reply::Never);
    let lifecycle = start(&api);
    let error = shut_down(&lifecycle).await.unwrap_err();
    assert_eq!(error.to_string(), "no answer to register within 10000 ms");
}

#[actix_rt::test]
async fn an_init_error_carries_the_identifier_and_the_type() {
    let api = FakeExtensionsApi::start().await;
    report_init_error(send(&api), &report()).await.unwrap();
    assert_eq!(api.calls(), ["register", "init/error"]);
    let init_error = &api.received_so_far()[1];
    assert_eq!(init_error.method, "POST");
    assert_eq!(init_error.headers["lambda-extension-identifier"], EXTENSION_ID);
    assert_eq!(init_error.headers["lambda-extension-function-error-type"], "Extension.PortInUse");
    assert_eq!(
        init_error.body,
        r#"{"errorMessage":"2773 is taken","errorType":"Extension.PortInUse","stackTrace":[]}"#
    );
}

#[actix_rt::test]
async fn an_exit_error_does_not_wait_for_the_open_next() {
    let api = FakeExtensionsApi::start().await;
    let lifecycle = start(&api);
    let registration = registered(&lifecycle).await.unwrap();
    api.received(2).await;
    report_exit_error(api.runtime_api(), registration.extension_id, &report()).await.unwrap();
    assert_eq!(api.calls(), ["register", "next", "exit/error"]);
    assert_eq!(api.received_so_far()[2].headers["lambda-extension-identifier"], EXTENSION_ID);
}

#[actix_rt::test]
async fn a_report_that_is_not_answered_is_given_up_after_a_second() {
    let api = FakeExtensionsApi::start().await;
    api.answer_reports(Reply::Never);
    let (registration, _client) = send(&api).answer().await.unwrap();
    time::pause();
    let error = report_exit_error(api.runtime_api(), registration.extension_id, &report())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "no answer to exit/error within 1000 ms");
}

#[actix_rt::test]
async fn a_report_that_is_refused_has_the_words_of_the_api() {
    let api = FakeExtensionsApi::start().await;
    api.answer_reports(Reply::refused(403, "Extension.InvalidState", "not now"));
    let error = report_init_error(send(&api), &report()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "init/error was refused with 403 Extension.InvalidState: not now"
    );
}
