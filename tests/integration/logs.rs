//! The log and the access log: what stands in them, that nobody forges it, that nothing
//! is lost at an end or when files are moved away, and that nobody waits for them.

mod access;
mod forging;
mod refusals;
mod rotation;
mod server_log;
mod traced;
mod trouble;

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use gateway_tests::client::Client;
use gateway_tests::server::Server;
use serde_json::Value;
use tempfile::TempDir;

/// Where a server has its logs.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path as an argument.
    fn name(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn read(&self, name: &str) -> String {
        read(&self.path(name))
    }

    fn lines(&self, name: &str) -> Vec<String> {
        self.read(name).lines().map(ToOwned::to_owned).collect()
    }

    /// Its lines, which are objects of JSON.
    fn objects(&self, name: &str) -> Vec<Value> {
        self.lines(name).iter().map(|line| object(line)).collect()
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn object(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert!(value.is_object(), "{line}");
    value
}

/// Asks for `/PREFIX0`, `/PREFIX1` and so on, on one connection.
fn ask(server: &Server, prefix: &str, count: usize) {
    ask_at(server.address(), prefix, count);
}

fn ask_at(address: SocketAddr, prefix: &str, count: usize) {
    let mut client = Client::new(TcpStream::connect(address).unwrap());
    for number in 0..count {
        let request = format!("GET /{prefix}{number} HTTP/1.1\r\nHost: shop\r\n\r\n");
        client.send(request.as_bytes()).unwrap();
        client.response("GET").unwrap();
    }
}
