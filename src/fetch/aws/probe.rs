//! Reaches a service without asking it for anything: connection, TLS, and its clock.

use std::{fmt, time::SystemTime};

use aws_config::timeout::TimeoutConfig;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
};
use aws_smithy_types::{DateTime, date_time::Format};

use crate::fetch::{
    aws::{
        attempts::{ATTEMPT_TIME_OUT, CONNECT_TIME_OUT},
        causes::causes,
        set_up::Aws,
    },
    error::FetchError,
};

impl Aws {
    /// Sends an unsigned `GET /` to `url` over the connections that calls use: same TLS roots, same
    /// proxy, same time-outs, one attempt. Any answer will do; returns the time in its `Date`.
    ///
    /// # Errors
    ///
    /// No answer came; the text has every cause.
    pub async fn probe(&self, url: &str) -> Result<Option<SystemTime>, FetchError> {
        let http_client = self.client(|_config, http_client| http_client).await?;
        let time_outs = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIME_OUT)
            .operation_attempt_timeout(ATTEMPT_TIME_OUT);
        Operation::builder()
            .service_name("probe")
            .operation_name("probe")
            .http_client(http_client)
            .endpoint_url(url)
            .timeout_config(time_outs.build())
            .sleep_impl(TokioSleep::new())
            .no_auth()
            .no_retry()
            .serializer(|()| get_root())
            .deserializer(date_of)
            .build()
            .invoke(())
            .await
            .map_err(|error| FetchError::Dispatch { reason: causes(&error) })
    }
}

fn get_root() -> Result<HttpRequest, BoxError> {
    Ok(HttpRequest::get("/")?)
}

fn date_of(
    response: &HttpResponse,
) -> Result<Option<SystemTime>, OrchestratorError<NoModelledError>> {
    let date = response.headers().get("date");
    let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
    Ok(date.and_then(|date| SystemTime::try_from(date).ok()))
}

/// Any status is an answer, so there is no error to model.
#[derive(Debug)]
enum NoModelledError {}

impl fmt::Display for NoModelledError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for NoModelledError {}
