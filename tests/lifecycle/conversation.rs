//! After registering: next, INVOKE, SHUTDOWN.

use parameters_secrets_extension::lifecycle::{AwaitInvoked, AwaitShutdown, ShutdownReason};
use tokio::time;

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
async fn everybody_who_awaits_shutdown_gets_its_reason() {
    for (word, reason) in [
        ("spindown", ShutdownReason::Spindown),
        ("TIMEOUT", ShutdownReason::Timeout),
        ("failure", ShutdownReason::Failure),
        ("SandboxTerminated", ShutdownReason::Other("SandboxTerminated".into())),
    ] {
        let api = FakeExtensionsApi::start().await;
        let lifecycle = start(&api);
        let early = lifecycle.send(AwaitShutdown);
        registered(&lifecycle).await.unwrap();
        let waiting = lifecycle.send(AwaitShutdown);
        api.hand_out(Reply::shutdown(word));
        assert_eq!(soon(early).await.unwrap().unwrap(), reason);
        assert_eq!(soon(waiting).await.unwrap().unwrap(), reason);
        assert_eq!(shut_down(&lifecycle).await.unwrap(), reason, "a late one");
    }
}

#[actix_rt::test]
async fn a_waiter_that_hangs_up_disturbs_nobody() {
    let api = FakeExtensionsApi::start().await;
    let lifecycle = start(&api);
    let mut impatient = Box::pin(lifecycle.send(AwaitShutdown));
    tokio::select! {
        _ = &mut impatient => unreachable!("there is no SHUTDOWN yet"),
        _ = api.received(2) => drop(impatient),
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
async fn the_actor_ends_when_it_is_over_and_nobody_holds_it() {
    let api = FakeExtensionsApi::start().await;
    api.hand_out(Reply::shutdown("spindown"));
    let lifecycle = start(&api);
    shut_down(&lifecycle).await.unwrap();
    let weak = lifecycle.downgrade();
    drop(lifecycle);
    let_others_run().await;
    assert!(weak.upgrade().is_none());
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
async fn whoever_awaits_an_invocation_learns_of_each_once() {
    let api = FakeExtensionsApi::start().await;
    let lifecycle = start(&api);
    for (known, request_id) in [(0, "r-1"), (1, "r-2")] {
        let mut waiting = Box::pin(lifecycle.send(AwaitInvoked { known }));
        tokio::select! {
            _ = &mut waiting => unreachable!("there is no such INVOKE yet"),
            _ = api.received(2) => {}
        }
        api.hand_out(Reply::invoke(request_id));
        assert_eq!(soon(waiting).await.unwrap().unwrap(), known + 1);
    }
    let both = soon(lifecycle.send(AwaitInvoked { known: 0 })).await.unwrap().unwrap();
    assert_eq!(both, 2, "who was away learns of all at once");
}
