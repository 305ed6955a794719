//! may_minihttp as its TechEmpower example has it: stackful coroutines on one
//! worker. It ignores `Connection: close`, and sends no files.

use std::io::{self, Read as _};

use gateway_peers::{Arguments, Message, SLEEP, SLEPT, TEXT};
use may_minihttp::{HttpService, HttpServiceFactory, Request, Response};

struct Service;

impl HttpService for Service {
    fn call(&mut self, request: Request<'_, '_, '_>, response: &mut Response<'_>) -> io::Result<()> {
        match request.path() {
            "/plaintext" => response.header("Content-Type: text/plain").body(TEXT),
            "/json" => {
                response.header("Content-Type: application/json").body_vec(Message::HELLO.to_vec());
            }
            "/echo" => {
                let mut body = Vec::new();
                request.body().read_to_end(&mut body)?;
                response.header("Content-Type: application/octet-stream").body_vec(body);
            }
            // Its way to wait: the coroutine sleeps, the thread does not.
            "/sleep10" => {
                may::coroutine::sleep(SLEEP);
                response.header("Content-Type: text/plain").body(SLEPT);
            }
            _ => drop(response.status_code(404, "Not Found")),
        }
        Ok(())
    }
}

struct Factory;

impl HttpServiceFactory for Factory {
    type Service = Service;

    fn new_service(&self, _: usize) -> Service {
        Service
    }
}

fn main() {
    may::config().set_workers(1).set_pool_capacity(1000).set_stack_size(0x1000);
    let server = Factory.start(&Arguments::of_program().address[..]).expect("the address is free");
    server.join().expect("it serves until it is ended");
}
