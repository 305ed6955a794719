//! Prints `docs/HTTP.md`: `cargo run -p gateway-server --example render-http > docs/HTTP.md`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(gateway_server::protocol::http1::rules::page().as_bytes())
}
