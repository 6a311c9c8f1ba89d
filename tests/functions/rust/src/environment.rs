//! Returns what its environment held at the start, for the names that the event has.

use std::{collections::HashMap, env};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Event {
    names: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let at_the_start: HashMap<String, String> = env::vars().collect();
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| {
        let names = event.payload.names.into_iter();
        let environment: HashMap<String, Option<String>> =
            names.map(|name| (name.clone(), at_the_start.get(&name).cloned())).collect();
        async move { Ok::<Value, Error>(json!({ "environment": environment })) }
    }))
    .await
}
