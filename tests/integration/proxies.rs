//! Who the client is, behind proxies: by a PROXY header, by headers of requests,
//! and as real proxies say it.

mod announced;
mod forwarded;
pub(crate) mod peers;
mod refusals;

use gateway_tests::client::{Client, Response};
use gateway_tests::server::Server;

use crate::engines::Engine;

/// This test is a proxy.
const TRUSTED: &[&str] = &["--trusted-proxies", "127.0.0.0/8"];
/// Its connections begin with a header.
const ANNOUNCED: &[&str] = &["--trusted-proxies", "10.0.0.0/8,127.0.0.0/8", "--proxy-protocol"];

/// Serves the app that shows its environ.
fn serve(engine: Engine, flags: &[&str]) -> Server {
    engine.serve("environ:app", &[&["--lint"], flags].concat())
}

fn request(headers: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n").into_bytes()
}

/// Who asks, as the app has been told: address, port, scheme, HTTPS.
fn who(page: &str) -> String {
    let variable = |name: &str| {
        let row = page.split(&format!("<tr><th>{name}</th><td>")).nth(1).and_then(|row| row.split("</td>").next());
        row.unwrap_or("-").to_owned()
    };
    ["REMOTE_ADDR", "REMOTE_PORT", "gateway.url_scheme", "HTTPS"].map(variable).join(" ")
}

fn asked(client: &mut Client) -> String {
    let Response { status, body, .. } = client.response("GET").expect("the server answers");
    let page = String::from_utf8_lossy(&body);
    assert_eq!(status, 200, "{page}");
    who(&page)
}
