//! ntex's web framework, as its documentation has it, with one worker.

use std::io;

use gateway_peers::{Arguments, Message, SLEEP, SLEPT, TEXT};
use ntex::http::HttpServiceConfig;
use ntex::time::Seconds;
use ntex::util::Bytes;
use ntex::{SharedCfg, web};

async fn plaintext() -> web::HttpResponse {
    web::HttpResponse::Ok().content_type("text/plain").body(TEXT)
}

async fn json() -> web::HttpResponse {
    web::HttpResponse::Ok().json(&Message::HELLO)
}

async fn echo(body: Bytes) -> web::HttpResponse {
    web::HttpResponse::Ok().content_type("application/octet-stream").body(body)
}

async fn sleep() -> web::HttpResponse {
    let sleep = || {
        std::thread::sleep(SLEEP);
        Ok::<_, io::Error>(())
    };
    match web::block(sleep).await {
        Ok(()) => web::HttpResponse::Ok().content_type("text/plain").body(SLEPT),
        Err(_) => web::HttpResponse::InternalServerError().into(),
    }
}

#[ntex::main]
async fn main() -> io::Result<()> {
    web::HttpServer::new(async || {
        web::App::new()
            .route("/plaintext", web::get().to(plaintext))
            .route("/json", web::get().to(json))
            .route("/echo", web::post().to(echo))
            .route("/sleep10", web::get().to(sleep))
    })
    .workers(1)
    .bind(Arguments::of_program().address)?
    .config(SharedCfg::new("PEER").add(HttpServiceConfig::new().set_keepalive(Seconds(75))))
    .run()
    .await
}
