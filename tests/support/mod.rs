//! What tests are made of.

pub mod cache;
pub mod clock;
pub mod extensions_api;
pub mod log;
pub mod upstream;

use std::time::Duration;

/// Makes a test that hangs fail. Longer than any time-out of ours, so that under paused time those
/// fire first.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("the test hangs")
}
