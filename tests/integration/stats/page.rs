//! The page, in headless Chromium.

use std::path::PathBuf;
use std::process::Command;

use gateway_tests::client::Client;
use gateway_tests::{artifacts, skip};
use serde_json::Value;

use super::{Told, ask_app};
use crate::peers::browser::chromium;

/// The text of the element with this id.
fn text(page: &str, id: &str) -> String {
    let (_, rest) = page.split_once(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no {id} in {page}"));
    let (_, rest) = rest.split_once('>').unwrap();
    rest.split('<').next().unwrap().replace(',', "")
}

/// The page as a browser has it once it has asked.
fn page(told: &Told) -> String {
    let url = format!("http://{}/", told.stats);
    String::from_utf8_lossy(&chromium(&["--dump-dom", "--virtual-time-budget=2000", &url])).into_owned()
}

#[test]
fn browser_shows_the_figures_of_stats() {
    if !skip::has("browser_shows_the_figures_of_stats", "chromium") {
        return;
    }
    let told = Told::start("probe:app", "2", &[]);
    for _ in 0..1234 {
        assert_eq!(ask_app(&told.server, "/"), 200);
    }
    told.wait("nobody is there", |stats| stats["connections"]["open"] == 0 && stats["requests"] == 1234);
    told.wait_for_history();
    let (page, stats) = (page(&told), told.stats());
    let of = |value: &Value| value.as_u64().unwrap().to_string();
    for (id, value) in [
        ("requests", &stats["requests"]),
        ("in-flight", &stats["in_flight"]),
        ("queued", &stats["queued"]),
        ("busy", &stats["threads"]["busy"]),
        ("idle", &stats["threads"]["idle"]),
        ("open", &stats["connections"]["open"]),
        ("accepted", &stats["connections"]["accepted"]),
        ("process", &stats["process"]),
        ("workers-wanted", &stats["workers_wanted"]),
    ] {
        assert_eq!(text(&page, id), of(value), "{id} in {page}");
    }
    assert_eq!((text(&page, "state").as_str(), text(&page, "workers-ready").as_str()), ("serves", "2"));
    for worker in told.workers() {
        assert!(page.contains(&format!("<td>{worker}</td>")), "{page}");
    }
    assert!(page.contains("<polyline"), "{page}");
    told.server.stop();
}

/// What a client sends stays text.
#[test]
fn browser_is_shown_text_and_no_markup() {
    if !skip::has("browser_is_shown_text_and_no_markup", "chromium") {
        return;
    }
    let told = Told::start("probe:app", "1", &[]);
    let head = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut running = Client::new(told.server.connect());
    running.send(head("/sleep?ms=60000").as_bytes()).unwrap();
    let mut failing = Client::new(told.server.connect());
    failing.send(head("/set-header?v=%0d%0a").as_bytes()).unwrap();
    assert_eq!(failing.response("GET").unwrap().status, 500);
    // Bytes that HTTP allows in a target, and that a page could take for its own.
    let mut strange = Client::new(told.server.connect());
    strange.send(head("/<img/src=x/onerror=document.title='taken'>?v=1").as_bytes()).unwrap();
    let status = strange.response("GET").unwrap().status;
    assert!(status == 404 || status == 400, "{status}");
    let page = page(&told);
    assert!(!page.contains("<img") && page.contains("<title>gateway-server</title>"), "{page}");
    assert!(page.contains("GET /set-header: invalid"), "{page}");
    assert!(page.contains("GET /sleep</td>"), "{page}");
    told.server.signal("QUIT");
    told.server.wait();
}

/// The picture in docs/stats.md, under load.
#[test]
fn browser_takes_a_picture_of_the_figures() {
    if !skip::has("browser_takes_a_picture_of_the_figures", "chromium")
        || !skip::has("browser_takes_a_picture_of_the_figures", "wrk")
    {
        return;
    }
    let told = Told::start("probe:app", "2", &["--threads", "8"]);
    let is_kept = std::env::var_os("UPDATE_SHOTS").is_some();
    let seconds = if is_kept { 40 } else { 3 };
    let load = |clients: &str, path: &str| {
        let time = format!("-d{seconds}s");
        Command::new("wrk")
            .args(["-t1", clients, &time, &told.server.url(path)])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut loads = [load("-c20", "/sleep?ms=20"), load("-c2", "/stream")];
    ask_app(&told.server, "/set-header?v=%0d%0a");
    told.wait("a history", |stats| stats["uptime_seconds"].as_f64() > Some(f64::from(seconds) * 0.9));
    let folder = tempfile::tempdir().unwrap();
    let shot = folder.path().join("stats.png");
    let url = format!("http://{}/", told.stats);
    let picture = format!("--screenshot={}", shot.display());
    chromium(&[&picture, "--virtual-time-budget=2000", "--window-size=1200,1180", &url]);
    let picture = std::fs::read(&shot).expect("the browser has taken a picture");
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000, "{} bytes", picture.len());
    if is_kept {
        std::fs::write(kept_shot(), picture).unwrap();
    }
    for load in &mut loads {
        load.wait().unwrap();
    }
    told.server.stop();
    assert!(kept_shot().exists(), "docs/images/stats.png is missing: run `make shots`");
}

fn kept_shot() -> PathBuf {
    artifacts::workspace().join("docs/images/stats.png")
}
