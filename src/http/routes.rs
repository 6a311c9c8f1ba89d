//! Routes a request: the checks in their order, then one question and its answer.

use std::{panic::AssertUnwindSafe, rc::Rc};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::{ConnectionType, Method},
    web,
};
use futures_util::FutureExt;

use crate::{
    cache::{Answer, Cache},
    field::Field,
    http::{Authorizer, BadRequest, Shown, batch, local, query, reply},
    key::UpstreamKind,
    log::debug,
    stats::Stats,
};

/// What the handler of requests needs.
#[derive(Debug)]
pub struct Service {
    /// Checks tokens.
    pub authorizer: Authorizer,
    /// Answers keys.
    pub cache: Cache,
    /// The counters of `GET /stats`.
    pub stats: Rc<Stats>,
}

/// Routes every request to one handler: the order of the checks is part of the interface, and
/// actix-web's router would check path and method before the token.
pub fn routes(service: web::Data<Service>) -> impl FnOnce(&mut web::ServiceConfig) {
    |app| {
        app.app_data(service).default_service(web::to(serve));
    }
}

async fn serve(request: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    let answer = AssertUnwindSafe(answer(&request, &service)).catch_unwind().await;
    // No borrow of the service outlives a call, so a panic leaves nothing half done.
    let mut response = answer.unwrap_or_else(|_panic| reply::panicked());
    // Where a body has no known length, the next request cannot be found behind it.
    if !matches!(request.chunked(), Ok(false)) {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// What is found at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    /// A liveness probe.
    Ping,
    /// Figures about the cache.
    Stats,
    /// A secret or a parameter.
    Value(UpstreamKind),
    /// Several secrets or several parameters.
    Batch(UpstreamKind),
}

impl Endpoint {
    fn at_path(path: &str) -> Option<Self> {
        match path {
            "/ping" => Some(Self::Ping),
            "/stats" => Some(Self::Stats),
            _ => UpstreamKind::at_path(path)
                .map(Self::Value)
                .or_else(|| UpstreamKind::at_batch_path(path).map(Self::Batch)),
        }
    }
}

/// The checks in the order of AWS's extension: token, method, path, query.
async fn answer(request: &HttpRequest, service: &Service) -> HttpResponse {
    if let Err(reason) = local::check(request) {
        return refused(&reason);
    }
    let endpoint = Endpoint::at_path(request.path());
    let is_get = request.method() == Method::GET;
    let needs_a_token = !(is_get && endpoint == Some(Endpoint::Ping));
    if needs_a_token {
        match service.authorizer.admits(request.headers()).await {
            Ok(true) => {}
            Ok(false) => {
                service.authorizer.log_refusal(request.headers());
                return reply::unauthorized();
            }
            Err(unavailable) => return reply::failure(&unavailable),
        }
    }
    if !is_get {
        return refused(&BadRequest::Method);
    }
    let upstream = match endpoint {
        Some(Endpoint::Ping) => return reply::healthy(),
        Some(Endpoint::Stats) => return stats(&service.stats),
        Some(Endpoint::Value(upstream)) => upstream,
        // On the heap, so that the future of a hit stays small.
        Some(Endpoint::Batch(upstream)) => {
            let answer = Box::pin(batch::answer(&service.cache, upstream, request.query_string()));
            return answer.await.unwrap_or_else(|reason| refused(&reason));
        }
        None => return refused(&BadRequest::UnknownPath(Shown::new(request.path()))),
    };
    let question = match query::parse(upstream, request.query_string()) {
        Ok(question) => question,
        Err(reason) => return refused(&reason),
    };
    match service.cache.look_up(question.key, question.urgency).await {
        Ok(answer) => match question.field {
            None => reply::success(&answer),
            Some(field) => one_field(&field, answer),
        },
        Err(failure) => reply::failure(&failure),
    }
}

/// The same answer, with one field of its value as the body.
fn one_field(field: &Field, answer: Answer) -> HttpResponse {
    match field.of_body(&answer.body.reveal()) {
        Ok(body) => reply::success(&Answer { body, ..answer }),
        Err(error) => refused(&BadRequest::Field(error)),
    }
}

/// At DEBUG only: any local process can send malformed requests, and must not fill the log.
fn refused(reason: &BadRequest) -> HttpResponse {
    debug!("refused: {reason}");
    reply::bad_request(reason)
}

fn stats(stats: &Stats) -> HttpResponse {
    // A flat struct of numbers always serialises.
    reply::json(serde_json::to_string(&stats.snapshot()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::Endpoint;
    use crate::key::UpstreamKind;

    #[test]
    fn both_kinds_of_values_have_a_path_with_and_without_a_trailing_slash() {
        for (path, upstream) in [
            ("/secretsmanager/get", UpstreamKind::SecretsManager),
            ("/systemsmanager/parameters/get", UpstreamKind::ParameterStore),
        ] {
            assert_eq!(Endpoint::at_path(path), Some(Endpoint::Value(upstream)));
            assert_eq!(Endpoint::at_path(&format!("{path}/")), Some(Endpoint::Value(upstream)));
        }
    }

    #[test]
    fn no_other_path_leads_anywhere() {
        for path in ["", "/", "/secretsmanager", "/secretsmanager/get//", "/SecretsManager/get"] {
            assert_eq!(Endpoint::at_path(path), None, "{path:?}");
        }
    }
}
