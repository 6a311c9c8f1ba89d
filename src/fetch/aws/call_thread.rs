//! The thread that calls AWS.
//!
//! A call costs the SDK, TLS and credentials half a millisecond of CPU and more, and building a
//! client costs two. All of it runs here, so that a hit never waits for it on the thread that
//! answers.

use std::{panic::AssertUnwindSafe, sync::OnceLock, thread};

use tokio::runtime::{Builder, Handle};
use tokio_util::task::AbortOnDropHandle;

use crate::fetch::error::FetchError;

/// Runs what calls AWS. The thread starts with the first work, and lives as long as the process.
#[derive(Debug, Default)]
pub(super) struct CallThread {
    runtime: OnceLock<Option<Handle>>,
}

impl CallThread {
    /// Runs `work` on the thread. Dropping the future cancels the work.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, FetchError>> + Send + 'static,
    ) -> Result<T, FetchError> {
        let Some(runtime) = self.runtime.get_or_init(start) else { return Err(no_thread()) };
        let task = AbortOnDropHandle::new(runtime.spawn(work));
        // Only a panic ends it otherwise, and that is logged.
        task.await.unwrap_or(Err(FetchError::Panicked))
    }
}

/// `None` if the system gives no thread.
fn start() -> Option<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    let handle = runtime.handle().clone();
    let serve = move || runtime.block_on(std::future::pending::<()>());
    thread::Builder::new().name("aws-calls".to_owned()).spawn(serve).ok()?;
    Some(handle)
}

fn no_thread() -> FetchError {
    FetchError::Dispatch { reason: "the system gives no thread for calls to AWS".to_owned() }
}

/// Runs set-up code of the SDK, which panics on an invalid CA bundle.
pub(super) fn without_panic<T>(
    set_up: impl FnOnce() -> Result<T, FetchError>,
) -> Result<T, FetchError> {
    std::panic::catch_unwind(AssertUnwindSafe(set_up)).unwrap_or_else(|_panic| {
        Err(FetchError::Dispatch {
            reason: "the AWS client could not be set up; does AWS_CA_BUNDLE or SSL_CERT_FILE hold \
                     certificates in PEM form?"
                .to_owned(),
        })
    })
}
