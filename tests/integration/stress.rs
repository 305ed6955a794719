//! Clients that stall, vanish, read slowly or come in crowds, on every engine:
//! others are served meanwhile, and afterwards the server is as it was before.

mod descriptors;
mod leaving;
mod processes;
mod slow;
mod stalled;

use std::io::{self, Write as _};
use std::net::TcpStream;

use gateway_tests::client::{Client, Response};
use gateway_tests::server::Server;

/// A connection over which this much has been sent.
fn sent(server: &Server, bytes: &str) -> TcpStream {
    let mut stream = server.connect();
    stream.write_all(bytes.as_bytes()).expect("the connection takes a few bytes");
    stream
}

/// Asks over a connection that stays.
fn ask(client: &mut Client, path: &str) -> io::Result<Response> {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())?;
    client.response("GET")
}

/// Holds that a new client is served.
fn serves(server: &Server, path: &str) {
    let response = ask(&mut Client::new(server.connect()), path);
    let response = response.unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", server.log()));
    assert_eq!(response.status, 200, "{path}: {}", response.text());
}
