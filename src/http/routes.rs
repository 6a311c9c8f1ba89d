//! What happens to a request: checks in the contract's order, one question, one answer.

use std::rc::Rc;

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::{
        ConnectionType, Method,
        header::{FORWARDED, HeaderMap, X_FORWARDED_FOR},
    },
    web,
};
use tracing::debug;

use crate::{
    cache::Cache,
    http::{Authorizer, BadRequest, authorize::TOKEN, query, reply},
    stats::Stats,
};

/// What requests are answered from.
#[derive(Debug)]
pub struct Service {
    /// Who may ask.
    pub authorizer: Authorizer,
    /// Where answers come from.
    pub cache: Cache,
    /// What `GET /stats` shows.
    pub stats: Rc<Stats>,
}

/// Routes every request to one handler: the contract fixes the order of the checks, and a router would
/// judge path and method before the token.
pub fn configure(app: &mut web::ServiceConfig, service: web::Data<Service>) {
    app.app_data(service).default_service(web::to(serve));
}

async fn serve(request: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    let mut response = answer(&request, &service).await;
    // A body of unknown length is not looked for the next request behind it.
    if !matches!(request.chunked(), Ok(false)) {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

async fn answer(request: &HttpRequest, service: &Service) -> HttpResponse {
    if is_forwarded(request.headers()) {
        return refused(&BadRequest::Forwarded);
    }
    let (method, path) = (request.method(), request.path());
    if method == Method::GET && path == "/ping" {
        return reply::healthy();
    }
    if !service.authorizer.admits(request.headers()).await {
        return unauthorized(request.headers());
    }
    if method != Method::GET {
        return refused(&BadRequest::Method);
    }
    if path == "/stats" {
        return stats(&service.stats);
    }
    let question = match query::parse(path, request.query_string()) {
        Ok(question) => question,
        Err(reason) => return refused(&reason),
    };
    match service.cache.look_up(question.key, question.refresh).await {
        Ok(answer) => reply::success(&answer),
        Err(failure) => reply::failure(&failure),
    }
}

/// A forwarded request did not come from this function: somebody may be using it to reach its secrets.
fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)
}

/// Not above DEBUG: anybody on the machine can ask nonsense, and fill the log.
fn refused(reason: &BadRequest) -> HttpResponse {
    debug!("refused: {reason}");
    reply::bad_request(reason)
}

/// The log alone tells a token that is wrong from one that never came.
fn unauthorized(headers: &HeaderMap) -> HttpResponse {
    let token = if headers.contains_key(TOKEN) { "wrong" } else { "missing" };
    debug!(token, "refused: {}", reply::BAD_TOKEN);
    reply::unauthorized()
}

fn stats(stats: &Stats) -> HttpResponse {
    // A flat struct of numbers always serialises.
    reply::json(serde_json::to_string(&stats.snapshot()).unwrap_or_default())
}
