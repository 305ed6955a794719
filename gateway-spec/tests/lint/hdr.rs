//! HDR.

use super::harness::{Case, get, post, rules};

/// A chunked request: its length is unknown.
fn coded(codings: &str) -> Case {
    Case { method: "POST", length: None, ..get() }.header("Transfer-Encoding", codings)
}

fn host(values: &[&str]) -> Case {
    let headers = values.iter().map(|value| ("Host".to_owned(), value.as_bytes().to_vec())).collect();
    Case { headers, ..get() }
}

rules! {
    "HDR-01",
    hdr_01_holds: get().header("X-!#$%&'*+.^_`|~", "1").ok(),
    hdr_01_broken: get().header("X Y", "1").ok();
    "HDR-02",
    hdr_02_holds: get().header("X", b"\xff, \"quoted\"").ok(),
    hdr_02_broken: get().header("X", "a\r\nY: b").ok();
    "HDR-03",
    hdr_03_holds: get().header("X", "a b").ok(),
    hdr_03_broken: get().header("X", "a\t").ok();
    "HDR-04",
    hdr_04_holds: get().header("X", "a\tb").ok(),
    hdr_04_broken: get().header("X", "a\x1bb").ok();
    "HDR-05",
    hdr_05_holds: host(&[]).env("SERVER_PROTOCOL", "HTTP/1.0").ok(),
    hdr_05_broken: host(&[]).ok();
    "HDR-06",
    hdr_06_holds: host(&["a"]).ok(),
    hdr_06_broken: host(&["a", "a"]).ok();
    "HDR-07",
    hdr_07_holds: host(&["[::1]:8000"]).ok(),
    hdr_07_broken: host(&["user@a"]).ok();
    "HDR-08",
    hdr_08_holds: coded("chunked").ok(),
    hdr_08_broken: post(3, &[]).header("Transfer-Encoding", "chunked").ok();
    "HDR-09",
    hdr_09_holds: post(3, &[]).ok(),
    hdr_09_broken: post(3, &[]).header("Content-Length", "3").ok();
    "HDR-10",
    hdr_10_holds: coded("gzip, Chunked").ok(),
    hdr_10_broken: coded("chunked, gzip").ok();
    "HDR-11",
    hdr_11_holds: coded("chunked").ok(),
    hdr_11_broken: coded("chunked").env("SERVER_PROTOCOL", "HTTP/1.0").ok();
}
