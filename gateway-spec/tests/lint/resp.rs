//! RESP.

use gateway_spec::Header;
use gateway_spec::lint::Check;
use gateway_spec::lint::facts::StartFacts;

use super::harness::{Outcome, answer, by_value, get, respond, rules};

/// A `Status` outside 200..=999 cannot be made, so the check gets the number.
fn status(code: u16) -> Outcome {
    by_value("RESP-01", |rule| match rule.check {
        Check::Start(check) => check(&StartFacts::first(code, &[])),
        _ => unreachable!("RESP-01 checks a head"),
    })
}

fn reason(reason: &str) -> Outcome {
    respond(get(), 200, Some(reason), &[], "ok")
}

fn ok(name: &str, value: impl AsRef<[u8]>) -> Outcome {
    answer(200, &[(name, value.as_ref())], "ok")
}

fn bare(status: u16) -> Outcome {
    answer(status, &[], "")
}

fn with(status: u16, name: &str, value: &str) -> Outcome {
    answer(status, &[(name, value.as_bytes())], "")
}

rules! {
    "RESP-01",
    resp_01_holds: status(999),
    resp_01_broken: status(103);
    "RESP-02",
    resp_02_holds: reason("Fine"),
    resp_02_broken: reason("Fine\r\nSet-Cookie: a=b").only_first();
    "RESP-03",
    resp_03_holds: reason("Not so bad!"),
    resp_03_broken: reason("Sch\u{f6}n");
    "RESP-04",
    resp_04_holds: ok("X-!#$%&'*+.^_`|~", "1"),
    resp_04_broken: ok("X Y", "1");
    "RESP-05",
    resp_05_holds: ok("X", b"\xff, \"quoted\""),
    resp_05_broken: ok("X", "a\r\nY: b");
    "RESP-06",
    resp_06_holds: ok("X", "a b"),
    resp_06_broken: ok("X", " a");
    "RESP-07",
    resp_07_holds: ok("X", "a\tb"),
    resp_07_broken: ok("X", "a\x1bb");
    "RESP-08",
    resp_08_holds: with(426, "Upgrade", "websocket"),
    resp_08_broken: ok("Keep-Alive", "timeout=5");
    "RESP-09",
    resp_09_holds: bare(204),
    resp_09_broken: with(204, "Content-Length", "0");
    "RESP-10",
    resp_10_holds: with(304, "ETag", "\"a\""),
    resp_10_broken: with(304, "Content-Type", "text/html");
    "RESP-11",
    resp_11_holds: ok("Content-Length", "2"),
    resp_11_broken: ok("Content-Length", "+2");
    "RESP-12",
    resp_12_holds: ok("Content-Length", "2"),
    resp_12_broken: answer(200, &[("Content-Length", b"2"), ("content-length", b"2")], "ok");
    "RESP-13",
    resp_13_holds: answer(200, &[("Link", b"<a>"), ("Link", b"<b>")], "ok"),
    resp_13_broken: answer(200, &[("ETag", b"\"a\""), ("etag", b"\"b\"")], "ok");
    "RESP-14",
    resp_14_holds: ok("Content-Type", "text/html; charset=utf-8"),
    resp_14_broken: ok("Content-Type", "html");
    "RESP-15",
    resp_15_holds: ok("X-Date", "today"),
    resp_15_broken: ok("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    "RESP-16",
    resp_16_holds: ok("Via", "1.1 proxy"),
    resp_16_broken: ok("Server", "mine/1.0");
    "RESP-17",
    resp_17_holds: ok("Set-Cookie", "a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT; Path=/"),
    resp_17_broken: ok("Set-Cookie", "a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT, b=2; Path=/");
    "RESP-18",
    resp_18_holds: ok("Set-Cookie", "__Host-a=\"1\"; Secure"),
    resp_18_broken: ok("Set-Cookie", "session id=1");
    "RESP-19",
    resp_19_holds: with(302, "Location", "../caf%C3%A9?x=[1]#top"),
    resp_19_broken: with(302, "Location", "/caf\u{e9}");
    "RESP-20",
    resp_20_holds: bare(300),
    resp_20_broken: bare(308);
    "RESP-21",
    resp_21_holds: with(401, "WWW-Authenticate", "Basic realm=\"x\""),
    resp_21_broken: bare(401);
    "RESP-22",
    resp_22_holds: with(405, "Allow", ""),
    resp_22_broken: bare(405);
    "RESP-23",
    resp_23_holds: with(407, "Proxy-Authenticate", "Basic realm=\"x\""),
    resp_23_broken: bare(407);
    "RESP-24",
    resp_24_holds: with(426, "Upgrade", "HTTP/3.0"),
    resp_24_broken: bare(426);
    "RESP-25",
    resp_25_holds: answer(206, &[("Content-Range", b"bytes 0-1/10")], "ok"),
    resp_25_broken: answer(206, &[], "ok");
    "RESP-26",
    resp_26_holds: with(416, "Content-Range", "bytes */10"),
    resp_26_broken: bare(416);
    "RESP-27",
    resp_27_holds: ok("ETag", "W/\"a-1!\""),
    resp_27_broken: ok("ETag", "a-1");
    "RESP-28",
    resp_28_holds: ok("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    resp_28_broken: ok("Expires", "0");
    "RESP-29",
    resp_29_holds: ok("X-Trailer", "1"),
    resp_29_broken: ok("Trailer", "X-Checksum");
    "RESP-30",
    resp_30_holds: with(205, "Content-Length", "0"),
    resp_30_broken: with(205, "Content-Length", "5").only_first();
}

impl Outcome {
    /// Where one broken head breaks a second rule as well.
    fn only_first(mut self) -> Self {
        let first = self.ids[0];
        self.ids.truncate(1);
        self.lines.retain(|(_, text)| text.starts_with(first));
        self
    }
}

#[test]
fn resp_25_wants_no_content_range_beside_byteranges() {
    let kind: (&str, &[u8]) = ("Content-Type", b"multipart/byteranges; boundary=x");
    assert!(answer(206, &[kind], "ok").ids.is_empty());
    assert_eq!(answer(206, &[kind, ("Content-Range", b"bytes 0-1/10")], "ok").ids, ["RESP-25"]);
}

#[test]
fn resp_08_knows_every_header_of_the_connection() {
    for name in ["Connection", "Proxy-Connection", "keep-alive", "TE", "Transfer-Encoding", "UPGRADE"] {
        assert_eq!(ok(name, "x").ids, ["RESP-08"], "{name}");
    }
}

#[test]
fn a_rule_looks_at_every_header_of_its_name() {
    let check = gateway_spec::lint::rule("RESP-11").unwrap().check;
    let headers = [Header::new("Content-Length", "2"), Header::new("Content-Length", "x")];
    let Check::Start(check) = check else { unreachable!("RESP-11 checks a head") };
    assert!(check(&StartFacts::first(200, &headers)).is_some());
}
