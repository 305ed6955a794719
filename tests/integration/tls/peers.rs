//! curl and openssl, on every engine.

use std::io::Write as _;
use std::process::{Command, Stdio};

use gateway_tests::skip;
use gateway_tests::tls::Certificates;

use super::{get, has_openssl, serve};
use crate::engines::{Engine, on_every_engine};
use crate::peers::{bytes, curl::curl};

on_every_engine! {
    curl_gets_and_posts_over_one_connection => curl_gets_and_posts_over_one_connection,
    openssl_pipelines_and_is_told_of_the_end => openssl_pipelines_and_is_told_of_the_end,
}

/// A megabyte in each direction, then more, by one handshake.
fn curl_gets_and_posts_over_one_connection(engine: Engine) {
    let test = "curl_gets_and_posts_over_one_connection";
    if !skip::has(test, "curl") || !has_openssl(test) {
        return;
    }
    let (server, certificates) = serve(engine, "probe:app", &[]);
    let (up, down, bytes) = (certificates.file("up"), certificates.file("down"), bytes(1 << 20));
    std::fs::write(&up, &bytes).unwrap();
    let (ca, url) = (certificates.file("ca.pem"), format!("https://localhost:{}", server.address().port()));
    let (echo, inspect) = (format!("{url}/echo"), format!("{url}/inspect"));
    let told = ["--output", &down, "--write-out", "%{http_code} %{http_version} %{num_connects},", "--cacert", &ca];
    let upload = ["--data-binary", &format!("@{up}"), &echo];
    let next = ["--next", "--silent"];
    let all = [&told[..], &[&inspect], &next, &told, &[&inspect], &next, &told, &upload].concat();
    assert_eq!(String::from_utf8(curl(&all)).unwrap(), "200 1.1 1,200 1.1 0,200 1.1 0,");
    assert!(std::fs::read(&down).unwrap() == bytes, "other bytes came back");
    for version in ["1.2", "1.3"] {
        let only = ["--tls-max", version, &format!("--tlsv{version}")[..], "--cacert", &ca, "--verbose", &inspect];
        let output = Command::new("curl").args(["--silent", "--max-time", "60"]).args(only).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.contains(&format!("TLSv{version}")), "{told}");
        assert!(
            told.contains("ALPN: server accepted http/1.1") || told.contains("server accepted to use http/1.1"),
            "{told}"
        );
    }
    server.stop();
}

/// Runs openssl's client, which sends `input` and reads to the end.
fn s_client(certificates: &Certificates, port: u16, version: &str, input: &str) -> String {
    let ca = certificates.file("ca.pem");
    let connect = format!("localhost:{port}");
    let arguments = ["60", "openssl", "s_client", "-connect", &connect, "-CAfile", &ca, "-verify_return_error"];
    let mut client = Command::new("timeout");
    client.args(arguments).args([version, "-alpn", "h2,http/1.1", "-servername", "localhost", "-ign_eof", "-msg"]);
    let client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut client = client.expect("openssl can be run");
    client.stdin.as_mut().expect("it is piped").write_all(input.as_bytes()).expect("openssl reads");
    let output = client.wait_with_output().expect("openssl ends");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Requests that come at once are answered in order, and the end is said.
fn openssl_pipelines_and_is_told_of_the_end(engine: Engine) {
    if !has_openssl("openssl_pipelines_and_is_told_of_the_end") {
        return;
    }
    let (server, certificates) = serve(engine, "probe:app", &[]);
    let last = "GET /inspect?last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let requests = [get("/inspect?first"), get("/inspect?second"), last.to_owned()].concat();
    for (version, name) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let told = s_client(&certificates, server.address().port(), version, &requests);
        assert!(told.contains(name) && told.contains("ALPN protocol: http/1.1"), "{told}");
        let at = ["first", "second", "last"].map(|query| told.find(&format!("\"query\":\"{query}\"")));
        assert!(at[0].is_some() && at.is_sorted(), "{at:?} in {told}");
        let ends = told.lines().any(|line| line.starts_with("<<<") && line.ends_with("warning close_notify"));
        assert!(ends && !told.contains("unexpected eof"), "no close_notify: {told}");
    }
    let log = server.stop();
    assert!(!log.contains("TLS failed"), "{log}");
}
