//! ENV.

use std::sync::Barrier;

use gateway_spec::lint::Lint;
use gateway_spec::prelude::*;

use super::harness::{Case, Outcome, get, post, rules};

fn target(uri: &'static [u8], script_name: &'static [u8], path_info: &'static [u8], query: &'static [u8]) -> Case {
    Case { uri, script_name, path_info, query, ..get() }
}

fn star(method: &'static str, path_info: &'static [u8]) -> Case {
    Case { method, uri: b"*", path_info, ..get() }
}

/// Two threads inside the app at once.
fn two_threads(multithread: &str) -> Outcome {
    let (entered, left) = (Barrier::new(2), Barrier::new(2));
    let lint = Lint::new(app_fn(|environ, start_response| {
        if environ.path_info() == b"/slow" {
            entered.wait();
            left.wait();
        }
        start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
        Ok(Body::empty())
    }));
    std::thread::scope(|scope| {
        scope.spawn(|| target(b"/slow", b"", b"/slow", b"").env("gateway.multithread", multithread).serve_lint(&lint));
        entered.wait();
        let outcome = get().env("gateway.multithread", multithread).serve_lint(&lint);
        left.wait();
        outcome
    })
}

rules! {
    "ENV-01",
    env_01_holds: get().ok(),
    env_01_broken: get().no_env("gateway.run_once").ok();
    "ENV-02",
    env_02_holds: Case { method: "M-SEARCH", ..get() }.ok(),
    env_02_broken: Case { method: "GE T", ..get() }.ok();
    "ENV-03",
    env_03_holds: Case { method: "connect", ..get() }.ok(),
    env_03_broken: Case { method: "CONNECT", ..get() }.ok();
    "ENV-04",
    env_04_holds: target(b"/app/x", b"/app", b"/x", b"").ok(),
    env_04_broken: Case { edited: true, ..target(b"/app/x", b"app", b"/x", b"") }.ok();
    "ENV-05",
    env_05_holds: target(b"/app/", b"/app", b"/", b"").ok(),
    env_05_broken: target(b"/app/", b"/app/", b"", b"").ok();
    "ENV-06",
    env_06_holds: target(b"/app", b"/app", b"", b"").ok(),
    env_06_broken: target(b"/app/x", b"/app", b"x", b"").no_check("ENV-09");
    "ENV-07",
    env_07_holds: star("OPTIONS", b"").ok(),
    env_07_broken: Case { edited: true, ..target(b"/", b"", b"", b"") }.ok();
    "ENV-08",
    env_08_holds: star("OPTIONS", b"").ok(),
    env_08_broken: star("GET", b"").ok();
    "ENV-09",
    env_09_holds: target(b"/caf%C3%A9//a%2fb/../c?%41", b"", b"/caf\xc3\xa9//a/b/../c", b"%41").ok(),
    env_09_broken: target(b"/a//b", b"", b"/a/b", b"").ok();
    "ENV-10",
    env_10_holds: target(b"/?a=%20?b", b"", b"/", b"a=%20?b").ok(),
    env_10_broken: target(b"/?a=%20", b"", b"/", b"a= ").ok();
    "ENV-11",
    env_11_holds: target(b"http://localhost/x", b"", b"/x", b"").ok(),
    env_11_broken: target(b"/a b", b"", b"/a b", b"").ok();
    "ENV-12",
    env_12_holds: get().env("SERVER_NAME", "::1").ok(),
    env_12_broken: get().env("SERVER_NAME", "").ok();
    "ENV-13",
    env_13_holds: get().env("SERVER_PORT", "").ok(),
    env_13_broken: get().env("SERVER_PORT", "65536").ok();
    "ENV-14",
    env_14_holds: get().env("SERVER_PROTOCOL", "HTTP/2").ok(),
    env_14_broken: get().env("SERVER_PROTOCOL", "HTTP/1.1.1").ok();
    "ENV-15",
    env_15_holds: get().env("gateway.version", "1.12").ok(),
    env_15_broken: get().env("gateway.version", "(1, 0)").ok();
    "ENV-16",
    env_16_holds: get().env("gateway.url_scheme", "https").ok(),
    env_16_broken: get().env("gateway.url_scheme", "HTTP").ok();
    "ENV-17",
    env_17_holds: get().env("gateway.run_once", "1").ok(),
    env_17_broken: get().env("gateway.run_once", "true").ok();
    "ENV-18",
    env_18_holds: get().env("gateway.url_scheme", "https").env("HTTPS", "on").ok(),
    env_18_broken: get().env("HTTPS", "on").ok();
    "ENV-19",
    env_19_holds: get().env("REMOTE_ADDR", "2001:db8::1").ok(),
    env_19_broken: get().env("REMOTE_ADDR", "[2001:db8::1]").ok();
    "ENV-20",
    env_20_holds: get().env("REMOTE_PORT", "49152").ok(),
    env_20_broken: get().env("REMOTE_PORT", "+1").ok();
    "ENV-21",
    env_21_holds: post(3, &[Ok(b"abc")]).ok(),
    env_21_broken: Case { length: None, ..get() }.header("Content-Length", "+3").ok();
    "ENV-22",
    env_22_holds: post(3, &[Ok(b"abc")]).ok(),
    env_22_broken: Case { length: Some(4), ..post(3, &[]) }.ok();
    "ENV-23",
    env_23_holds: get().header("Content-Type", "text/html").env("CONTENT_TYPE", "text/html").ok(),
    env_23_broken: get().header("Content-Type", "text/html").env("CONTENT_TYPE", "text/plain").ok();
    "ENV-24",
    env_24_holds: get().header("Proxy", "http://evil").ok(),
    env_24_broken: Case { edited: true, ..get() }.env("HTTP_PROXY", "http://evil").ok();
    "ENV-25",
    env_25_holds: post(3, &[Ok(b"abc")]).header("Content-Type", "text/plain").ok(),
    env_25_broken: Case { edited: true, ..get() }.env("HTTP_CONTENT_TYPE", "text/html").ok();
    "ENV-26",
    env_26_holds: get().env("org.example.x", "1").ok(),
    env_26_broken: get().env("A=B", "1").ok();
    "ENV-27",
    env_27_holds: get().env("X", "1").env("Y", "1").ok(),
    env_27_broken: { let mut case = get(); case.env.push(case.env[0].clone()); case.ok() };
    "ENV-28",
    env_28_holds: get().env("example.thing", "1").ok(),
    env_28_broken: get().env("gateway.thing", "1").ok();
    "ENV-29",
    env_29_holds: two_threads("1"),
    env_29_broken: two_threads("0");
}

impl Case {
    /// A path without a slash cannot be that of the target as well: only the
    /// rule of that is left out.
    fn no_check(self, other: &str) -> Outcome {
        let mut outcome = self.ok();
        outcome.ids.retain(|id| *id != other);
        outcome.lines.retain(|(_, text)| !text.starts_with(other));
        outcome
    }
}
