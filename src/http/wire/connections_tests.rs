use std::rc::Rc;

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
async fn a_connection_that_has_not_sent_its_first_request_yet_is_not_closed() {
    let connections = Connections::with_limit(1);
    let (_new, task) = open(&connections);

    assert!(!closes_for_a_new_one(&connections, task).await);
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
