//! The yardstick of a cold start: actix-web as it is used by default, one worker; listens,
//! registers, and does nothing else.

use std::{
    io::{self, Write},
    net::{TcpListener, TcpStream},
};

use actix_web::{App, HttpResponse, HttpServer, web};

const BODY: &str = r#"{"events":["INVOKE","SHUTDOWN"]}"#;

#[expect(clippy::disallowed_methods, reason = "a yardstick has no settings")]
fn variable(name: &str) -> io::Result<String> {
    std::env::var(name).map_err(io::Error::other)
}

fn main() -> io::Result<()> {
    let port = variable("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT")?;
    let runtime_api = variable("AWS_LAMBDA_RUNTIME_API")?;
    actix_web::rt::System::new().block_on(async move {
        let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
        let unauthorized = || async { HttpResponse::Unauthorized().finish() };
        let server = HttpServer::new(move || App::new().default_service(web::to(unauthorized)));
        let serving = server.workers(1).disable_signals().listen(listener)?.run();
        let mut api = TcpStream::connect(&runtime_api)?;
        write!(
            api,
            "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: {runtime_api}\r\n\
             Lambda-Extension-Name: bare-listener\r\nContent-Length: {}\r\n\r\n{BODY}",
            BODY.len(),
        )?;
        serving.await
    })
}
