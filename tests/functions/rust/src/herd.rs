//! Many threads ask at the very same moment; the function returns what each of them got, and after
//! how long.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use extension_client::get;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

/// How many callers each of the paths has.
#[derive(serde::Deserialize)]
struct Event {
    paths: Vec<String>,
    callers: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |event: LambdaEvent<Event>| herd(&event.payload))).await
}

fn herd(event: &Event) -> Result<Vec<Value>, Error> {
    let callers = event.paths.iter().flat_map(|path| std::iter::repeat_n(path, event.callers));
    let all_are_there = Barrier::new(event.paths.len() * event.callers);

    let replies: Result<Vec<_>, ureq::Error> = thread::scope(|scope| {
        let threads: Vec<_> =
            callers.map(|path| scope.spawn(|| ask(path, &all_are_there))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a caller does not panic")).collect()
    });
    Ok(replies?)
}

fn ask(path: &str, all_are_there: &Barrier) -> Result<Value, ureq::Error> {
    all_are_there.wait();
    let asked_at = Instant::now();
    let (status, body) = get(path)?;
    let seconds = asked_at.elapsed().as_secs_f64();
    Ok(json!({ "path": path, "status": status, "body": body, "seconds": seconds }))
}
