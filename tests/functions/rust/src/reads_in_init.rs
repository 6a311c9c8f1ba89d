//! Reads before the runtime runs, in Lambda's INIT phase, when the official extension is not ready
//! yet, and again in the handler.

use extension_client::get;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[derive(serde::Deserialize)]
struct Event {
    paths: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let read_in_init = read(std::env::var("READ_IN_INIT")?.split_whitespace())?;

    run(service_fn(async |event: LambdaEvent<Event>| -> Result<Value, Error> {
        let read_in_handler = read(event.payload.paths.iter().map(String::as_str))?;
        Ok(json!({ "in init": read_in_init, "in the handler": read_in_handler }))
    }))
    .await
}

fn read<'a>(paths: impl Iterator<Item = &'a str>) -> Result<Vec<(u16, String)>, Error> {
    Ok(paths.map(get).collect::<Result<_, _>>()?)
}
