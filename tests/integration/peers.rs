//! Programs that users have: curl and a browser.

use std::path::Path;
use std::process::Command;

use gateway_tests::server::Server;
use gateway_tests::{artifacts, skip};

/// Runs curl and gives what it printed.
fn curl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("curl").args(["--silent", "--show-error", "--max-time", "60"]).args(arguments).output();
    let output = output.expect("curl can be run");
    assert!(output.status.success(), "curl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn curl_sees_status_date_server_and_length() {
    if !skip::has("curl_sees_status_date_server_and_length", "curl") {
        return;
    }
    let server = Server::start("hello:app", &[]);
    let text = String::from_utf8(curl(&["--include", &server.url("/")])).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    for field in ["\r\nDate: ", " GMT\r\n", "\r\nServer: gateway-server\r\n"] {
        assert!(head.contains(field), "no {field:?} in {head}");
    }
    assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())), "{head}");
}

#[test]
fn curl_uploads_in_every_way_and_gets_it_back() {
    if !skip::has("curl_uploads_in_every_way_and_gets_it_back", "curl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("upload");
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(&file, &bytes).unwrap();
    let file = file.display().to_string();
    for engine in ["single", "thread"] {
        let server = Server::start("probe:app", &["--engine", engine]);
        let chunked = ["--header", "Transfer-Encoding: chunked"];
        let plain: &[&str] = &[];
        let expect = ["--header", "Expect: 100-continue"];
        for (path, options) in [
            ("/echo", plain),
            ("/echo", &chunked),
            ("/echo", &["--http1.0"]),
            ("/echo", &expect),
            ("/chunked-echo", &chunked),
            ("/chunked-echo", plain),
        ] {
            let url = server.url(path);
            let back = curl(&[options, &["--upload-file", &file, &url]].concat());
            assert!(back == bytes, "{engine} {path} {options:?}: {} bytes came back", back.len());
        }
    }
}

/// Runs headless Chromium and gives what it printed.
fn chromium(arguments: &[&str]) -> Vec<u8> {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .output();
    let output = output.expect("chromium can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The page that the environ app shows, as a browser has built it.
#[test]
fn browser_renders_the_environ_page() {
    if !skip::has("browser_renders_the_environ_page", "chromium") {
        return;
    }
    let server = Server::start("environ:app", &[]);
    let url = server.url("/caf%C3%A9?greeting=%3Cb%3E");
    let page = String::from_utf8_lossy(&chromium(&["--dump-dom", &url])).into_owned();
    for text in ["<table", "REQUEST_METHOD", "GET", "PATH_INFO", "/café", "HTTP_USER_AGENT", "gateway.version"] {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
    let folder = tempfile::tempdir().unwrap();
    let shot = folder.path().join("environ.png");
    chromium(&[&format!("--screenshot={}", shot.display()), "--window-size=1000,1180", &url]);
    let picture = std::fs::read(&shot).expect("the browser has taken a picture");
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000, "{} bytes", picture.len());
    if std::env::var_os("UPDATE_SHOTS").is_some() {
        std::fs::write(kept_shot(), picture).unwrap();
    }
    assert!(kept_shot().exists(), "docs/images/environ.png is missing: run `make shots`");
}

fn kept_shot() -> std::path::PathBuf {
    Path::new(&artifacts::workspace()).join("docs/images/environ.png")
}
