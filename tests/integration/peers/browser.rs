//! A browser: headless Chromium.

use std::path::PathBuf;
use std::process::Command;

use gateway_tests::server::Server;
use gateway_tests::{artifacts, skip};

use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    browser_gets_page_and_image_over_one_connection => browser_gets_page_and_image_over_one_connection,
}

/// Runs headless Chromium and gives what it printed.
pub(crate) fn chromium(arguments: &[&str]) -> Vec<u8> {
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

fn kept_shot() -> PathBuf {
    artifacts::workspace().join("docs/images/environ.png")
}

/// The page's image is there only for the connection that the page came over,
/// and the page tells which it was. A browser opens a second connection to be
/// prepared; where that one has to wait, the first makes room for it.
fn browser_gets_page_and_image_over_one_connection(engine: Engine) {
    if !skip::has("browser_gets_page_and_image_over_one_connection", "chromium") {
        return;
    }
    let server = engine.serve("probe:app", &[]);
    let page = String::from_utf8_lossy(&chromium(&["--dump-dom", &server.url("/page")])).into_owned();
    let kept = page.contains(">one connection<");
    let expected = kept || engine.name == "single" && page.contains(">two connections<");
    assert!(expected, "{page}\nthe server:\n{}", server.log());
}
