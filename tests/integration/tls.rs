//! TLS: real peers, ciphertext in pieces, what goes wrong, certificates.

mod certificates;
mod faults;
mod peers;
mod session;
mod splits;

use gateway_tests::server::Server;
use gateway_tests::skip;
use gateway_tests::tls::Certificates;

use crate::engines::Engine;

/// Whether certificates can be made; if not, the test is listed as skipped.
fn has_openssl(test: &str) -> bool {
    skip::has(test, "openssl")
}

/// Serves an app of an example package with a new certificate.
fn serve(engine: Engine, package_and_app: &str, more: &[&str]) -> (Server, Certificates) {
    let certificates = Certificates::new();
    let server = engine.serve(package_and_app, &certificates.flags(more));
    (server, certificates)
}

/// A request that keeps its connection.
fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}
