use std::rc::Rc;

use futures_util::FutureExt;
use tokio::task::{JoinHandle, yield_now};

use super::{Activity, Connections};

/// Opens a connection that is served until it is closed.
fn open(connections: &Rc<Connections>) -> (Rc<Activity>, JoinHandle<()>) {
    let activity = Rc::new(connections.add());
    let held = Rc::clone(&activity);
    let task = tokio::task::spawn_local(async move {
        std::future::pending::<()>().await;
        drop(held);
    });
    connections.served_by(activity.id(), task.abort_handle());
    (activity, task)
}

async fn closes_for_a_new_one(connections: &Rc<Connections>, task: JoinHandle<()>) -> bool {
    connections.close_the_least_needed();
    yield_now().await;
    task.is_finished()
}

#[actix_rt::test]
async fn at_the_limit_the_connection_idle_for_longest_is_closed() {
    let connections = Connections::with_limit(3);
    let (busy, _) = open(&connections);
    let (recent, _) = open(&connections);
    let (oldest, task) = open(&connections);
    for idle in [&oldest, &recent] {
        idle.request_arrived();
        idle.answered();
    }
    busy.request_arrived();

    assert!(closes_for_a_new_one(&connections, task).await);
}

#[actix_rt::test]
async fn a_connection_whose_client_hung_up_goes_before_an_idle_one() {
    let connections = Connections::with_limit(2);
    let (idle, _) = open(&connections);
    let (hung_up, task) = open(&connections);
    idle.request_arrived();
    idle.answered();
    hung_up.request_arrived();
    hung_up.client_hung_up();

    assert!(closes_for_a_new_one(&connections, task).await);
}

#[actix_rt::test]
async fn the_answer_of_a_client_that_has_closed_its_own_side_is_waited_for() {
    let connections = Connections::with_limit(1);
    let (hung_up, _) = open(&connections);
    hung_up.request_arrived();
    hung_up.client_hung_up();
    assert_eq!(connections.all_idle().now_or_never(), None);

    hung_up.answered();

    assert_eq!(connections.all_idle().now_or_never(), Some(()));
}

#[actix_rt::test]
async fn a_connection_that_has_not_sent_its_first_request_yet_is_not_closed() {
    let connections = Connections::with_limit(1);
    let (_new, task) = open(&connections);

    assert!(!closes_for_a_new_one(&connections, task).await);
}

fn with_room_for_bytes(max_held: usize) -> Rc<Connections> {
    let connections = Rc::into_inner(Connections::with_limit(10)).unwrap();
    Rc::new(Connections { max_held, ..connections })
}

#[actix_rt::test]
async fn beyond_the_bytes_the_connection_that_holds_most_is_closed() {
    let connections = with_room_for_bytes(100);
    let (small, small_task) = open(&connections);
    let (large, large_task) = open(&connections);
    assert!(large.stalls_with(60) && small.stalls_with(40));
    yield_now().await;
    assert!(!large_task.is_finished());

    assert!(small.stalls_with(41));

    yield_now().await;
    assert!(large_task.is_finished() && !small_task.is_finished());
    drop(large);
    assert!(small.stalls_with(100));
    yield_now().await;
    assert!(!small_task.is_finished(), "what the other one held is free again");
}

#[actix_rt::test]
async fn of_two_that_hold_as_much_the_one_that_does_so_for_longer_is_closed() {
    let connections = with_room_for_bytes(100);
    let (first, first_task) = open(&connections);
    let (second, second_task) = open(&connections);
    assert!(second.stalls_with(1) && first.stalls_with(60) && second.stalls_with(60));
    yield_now().await;

    assert!(second_task.is_finished() && !first_task.is_finished());
}

#[actix_rt::test]
async fn one_that_does_not_wait_for_its_client_is_not_closed_for_another() {
    let connections = with_room_for_bytes(100);
    let (keeps_a_buffer, task) = open(&connections);
    let (stalls, stalled_task) = open(&connections);
    assert!(keeps_a_buffer.holds(90));
    assert!(stalls.stalls_with(20));
    yield_now().await;

    assert!(stalled_task.is_finished() && !task.is_finished());
}

#[actix_rt::test]
async fn what_is_being_closed_counts_until_it_is() {
    let connections = with_room_for_bytes(100);
    let (first, _) = open(&connections);
    let (second, _) = open(&connections);
    let (third, _) = open(&connections);
    assert!(first.stalls_with(90) && second.stalls_with(90));
    assert!(!third.stalls_with(30), "180 are being closed, 200 are too many");
}

#[actix_rt::test]
async fn a_flood_of_connections_that_never_ask_closes_none_that_has_asked() {
    let connections = Connections::with_limit(3);
    let (client, task) = open(&connections);
    client.request_arrived();
    client.answered();
    let _flood = [open(&connections), open(&connections)];

    assert!(!closes_for_a_new_one(&connections, task).await);
}

#[actix_rt::test]
async fn what_a_connection_held_is_free_when_it_ends() {
    let connections = with_room_for_bytes(100);
    for _ in 0..10 {
        assert!(connections.add().holds(60));
    }
    assert_eq!(connections.held.get(), 0);
}

#[actix_rt::test]
async fn while_all_are_busy_a_new_connection_waits() {
    let connections = Connections::with_limit(1);
    let busy = connections.add();
    busy.request_arrived();
    let waiting = Rc::clone(&connections);
    let room = tokio::task::spawn_local(async move { waiting.make_room().await });

    yield_now().await;
    assert!(!room.is_finished());

    drop(busy);
    room.await.unwrap();
}
