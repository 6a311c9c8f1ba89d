//! Answers every request with the bytes of one file: `constant FILE`. Prints its port.
//!
//! actix-web on the same accept loop as the extension, with nothing behind it: no token, no query,
//! no cache. What it reaches is what the extension cannot exceed.

use std::{env, fs, io, rc::Rc};

use actix_http::{HttpService, KeepAlive};
use actix_service::{
    IntoServiceFactory as _, Service as _, ServiceFactory as _, ServiceFactoryExt as _, map_config,
};
use actix_web::{App, HttpResponse, dev::AppConfig, http::header::ContentType, rt::System, web};
use bytes::Bytes;
use tokio::net::TcpListener;

fn main() -> io::Result<()> {
    let file = env::args().nth(1).ok_or_else(|| io::Error::other("usage: constant FILE"))?;
    System::new().block_on(serve(fs::read(file)?.into()))
}

async fn serve(body: Bytes) -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let answer = web::to(move || {
        let body = body.clone();
        async move { HttpResponse::Ok().content_type(ContentType::plaintext()).body(body) }
    });
    let app = App::new().default_service(answer).into_factory();
    let app = app.map_err(|error: actix_web::Error| error.error_response());
    let http = HttpService::build()
        .keep_alive(KeepAlive::Os)
        .h1(map_config(app, |()| AppConfig::default()))
        .tcp()
        .new_service(())
        .await
        .map_err(|()| io::Error::other("the HTTP service did not start"))?;
    let http = Rc::new(http);
    loop {
        let (stream, _client) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let serving = http.call(stream);
        tokio::task::spawn_local(async move {
            let _ = serving.await;
        });
    }
}
