//! How often a call is attempted, and how long each attempt may take.

use std::time::Duration;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};

/// How long one attempt to connect may take.
///
/// A function in a VPC without a route gets its error after two attempts: before Lambda's default
/// time-out of 3 s, even where its user has set no time-out.
pub(super) const CONNECT_TIME_OUT: Duration = Duration::from_millis(1_200);

/// Attempts to connect that take too long, before a call fails.
pub(super) const CONNECT_ATTEMPTS: u32 = 2;

/// How long one attempt at a call may take, connecting included; the SDK then tries again.
pub(super) const ATTEMPT_TIME_OUT: Duration = Duration::from_secs(10);

/// Attempts at a call, where the user sets no number.
pub(super) const DEFAULT_ATTEMPTS: u32 = 3;

/// The pause before the second attempt at a call is up to this, before the third up to twice as
/// long.
///
/// A connection that was cut is replaced by then. A failure that lasts reaches the caller with its
/// cause, before a time-out of half a second hides it. The figure is that of the AWS SDKs' retry
/// behaviour 2.1; their older one, a second, is for throttling, which is left to the lane.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Repeats a call that could not connect in time, once: a packet may have been lost. Where there is
/// no route, the second attempt shows it.
pub(super) async fn connecting_again<T, E, C>(
    call: impl Fn() -> C,
) -> Result<T, SdkError<E, HttpResponse>>
where
    C: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
{
    for _ in 1..CONNECT_ATTEMPTS {
        match call().await {
            Err(SdkError::DispatchFailure(failure)) if failure.is_timeout() => {}
            answer => return answer,
        }
    }
    call().await
}
