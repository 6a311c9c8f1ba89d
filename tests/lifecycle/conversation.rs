//! After registering: next, INVOKE, SHUTDOWN.

use parameters_secrets_extension::lifecycle::ShutdownReason;
use tokio::{task::spawn_local, time};

use super::{let_others_run, registered, shut_down, start};
use crate::support::{
    extensions_api::{EXTENSION_ID, FakeExtensionsApi, Reply},
    soon,
};

#[actix_rt::test]
async fn asks_for_next_at_once_after_registering_and_after_each_invoke() {
    let api = FakeExtensionsApi::start().await;
    let _lifecycle = start(&api);
    for asked in 2..=5 {
        let received = api.received(asked).await;
        let next = received.last().unwrap();
        assert_eq!((next.call.as_str(), next.method.as_str()), ("next", "GET"));
        assert_eq!(next.headers["lambda-extension-identifier"], EXTENSION_ID);
        api.hand_out(Reply::invoke(&format!("r-{asked}")));
    }
    let received = api.received(6).await;
    assert!(received.iter().all(|received| received.connection == 1), "one kept connection");
}

#[actix_rt::test]
async fn does_not_ask_for_next_again_after_shutdown() {
    let api = FakeExtensionsApi::start().await;
    api.hand_out(Reply::invoke("r-1"));
    api.hand_out(Reply::shutdown("spindown"));
    api.hand_out(Reply::invoke("r-2"));
    let lifecycle = start(&api);
    shut_down(&lifecycle).await.unwrap();
    let_others_run().await;
    assert_eq!(api.calls(), ["register", "next", "next"]);
}

#[actix_rt::test]
async fn every_reader_that_waits_for_shutdown_gets_its_reason() {
    for (word, reason) in [
        ("spindown", ShutdownReason::Spindown),
        ("TIMEOUT", ShutdownReason::Timeout),
        ("failure", ShutdownReason::Failure),
        ("SandboxTerminated", ShutdownReason::Other("SandboxTerminated".into())),
    ] {
        let api = FakeExtensionsApi::start().await;
        let lifecycle = start(&api);
        let [mut early, mut waiting] = [lifecycle.clone(), lifecycle.clone()];
        let early = spawn_local(async move { early.shutdown().await });
        registered(&lifecycle).await.unwrap();
        let waiting = spawn_local(async move { waiting.shutdown().await });
        api.hand_out(Reply::shutdown(word));
        assert_eq!(soon(early).await.unwrap().unwrap(), reason);
        assert_eq!(soon(waiting).await.unwrap().unwrap(), reason);
        assert_eq!(shut_down(&lifecycle).await.unwrap(), reason, "a late one");
    }
}

#[actix_rt::test]
async fn a_reader_that_gives_up_disturbs_no_other() {
    let api = FakeExtensionsApi::start().await;
    let lifecycle = start(&api);
    let mut impatient = lifecycle.clone();
    tokio::select! {
        _ = impatient.shutdown() => unreachable!("there is no SHUTDOWN yet"),
        _ = api.received(2) => {}
    }
    api.hand_out(Reply::shutdown("spindown"));
    assert_eq!(shut_down(&lifecycle).await.unwrap(), ShutdownReason::Spindown);
}

