//! actix-web with one worker, files by actix-files, blocking code by
//! `web::block`, as its documentation has it. It would close idle connections
//! after 5 seconds; all peers keep them for as long as they are measured.

use std::io;
use std::time::Duration;

use actix_files::NamedFile;
use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, web};
use gateway_peers::{Arguments, Message, SLEEP, SLEPT, TEXT};

async fn plaintext() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body(TEXT)
}

async fn json() -> HttpResponse {
    HttpResponse::Ok().json(Message::HELLO)
}

async fn echo(body: web::Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::octet_stream()).body(body)
}

async fn file(path: web::Data<std::path::PathBuf>) -> io::Result<NamedFile> {
    NamedFile::open(path.get_ref())
}

async fn sleep() -> actix_web::Result<HttpResponse> {
    web::block(|| std::thread::sleep(SLEEP)).await?;
    Ok(HttpResponse::Ok().content_type("text/plain").body(SLEPT))
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::of_program();
    let file_path = web::Data::new(arguments.file);
    HttpServer::new(move || {
        App::new()
            .app_data(file_path.clone())
            .route("/plaintext", web::get().to(plaintext))
            .route("/json", web::get().to(json))
            .route("/echo", web::post().to(echo))
            .route("/file64k", web::get().to(file))
            .route("/sleep10", web::get().to(sleep))
    })
    .workers(1)
    .keep_alive(Duration::from_secs(75))
    .bind(arguments.address)?
    .run()
    .await
}
