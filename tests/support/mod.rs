//! What the tests share.

pub mod behaviour;
pub mod cache;
pub mod client;
pub mod clock;
pub mod config;
pub mod extensions_api;
pub mod log;
pub mod outcome;
pub mod program;
pub mod reply;
pub mod server;
pub mod upstream;
pub mod world;

use std::time::Duration;

use tokio::task::yield_now;

/// Makes a test that hangs fail. Longer than any of the program's time-outs, so that under paused
/// time those fire first.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("the test hangs")
}

/// Lets others run until something is so. Unlike a timer it needs no time to pass, and so it ends
/// under paused time too.
pub async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..100_000 {
        if is_so().await {
            return;
        }
        yield_now().await;
    }
    panic!("it never came to be");
}