#[actix_rt::test]
async fn an_event_of_an_unknown_type_is_passed_over() {
    let api = FakeExtensionsApi::start().await;
    api.hand_out(Reply::event(r#"{"eventType":"SNAPSHOT","detail":{"a":[1]}}"#));
    api.hand_out(Reply::shutdown("spindown"));
    let lifecycle = start(&api);
    shut_down(&lifecycle).await.unwrap();
    assert_eq!(api.calls(), ["register", "next", "next"]);
}

#[actix_rt::test]
async fn the_actor_goes_on_without_any_reader_and_ends_after_shutdown() {
    let api = FakeExtensionsApi::start().await;
    let mut lifecycle = start(&api);
    api.received(2).await;
    api.hand_out(Reply::shutdown("spindown"));
    shut_down(&lifecycle).await.unwrap();
    let_others_run().await;
    // There is no INVOKE to come, and none that publishes one.
    assert!(soon(lifecycle.invoked()).await.is_err());
}

#[actix_rt::test]
async fn a_connection_that_breaks_during_the_long_poll_is_replaced() {
    let api = FakeExtensionsApi::start().await;
    let lifecycle = start(&api);
    api.received(2).await;
    time::pause();
    api.hand_out(Reply::Close);
    api.hand_out(Reply::shutdown("spindown"));
    shut_down(&lifecycle).await.unwrap();
    let connections: Vec<_> = api.received_so_far().iter().map(|r| r.connection).collect();
    assert_eq!(api.calls(), ["register", "next", "next"]);
    assert_eq!(connections, [1, 1, 2]);
}

#[actix_rt::test]
async fn a_connection_that_is_closed_after_every_answer_is_replaced_each_time() {
    let api = FakeExtensionsApi::start().await;
    let close = "Connection: close\r\n";
    let accepted = format!("{close}Lambda-Extension-Identifier: {EXTENSION_ID}\r\n");
    api.answer_register(Reply::ThenClose(Reply::http(200, &accepted, "{}").into_bytes()));
    for _ in 0..8 {
        let invoke = Reply::http(200, close, r#"{"eventType":"INVOKE","requestId":"r"}"#);
        api.hand_out(Reply::ThenClose(invoke.into_bytes()));
    }
    api.hand_out(Reply::shutdown("spindown"));
    let lifecycle = start(&api);
    registered(&lifecycle).await.unwrap();
    time::pause();
    shut_down(&lifecycle).await.unwrap();
    assert_eq!(api.received_so_far().last().unwrap().connection, 10);
}

#[actix_rt::test]
async fn a_long_poll_that_lasted_does_not_count_towards_giving_up() {
    let api = FakeExtensionsApi::start().await;
    let lifecycle = start(&api);
    api.received(2).await;
    time::pause();
    for broken in 1..=12 {
        api.received(1 + broken).await;
        time::advance(time::Duration::from_secs(60)).await;
        api.hand_out(Reply::Close);
    }
    api.hand_out(Reply::shutdown("spindown"));
    shut_down(&lifecycle).await.unwrap();
}

#[actix_rt::test]
async fn malformed_answers_that_are_hours_apart_do_not_count_towards_giving_up() {
    let api = FakeExtensionsApi::start().await;
    let lifecycle = start(&api);
    api.received(2).await;
    time::pause();
    for malformed in 1..=12 {
        api.received(1 + malformed).await;
        time::advance(time::Duration::from_secs(3_600)).await;
        api.hand_out(Reply::event("{"));
    }
    api.hand_out(Reply::shutdown("spindown"));
    shut_down(&lifecycle).await.unwrap();
}

#[actix_rt::test]
async fn a_shutdown_is_one_whatever_its_details_are() {
    for details in [r#","shutdownReason":null"#, r#","deadlineMs":1.5"#, r#","deadlineMs":[]"#, ""]
    {
        let api = FakeExtensionsApi::start().await;
        api.hand_out(Reply::event(&format!(r#"{{"eventType":"INVOKE"{details}}}"#)));
        api.hand_out(Reply::event(&format!(r#"{{"eventType":"SHUTDOWN"{details}}}"#)));
        let lifecycle = start(&api);

        assert_eq!(shut_down(&lifecycle).await.unwrap().to_string(), "unspecified", "{details}");
        assert_eq!(api.calls(), ["register", "next", "next"], "{details}");
    }
}

#[actix_rt::test]
async fn a_reader_learns_of_each_invocation_once() {
    let api = FakeExtensionsApi::start().await;
    let mut lifecycle = start(&api);
    let mut late = lifecycle.clone();
    for (asked, request_id) in [(2, "r-1"), (3, "r-2")] {
        tokio::select! {
            _ = lifecycle.invoked() => unreachable!("there is no such INVOKE yet"),
            _ = api.received(asked) => {}
        }
        api.hand_out(Reply::invoke(request_id));
        soon(lifecycle.invoked()).await.unwrap();
    }
    soon(late.invoked()).await.unwrap();
    tokio::select! {
        _ = late.invoked() => unreachable!("one that was away learns of all at once"),
        _ = let_others_run() => {}
    }
}
