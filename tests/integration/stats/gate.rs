//! Who is told, and who is not.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use gateway_tests::process::is_there;
use gateway_tests::server::{Server, run};

use super::Told;

const TOKEN: &str = "a-token-that-nobody-guesses";
const PATHS: [&str; 5] = ["/", "/stats", "/metrics", "/page.js", "/page.css"];
const PROBES: [&str; 2] = ["/live", "/ready"];

#[test]
fn pages_of_other_sites_are_told_nothing() {
    let told = Told::start("hello:app", "1", &[]);
    let port = told.stats.port();
    for path in PATHS.iter().chain(&PROBES) {
        for host in ["localhost", "127.0.0.1", "[::1]", &format!("localhost:{port}"), "LocalHost:1"] {
            assert_eq!(told.ask("GET", path, &format!("Host: {host}\r\n")).status, 200, "{path} {host}");
        }
        for host in ["evil.example", &format!("evil.example:{port}"), "localhost.evil.example", "10.1.2.3"] {
            let answer = told.ask("GET", path, &format!("Host: {host}\r\nOrigin: http://{host}\r\n"));
            assert_eq!(answer.status, 403, "{path} {host}");
            assert!(answer.text().contains("call it localhost"), "{}", answer.text());
        }
        let answer = told.ask("GET", path, "Origin: http://evil.example\r\n");
        assert!(!answer.headers.iter().any(|(name, _)| name.to_ascii_lowercase().starts_with("access-control")));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    told.server.stop();
}

#[test]
fn other_methods_and_paths_are_refused() {
    let told = Told::start("hello:app", "1", &[]);
    let answer = told.ask("POST", "/stats", "Content-Length: 0\r\n");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(told.ask("DELETE", "/", "").status, 405);
    for path in PATHS.iter().chain(&PROBES) {
        let answer = told.ask("HEAD", path, "");
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{path}");
    }
    for path in ["/stats/", "/favicon.ico", "//", "/../etc/passwd", "/index.html"] {
        assert_eq!(told.get(path).status, 404, "{path}");
    }
    told.server.stop();
}

#[test]
fn who_has_no_token_is_told_nothing_but_whether_it_lives() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    // Everywhere, and by any name: the token is what counts.
    let arguments = ["--stats", "0.0.0.0:0", "--stats-token-file", file.to_str().unwrap(), "--workers", "1"];
    let told = Told::of(Server::start("hello:app", &arguments));
    let told = Told { stats: ([127, 0, 0, 1], told.stats.port()).into(), ..told };
    for path in PROBES {
        assert_eq!(told.ask("GET", path, "Host: 10.0.0.1\r\n").status, 200, "{path}");
    }
    for path in PATHS.iter().chain(&["/none"]) {
        for header in ["", "Authorization: Bearer wrong\r\n", "Authorization: Bearer a-token-that-nobody-guesse\r\n"] {
            let answer = told.ask("GET", path, header);
            assert_eq!(answer.status, 401, "{path} {header}");
            assert!(answer.header("www-authenticate").is_some_and(|ask| ask.starts_with("Basic ")));
            assert!(!answer.text().contains("gateway_"));
        }
    }
    for path in PATHS {
        // anybody:a-token-that-nobody-guesses
        let basic = "Authorization: Basic YW55Ym9keTphLXRva2VuLXRoYXQtbm9ib2R5LWd1ZXNzZXM=\r\n";
        assert_eq!(told.ask("GET", path, basic).status, 200, "{path}");
        assert_eq!(told.ask("GET", path, &format!("Authorization: Bearer {TOKEN}\r\n")).status, 200, "{path}");
    }
    assert_eq!(told.get(&format!("/stats?token={TOKEN}")).status, 401);
    let log = told.server.stop();
    assert!(!log.contains(TOKEN), "{log}");
}

/// Refused before anything is loaded, with what to do.
#[test]
fn what_others_reach_needs_a_token() {
    let refused = |arguments: &[&str], words: &str| {
        let output = run(&[arguments, &["no-such.so"]].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(words), "{arguments:?}: {text}");
    };
    for address in ["0.0.0.0:9000", ":9000", "[::]:9000", "10.0.0.1:9000", "stats.example.com:9000", "[2001:db8::1]:1"]
    {
        refused(
            &["--stats", address],
            "give 127.0.0.1, [::1], localhost or unix:/path, or a token with --stats-token-file",
        );
    }
    refused(&["--stats", "https://127.0.0.1:9000"], "figures are told without TLS");
    refused(&["--stats", "fd://3"], "give an address with a port");
    refused(&["--stats", "127.0.0.1:9000", "--no-master"], "leave --no-master out");
    refused(&["--stats", "127.0.0.1:9000", "--bind", "127.0.0.1:9000"], "figures have one of their own");
    refused(&["--stats-token-file", "x"], "--stats-token-file belongs to --stats");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    let served = |words: &str| {
        let target = gateway_tests::artifacts::module("hello").display().to_string();
        let output = run(&["--bind", "127.0.0.1:0", "--stats", "127.0.0.1:0", "--stats-token-file", path, &target]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && text.contains(words), "{text}");
    };
    served("--stats-token-file");
    std::fs::write(&file, "short").unwrap();
    served("at least 16");
    std::fs::write(&file, "two lines\nof a token that is long").unwrap();
    served("one line of visible ASCII");
}

#[test]
fn a_unix_socket_is_for_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats.sock");
    let address = format!("unix:{}", path.display());
    let server = Server::start("hello:app", &["--stats", &address, "--workers", "1"]);
    server.wait_for_log("figures for operators at");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = UnixStream::connect(&path).unwrap();
    // Nobody's browser comes here: any name will do.
    stream.write_all(b"GET /stats HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"workers\":["), "{answer}");
    let process = server.id();
    server.stop();
    assert!(!path.exists() && !is_there(process));
}
