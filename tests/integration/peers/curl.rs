//! curl.

use std::path::Path;
use std::process::Command;

use gateway_tests::skip;

use super::{LARGE, LARGE_BYTES, bytes};
use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    curl_sees_status_date_server_and_length => curl_sees_status_date_server_and_length,
    curl_uploads_in_every_way_and_gets_it_back => curl_uploads_in_every_way_and_gets_it_back,
    curl_keeps_its_connection => curl_keeps_its_connection,
    curl_sends_a_hundred_megabytes => curl_sends_a_hundred_megabytes,
    curl_gets_a_hundred_megabytes => curl_gets_a_hundred_megabytes,
    curl_asks_for_many_at_once => curl_asks_for_many_at_once,
}

/// Runs curl and gives what it printed.
pub(crate) fn curl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("curl").args(["--silent", "--show-error", "--max-time", "120"]).args(arguments).output();
    let output = output.expect("curl can be run");
    assert!(output.status.success(), "curl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A file for `--upload-file`.
fn file(folder: &Path, bytes: &[u8]) -> String {
    let path = folder.join("upload");
    std::fs::write(&path, bytes).expect("the temporary folder is writable");
    path.display().to_string()
}

const CHUNKED: &[&str] = &["--header", "Transfer-Encoding: chunked"];
const EXPECT: &[&str] = &["--header", "Expect: 100-continue"];
const NO_EXPECT: &[&str] = &["--header", "Expect:"];
const OLD: &[&str] = &["--http1.0"];

fn curl_sees_status_date_server_and_length(engine: Engine) {
    if !skip::has("curl_sees_status_date_server_and_length", "curl") {
        return;
    }
    let server = engine.serve("hello:app", &[]);
    let text = String::from_utf8(curl(&["--include", &server.url("/")])).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    for field in ["\r\nDate: ", " GMT\r\n", "\r\nServer: gateway-server\r\n"] {
        assert!(head.contains(field), "no {field:?} in {head}");
    }
    assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())), "{head}");
}

fn curl_uploads_in_every_way_and_gets_it_back(engine: Engine) {
    if !skip::has("curl_uploads_in_every_way_and_gets_it_back", "curl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bytes = bytes(3_000_000);
    let file = file(folder.path(), &bytes);
    let server = engine.serve("probe:app", &[]);
    for path in ["/echo", "/chunked-echo"] {
        for options in [NO_EXPECT, EXPECT, CHUNKED, OLD] {
            let back = curl(&[options, &["--upload-file", &file, &server.url(path)]].concat());
            assert!(back == bytes, "{path} {options:?}: {} bytes came back", back.len());
        }
    }
    server.stop();
}

/// One curl, one connection, whatever is asked for.
fn curl_keeps_its_connection(engine: Engine) {
    if !skip::has("curl_keeps_its_connection", "curl") {
        return;
    }
    let server = engine.serve("probe:app", &[]);
    let url = server.url("/inspect");
    let told = ["--output", "/dev/null", "--write-out", "%{num_connects} ", &url];
    let next = ["--next", "--silent"];
    let connects = curl(&[&told[..], &next, &["--head"], &told, &next, &["--data", "a=b"], &told].concat());
    assert_eq!(String::from_utf8_lossy(&connects), "1 0 0 ");
}

fn curl_sends_a_hundred_megabytes(engine: Engine) {
    if !skip::has("curl_sends_a_hundred_megabytes", "curl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (bytes, hash) = &*LARGE_BYTES;
    let file = file(folder.path(), bytes);
    let server = engine.serve("probe:app", &[]);
    let answer = curl(&["--upload-file", &file, &server.url("/inspect")]);
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((answer["body_sha256"].as_str(), answer["body_len"].as_u64()), (Some(&**hash), Some(LARGE as u64)));
}

/// In chunks, and until the connection closes; compared byte by byte.
fn curl_gets_a_hundred_megabytes(engine: Engine) {
    if !skip::has("curl_gets_a_hundred_megabytes", "curl") {
        return;
    }
    let (count, size) = (LARGE / 65_536, 65_536);
    let expected = (0..count).map(|at| vec![b'a' + (at % 26) as u8; size]).collect::<Vec<_>>().concat();
    let server = engine.serve("probe:app", &[]);
    let url = server.url(&format!("/stream?n={count}&size={size}"));
    for options in [&[][..], OLD] {
        let came = curl(&[options, &[&url]].concat());
        assert!(came == expected, "{options:?}: {} bytes came, not all of them right", came.len());
    }
}

/// Many at once, each over connections of its own.
fn curl_asks_for_many_at_once(engine: Engine) {
    if !skip::has("curl_asks_for_many_at_once", "curl") {
        return;
    }
    let server = engine.serve("probe:app", &[]);
    let url = server.url("/stream?n=100&size=1000&each=[1-40]");
    let back = curl(&["--parallel", "--parallel-immediate", "--parallel-max", "20", &url]);
    assert_eq!(back.len(), 40 * 100 * 1000);
}
