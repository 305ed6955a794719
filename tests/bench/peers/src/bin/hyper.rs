//! hyper on tokio's runtime of one thread, as its own benchmarks and examples
//! have it, with flushes gathered for pipelined requests. It sends no files.

use std::convert::Infallible;

use bytes::Bytes;
use gateway_peers::{Arguments, BYTES, JSON, Message, PLAIN, SLEEP, SLEPT, TEXT};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

async fn serve(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(match request.uri().path() {
        "/plaintext" => response(PLAIN, Bytes::from_static(TEXT.as_bytes())),
        "/json" => response(JSON, Message::HELLO.to_vec().into()),
        "/echo" => match request.into_body().collect().await {
            Ok(body) => response(BYTES, body.to_bytes()),
            Err(_) => fault(StatusCode::BAD_REQUEST),
        },
        "/sleep10" => {
            let slept = tokio::task::spawn_blocking(|| std::thread::sleep(SLEEP)).await;
            slept.map_or_else(|_| fault(StatusCode::INTERNAL_SERVER_ERROR), |()| response(PLAIN, SLEPT.into()))
        }
        _ => fault(StatusCode::NOT_FOUND),
    })
}

fn response(content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn fault(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = response(PLAIN, Bytes::new());
    *response.status_mut() = status;
    response
}

async fn run(address: String) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let connection =
                http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service_fn(serve));
            // A client that leaves is no event.
            let _ = connection.await;
        });
    }
}

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(Arguments::of_program().address))
}
