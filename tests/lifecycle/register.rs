//! Registering: what is asked, and how the answer is read.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use parameters_secrets_extension::{
    lifecycle::{Events, ExtensionName, LifecycleError, ShutdownReason, send_register},
    settings::{InitializationType, RuntimeApi},
};

use super::{name, registered, send, shut_down, start};
use crate::support::extensions_api::{EXTENSION_ID, FakeExtensionsApi, Reply};

const BOTH: &str = r#"{"events":["INVOKE","SHUTDOWN"]}"#;
const SHUTDOWN_ALONE: &str = r#"{"events":["SHUTDOWN"]}"#;

#[test]
fn the_register_request_leaves_before_any_runtime_exists() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let runtime_api = RuntimeApi::new(listener.local_addr().unwrap().to_string());
    let _pending = send_register(runtime_api, name(), Events::InvokeAndShutdown).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = vec![0; 1024];
    let length = stream.read(&mut request).unwrap();
    let request = str::from_utf8(&request[..length]).unwrap();
    assert!(request.starts_with("POST /2020-01-01/extension/register HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with(BOTH), "{request}");
}

#[test]
fn an_address_without_a_listener_is_an_error_at_once() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let unused = listener.local_addr().unwrap().to_string();
    drop(listener);
    for address in [unused.as_str(), "", "nonsense", "127.0.0.1", "127.0.0.1:0"] {
        let outcome = send_register(RuntimeApi::new(address), name(), Events::InvokeAndShutdown);
        assert!(matches!(outcome, Err(LifecycleError::Connect { .. })), "{address}");
    }
}

#[test]
fn a_name_that_cannot_stand_in_a_header_is_refused() {
    for bad in ["", "two words", "a\r\nForged: header", "é", &"a".repeat(129)] {
        let outcome = ExtensionName::new(bad);
        assert!(matches!(outcome, Err(LifecycleError::InvalidName(_))), "{bad}");
    }
    assert!(ExtensionName::of_executable("/".as_ref()).is_err());
}

#[actix_rt::test]
async fn registers_under_its_file_name_for_invoke_and_shutdown() {
    let api = FakeExtensionsApi::start().await;
    let lifecycle = start(&api);
    let registration = registered(&lifecycle).await.unwrap();
    let register = &api.received(1).await[0];
    assert_eq!(register.method, "POST");
    assert_eq!(register.headers["lambda-extension-name"], "parameters-secrets-extension");
    assert_eq!(register.body, BOTH);
    assert_eq!(registration.extension_id.to_string(), EXTENSION_ID);
    assert_eq!(registration.function.function_name, "fn1");
}

#[actix_rt::test]
async fn managed_instances_register_for_shutdown_alone() {
    let api = FakeExtensionsApi::start().await;
    let events = Events::for_initialization_type(&InitializationType::ManagedInstances);
    let pending = send_register(api.runtime_api(), name(), events).unwrap();
    let (registration, _client) = pending.answer().await.unwrap();
    assert_eq!(registration.events, Events::ShutdownOnly);
    assert_eq!(api.received_so_far()[0].body, SHUTDOWN_ALONE);
}

#[test]
fn every_other_initialization_type_registers_for_both() {
    use InitializationType::{OnDemand, ProvisionedConcurrency, SnapStart};
    for other in [&OnDemand, &ProvisionedConcurrency, &SnapStart] {
        assert_eq!(Events::for_initialization_type(other), Events::InvokeAndShutdown);
    }
}

#[actix_rt::test]
async fn registers_again_without_invoke_when_invoke_is_refused() {
    let api = FakeExtensionsApi::start().await;
    api.answer_register(Reply::refused(403, "Extension.InvalidEventType", "INVOKE"));
    api.hand_out(Reply::shutdown("spindown"));
    let lifecycle = start(&api);
    let reason = shut_down(&lifecycle).await.unwrap();
    let registration = registered(&lifecycle).await.unwrap();
    let received = api.received_so_far();
    assert_eq!(api.calls(), ["register", "register", "next"]);
    assert_eq!(received[1].body, SHUTDOWN_ALONE);
    assert_eq!(received[1].headers["lambda-extension-name"], "parameters-secrets-extension");
    assert_eq!(registration.events, Events::ShutdownOnly);
    assert_eq!(reason, ShutdownReason::Spindown);
}

#[actix_rt::test]
async fn registers_again_only_once() {
    let api = FakeExtensionsApi::start().await;
    for _ in 0..2 {
        api.answer_register(Reply::refused(403, "Extension.InvalidEventType", "SHUTDOWN"));
    }
    let error = send(&api).answer().await.unwrap_err();
    assert!(matches!(error, LifecycleError::Refused { .. }), "{error}");
    assert_eq!(api.calls(), ["register", "register"]);
}

#[actix_rt::test]
async fn a_refusal_for_good_has_the_words_of_the_api() {
    let api = FakeExtensionsApi::start().await;
    api.answer_register(Reply::refused(403, "Extension.RegistrationClosed", "too late"));
    let lifecycle = start(&api);
    for error in
        [registered(&lifecycle).await.unwrap_err(), shut_down(&lifecycle).await.unwrap_err()]
    {
        assert_eq!(
            error.to_string(),
            "register was refused with 403 Extension.RegistrationClosed: too late"
        );
    }
    assert_eq!(api.calls(), ["register"]);
}

#[actix_rt::test]
async fn a_register_answer_may_come_in_single_bytes() {
    let api = FakeExtensionsApi::start().await;
    api.answer_register(Reply::ByteByByte(Reply::registered().into_bytes()));
    let (registration, _client) = send(&api).answer().await.unwrap();
    assert_eq!(registration.extension_id.to_string(), EXTENSION_ID);
    assert_eq!(registration.function.function_name, "fn1");
}

#[actix_rt::test]
async fn a_malformed_register_answer_is_an_error_for_every_reader() {
    let id = "Lambda-Extension-Identifier: id-1\r\n";
    for reply in [
        Reply::ThenClose(b"220 smtp.example.org ready\r\n\r\n".to_vec()),
        Reply::ThenClose(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}".to_vec()),
        Reply::ThenClose(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{}".to_vec()),
        Reply::ThenClose(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        Reply::http(200, "", "{}"),
        Reply::http(200, "Lambda-Extension-Identifier: \r\n", "{}"),
        Reply::http(200, id, "<html>"),
        Reply::http(200, id, r#"{"functionName":7}"#),
        Reply::Close,
    ] {
        let api = FakeExtensionsApi::start().await;
        api.answer_register(reply.clone());
        let lifecycle = start(&api);
        let not_registered = registered(&lifecycle).await.unwrap_err();
        for error in [not_registered, shut_down(&lifecycle).await.unwrap_err()] {
            use LifecycleError::{Connection, Malformed};
            assert!(matches!(*error, Malformed { .. } | Connection { .. }), "{reply:?}: {error}");
        }
        assert_eq!(api.calls(), ["register"]);
    }
}

#[test]
fn an_api_that_hangs_up_before_the_request_is_read_does_no_harm() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let runtime_api = RuntimeApi::new(listener.local_addr().unwrap().to_string());
    let pending = send_register(runtime_api, name(), Events::InvokeAndShutdown).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let _ = stream.write_all(b"HTTP/1.1 ");
    drop(stream);
    let error = actix_rt::System::new().block_on(pending.answer()).unwrap_err();
    assert!(matches!(error, LifecycleError::Connection { .. }), "{error}");
}
