//! Stands in for Secrets Manager over plain HTTP, and counts calls and connections.
//!
//! A secret's name says how it is answered: `BYTESb-MILLISms-ANYTHING` has a value of so many bytes
//! and takes so long. Prints two ports: where calls go, and where `GET /counts` and `POST /reset`
//! are answered, so that looking at the counters does not count.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::Extensions,
    error::ErrorBadRequest,
    rt::{System, time::sleep},
    web,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const GET_SECRET_VALUE: &str = "secretsmanager.GetSecretValue";
const DESCRIBE_SECRET: &str = "secretsmanager.DescribeSecret";
const VERSION_ID: &str = "01234567-89ab-cdef-0123-456789abcdef";
const BACKLOG: u32 = 4_096;

/// How many there are of something, were at most, and were in all.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    peak: AtomicUsize,
    total: AtomicUsize,
}

/// Counted for as long as it lives.
struct Counted(Arc<Counters>, fn(&Counters) -> &Gauge);

#[derive(Default)]
struct Counters {
    calls: Gauge,
    connections: Gauge,
}

#[derive(Serialize)]
struct Counts {
    calls: usize,
    peak_calls: usize,
    connections: usize,
    peak_connections: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Question {
    secret_id: String,
}

impl Gauge {
    fn reset(&self) {
        let now = self.now.load(Ordering::Relaxed);
        self.peak.store(now, Ordering::Relaxed);
        self.total.store(0, Ordering::Relaxed);
    }
}

impl Counted {
    fn new(counters: Arc<Counters>, which: fn(&Counters) -> &Gauge) -> Self {
        let gauge = which(&counters);
        let now = gauge.now.fetch_add(1, Ordering::Relaxed) + 1;
        gauge.peak.fetch_max(now, Ordering::Relaxed);
        gauge.total.fetch_add(1, Ordering::Relaxed);
        Self(counters, which)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1(&self.0).now.fetch_sub(1, Ordering::Relaxed);
    }
}

fn main() -> io::Result<()> {
    System::new().block_on(serve())
}

async fn serve() -> io::Result<()> {
    let counters = Arc::new(Counters::default());
    let counted = Arc::clone(&counters);
    let state = web::Data::from(Arc::clone(&counters));
    let calls = HttpServer::new(move || {
        App::new().app_data(state.clone()).default_service(web::to(answer))
    })
    .on_connect(move |_stream, connection: &mut Extensions| {
        connection.insert(Counted::new(Arc::clone(&counted), |counters| &counters.connections));
    })
    .workers(1)
    .backlog(BACKLOG)
    .keep_alive(Duration::from_secs(600))
    .bind(("127.0.0.1", 0))?;
    let state = web::Data::from(counters);
    let control = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .route("/counts", web::get().to(counts))
            .route("/reset", web::post().to(reset))
    })
    .workers(1)
    .bind(("127.0.0.1", 0))?;
    println!("{} {}", calls.addrs()[0].port(), control.addrs()[0].port());
    actix_web::rt::spawn(control.run());
    calls.run().await
}

async fn answer(
    request: HttpRequest,
    body: web::Bytes,
    counters: web::Data<Counters>,
) -> actix_web::Result<HttpResponse> {
    let _counted = Counted::new(counters.into_inner(), |counters| &counters.calls);
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    let Question { secret_id } = serde_json::from_slice(&body)?;
    let (bytes, millis) = size_and_latency(&secret_id)
        .ok_or_else(|| ErrorBadRequest("name: BYTESb-MILLISms-ANYTHING"))?;
    sleep(Duration::from_millis(millis)).await;
    let answer = match target {
        Some(GET_SECRET_VALUE) => secret(&secret_id, bytes),
        Some(DESCRIBE_SECRET) => description(&secret_id),
        _ => return Err(ErrorBadRequest("unknown target")),
    };
    Ok(HttpResponse::Ok().content_type("application/x-amz-json-1.1").body(answer.to_string()))
}

fn size_and_latency(secret_id: &str) -> Option<(usize, u64)> {
    // A name, or the ARN that the name stands in.
    let name = secret_id.rsplit(':').next()?;
    let mut parts = name.split('-');
    let bytes = parts.next()?.strip_suffix('b')?.parse().ok()?;
    let millis = parts.next()?.strip_suffix("ms")?.parse().ok()?;
    Some((bytes, millis))
}

fn secret(name: &str, bytes: usize) -> Value {
    json!({
        "ARN": arn(name),
        "CreatedDate": 1_700_000_000.5,
        "Name": name,
        "SecretString": "x".repeat(bytes),
        "VersionId": VERSION_ID,
        "VersionStages": ["AWSCURRENT"],
    })
}

fn description(name: &str) -> Value {
    json!({ "ARN": arn(name), "Name": name, "VersionIdsToStages": { VERSION_ID: ["AWSCURRENT"] } })
}

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}-AbCdEf")
}

async fn counts(counters: web::Data<Counters>) -> web::Json<Counts> {
    let Counters { calls, connections } = &**counters;
    web::Json(Counts {
        calls: calls.total.load(Ordering::Relaxed),
        peak_calls: calls.peak.load(Ordering::Relaxed),
        connections: connections.total.load(Ordering::Relaxed),
        peak_connections: connections.peak.load(Ordering::Relaxed),
    })
}

async fn reset(counters: web::Data<Counters>) -> HttpResponse {
    counters.calls.reset();
    counters.connections.reset();
    HttpResponse::NoContent().finish()
}
