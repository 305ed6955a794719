//! axum, served by hyper as its example `serve-with-hyper` has it, because
//! `axum::serve` does not gather the flushes of pipelined requests. Files by
//! tower-http, as axum's documentation has it.

use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use gateway_peers::{Arguments, BYTES, Message, PLAIN, SLEEP, SLEPT, TEXT};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower_http::services::ServeFile;

async fn plaintext() -> impl IntoResponse {
    ([(CONTENT_TYPE, PLAIN)], TEXT)
}

async fn json() -> impl IntoResponse {
    Json(Message::HELLO)
}

async fn echo(body: Bytes) -> impl IntoResponse {
    ([(CONTENT_TYPE, BYTES)], body)
}

async fn sleep() -> impl IntoResponse {
    tokio::task::spawn_blocking(|| std::thread::sleep(SLEEP)).await.expect("sleeping does not panic");
    ([(CONTENT_TYPE, PLAIN)], SLEPT)
}

async fn run(arguments: Arguments) -> std::io::Result<()> {
    let router = Router::new()
        .route("/plaintext", get(plaintext))
        .route("/json", get(json))
        .route("/echo", post(echo))
        .route("/sleep10", get(sleep))
        .route_service("/file64k", ServeFile::new(arguments.file));
    let listener = TcpListener::bind(arguments.address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let service = hyper::service::service_fn(|request: Request<Incoming>| {
                hyper::service::Service::call(&service, request)
            });
            // A client that leaves is no event.
            let _ = http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(Arguments::of_program()))
}
