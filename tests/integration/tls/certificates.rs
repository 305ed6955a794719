//! Which certificate is shown, where, and what is said of one that cannot be.

use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use gateway_server::net::{Identity, Listening};
use gateway_spec::{Error, app_fn};
use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::process::children;
use gateway_tests::server::{Server, run};
use gateway_tests::tls::{Certificates, EC, RSA, TlsStream, certificate};
use gateway_tests::wait::until;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConnection, HandshakeKind};

use super::{get, has_openssl, serve};
use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    an_app_is_told_that_its_client_speaks_tls => an_app_is_told_that_its_client_speaks_tls,
    a_client_that_waits_may_come_once_more => a_client_that_waits_may_come_once_more,
    a_proxy_header_comes_before_the_handshake => a_proxy_header_comes_before_the_handshake,
}

fn an_app_is_told_that_its_client_speaks_tls(engine: Engine) {
    if !has_openssl("an_app_is_told_that_its_client_speaks_tls") {
        return;
    }
    let more = ["--lint", "--bind", "127.0.0.1:0", "--bind", "http://127.0.0.1:0"];
    let (server, certificates) = serve(engine, "environ:app", &more);
    let mut client = certificates.connect(&server);
    client.send(get("/").as_bytes()).unwrap();
    let text = client.response("GET").unwrap().text();
    for row in ["<th>gateway.url_scheme</th><td>https</td>", "<th>HTTPS</th><td>on</td>"] {
        assert!(text.contains(row), "no {row} in {text}");
    }
    // The next may be served by the same memory.
    drop(client);
    let mut plain = Client::new(std::net::TcpStream::connect(server.addresses()[1]).unwrap());
    plain.send(get("/").as_bytes()).unwrap();
    let text = plain.response("GET").unwrap().text();
    assert!(text.contains("<th>gateway.url_scheme</th><td>http</td>") && !text.contains("HTTPS"), "{text}");
    drop(plain);
    let log = server.stop();
    assert!(!log.contains("ENV-"), "{log}");
}

/// A proxy that passes TLS on says whose it is before that begins. The handshake may
/// come at once with it.
fn a_proxy_header_comes_before_the_handshake(engine: Engine) {
    if !has_openssl("a_proxy_header_comes_before_the_handshake") {
        return;
    }
    let more = ["--trusted-proxies", "127.0.0.1", "--proxy-protocol"];
    let (server, certificates) = serve(engine, "environ:app", &more);
    for is_at_once in [false, true] {
        let mut tls = TlsStream::new(certificates.client(&[&TLS13]), server.connect(), std::iter::empty());
        let header = b"PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\r\n";
        let hello = if is_at_once { tls.outgoing().unwrap() } else { Vec::new() };
        tls.socket.write_all(&[header, &hello[..]].concat()).unwrap();
        let mut client = Client::over(tls);
        for _ in 0..2 {
            client.send(get("/").as_bytes()).unwrap();
            let text = client.response("GET").unwrap().text();
            for row in ["<th>REMOTE_ADDR</th><td>192.0.2.7</td>", "<th>HTTPS</th><td>on</td>"] {
                assert!(text.contains(row), "no {row} in {text}");
            }
        }
    }
    server.stop();
}

/// Nobody may believe to speak TLS and not do so.
#[test]
fn who_has_a_certificate_speaks_tls() {
    if !has_openssl("who_has_a_certificate_speaks_tls") {
        return;
    }
    let certificates = Certificates::new();
    let unix = format!("unix:{}", certificates.file("app.sock"));
    for workers in [&[][..], &["--workers", "1"]] {
        let addresses = ["127.0.0.1:0", "http://127.0.0.1:0", "https://127.0.0.1:0", &unix];
        let binds: Vec<&str> = addresses.iter().flat_map(|address| ["--bind", address]).collect();
        let server = Server::start("probe:app", &certificates.flags(&[&binds, workers].concat()));
        let schemes: Vec<&str> = server.places().iter().map(|place| place.split(':').next().unwrap()).collect();
        assert_eq!(schemes, ["https", "http", "https", "unix"]);
        let socket = |place: usize| std::net::TcpStream::connect(server.addresses()[place]).unwrap();
        for place in [0, 2] {
            let tls = TlsStream::new(certificates.client(&[&TLS13]), socket(place), std::iter::empty());
            answers(Client::over(tls));
        }
        answers(Client::over(socket(1)));
        answers(Client::over(std::os::unix::net::UnixStream::connect(certificates.path("app.sock")).unwrap()));
        server.stop();
    }
}

fn answers<S: std::io::Read + std::io::Write>(mut client: Client<S>) {
    client.send(get("/").as_bytes()).unwrap();
    assert_eq!(client.response("GET").unwrap().text(), "This is the probe.\n");
}

/// At a reload nobody else can go on with its TLS: its next request is answered, with
/// the word that the connection closes.
fn a_client_that_waits_may_come_once_more(engine: Engine) {
    if !has_openssl("a_client_that_waits_may_come_once_more") {
        return;
    }
    let (server, certificates) = serve(engine, "hello:app", &["--workers", "1"]);
    let mut client = certificates.connect(&server);
    let mut ask = || {
        client.send(get("/").as_bytes()).expect("the request is taken");
        let response = client.response("GET").expect("the request is answered");
        assert_eq!(response.status, 200);
        response.header("connection") == Some("close")
    };
    assert!(!ask());
    let old = children(server.id());
    server.signal("HUP");
    server.wait_for_log("reloaded: the new workers serve");
    // Its worker may hear of the reload a moment later than the log.
    while !ask() {}
    assert!(client.at_end().expect("an end that was said"));
    until("the old worker is gone", || children(server.id()), |now| now.iter().all(|id| !old.contains(id)));
    let mut next = certificates.connect(&server);
    next.send(get("/").as_bytes()).unwrap();
    assert_eq!(next.response("GET").unwrap().status, 200);
    drop(next);
    server.stop();
}

/// The certificate that a new client is shown.
fn shown(certificates: &Certificates, server: &Server) -> CertificateDer<'static> {
    let mut client = TlsStream::new(certificates.client(&[&TLS13]), server.connect(), std::iter::empty());
    client.shake().unwrap();
    client.connection.peer_certificates().unwrap()[0].clone().into_owned()
}

/// New files are for new workers; files that are of no use change nothing.
#[test]
fn a_reload_brings_the_new_certificate_or_none() {
    if !has_openssl("a_reload_brings_the_new_certificate_or_none") {
        return;
    }
    let certificates = Certificates::new();
    let server = Server::start("probe:app", &certificates.flags(&["--workers", "2"]));
    let path = certificates.path("cert.pem");
    let (first, old) = (certificate(&path), children(server.id()));
    assert_eq!(shown(&certificates, &server), first);
    certificates.renew(EC);
    assert_eq!(shown(&certificates, &server), first, "not before the reload");
    server.signal("HUP");
    server.wait_for_log("reloaded: the new workers serve");
    until("the old workers are gone", || children(server.id()), |now| now.iter().all(|id| !old.contains(id)));
    let second = certificate(&path);
    assert!(second != first);
    assert_eq!(shown(&certificates, &server), second);
    let serving = children(server.id());
    fs::write(&path, "-----BEGIN CERTIFICATE-----\n").unwrap();
    server.signal("HUP");
    server.wait_for_log("not reloaded, the old workers serve on");
    until("the old workers stay", || children(server.id()), |now| *now == serving);
    assert_eq!(shown(&certificates, &server), second);
    let log = server.stop();
    assert!(log.contains("cert.pem is no PEM file"), "{log}");
}

/// A program that the server is linked into is told the same.
#[test]
fn a_linked_server_speaks_tls_or_does_not_run() {
    if !has_openssl("a_linked_server_speaks_tls_or_does_not_run") {
        return;
    }
    let new = || gateway_server::Server::new(app_fn(|_, _| Err(Error::app("never called"))));
    let without = new().bind("https://127.0.0.1:0").unwrap().run().unwrap_err().to_string();
    assert!(without.ends_with(" needs a certificate and its key: call identity first"), "{without}");
    let identity = Identity::load(&Certificates::new().files()).unwrap();
    // Whatever is said of listening besides.
    let server = new().identity(identity).listening(Listening::default()).bind("127.0.0.1:0").unwrap();
    assert!(server.addresses()[0].to_string().starts_with("https://"));
}

/// Keys of every form that openssl writes, and a chain.
#[test]
fn keys_of_all_forms_are_read() {
    if !has_openssl("keys_of_all_forms_are_read") {
        return;
    }
    for (kind, form) in [(EC, &[][..]), (EC, &["ec"]), (RSA, &[]), (RSA, &["rsa", "-traditional"])] {
        let certificates = Certificates::with(kind);
        if !form.is_empty() {
            certificates.openssl(&[form, &["-in", "key.pem", "-out", "form.pem"]].concat());
            fs::rename(certificates.path("form.pem"), certificates.path("key.pem")).unwrap();
        }
        let [mut chain, issuer] = ["cert.pem", "ca.pem"].map(|name| fs::read(certificates.path(name)).unwrap());
        chain.extend(issuer);
        fs::write(certificates.path("cert.pem"), chain).unwrap();
        let server = Server::start("probe:app", &certificates.flags(&[]));
        for version in [&TLS12, &TLS13] {
            let client = certificates.connect_by(&server, &[version], std::iter::empty());
            answers(client);
        }
        server.stop();
    }
}

/// Who comes again need not prove anything: nor to the child of another client.
#[test]
fn a_client_that_comes_again_resumes() {
    if !has_openssl("a_client_that_comes_again_resumes") {
        return;
    }
    for engine in ["leader", "fork", "epoll"] {
        let certificates = Certificates::new();
        let server = Server::start("probe:app", &certificates.flags(&["--engine", engine]));
        for version in [&TLS12, &TLS13] {
            let config = Arc::new(certificates.trusting(&[version]));
            for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
                let connection =
                    ClientConnection::new(Arc::clone(&config), ServerName::try_from("localhost").unwrap()).unwrap();
                let mut client = Client::over(TlsStream::new(connection, server.connect(), std::iter::empty()));
                client.send(get("/").as_bytes()).unwrap();
                assert_eq!(client.response("GET").unwrap().status, 200);
                assert_eq!(client.way().connection.handshake_kind(), Some(expected), "{engine} {version:?}");
            }
        }
        server.stop();
    }
}

/// It is told before the app is created, alike with a master and without, which
/// file is meant and what is wrong with it.
#[test]
fn what_cannot_be_shown_is_told_at_the_start() {
    if !has_openssl("what_cannot_be_shown_is_told_at_the_start") {
        return;
    }
    let (certificates, others) = (Certificates::new(), Certificates::new());
    fs::write(certificates.path("empty.pem"), "").unwrap();
    fs::write(certificates.path("half.pem"), "-----BEGIN CERTIFICATE-----\nMIIB").unwrap();
    fs::write(certificates.path("nonsense.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        .unwrap();
    certificates.openssl(&["pkcs8", "-topk8", "-in", "key.pem", "-out", "locked.pem", "-passout", "pass:x"]);
    let [cert, key, empty, half, nonsense, locked, away] =
        ["cert.pem", "key.pem", "empty.pem", "half.pem", "nonsense.pem", "locked.pem", "away.pem"]
            .map(|name| certificates.file(name));
    let other = others.file("key.pem");
    for (cert, key, words) in [
        (&away, &key, format!("cannot read {away}: No such file or directory (os error 2)")),
        (&cert, &away, format!("cannot read {away}: No such file or directory (os error 2)")),
        (&empty, &key, format!("there is no certificate in {empty}: the server's stands there as PEM")),
        (&key, &key, format!("there is no certificate in {key}: the server's stands there as PEM")),
        (&half, &key, format!("{half} is no PEM file: ")),
        (&cert, &empty, format!("there is no private key in {empty}: it stands there as PEM")),
        (&cert, &cert, format!("there is no private key in {cert}: it stands there as PEM")),
        (&cert, &locked, format!("there is no private key in {locked}: it stands there as PEM")),
        (&cert, &other, format!("the key in {other} does not match the certificate in {cert}")),
        (&nonsense, &key, format!("the certificate in {nonsense} and the key in {key} cannot be used: ")),
    ] {
        for workers in [&[][..], &["--workers", "2"]] {
            let flags = ["--tls-cert", cert, "--tls-key", key, "--bind", "127.0.0.1:0"];
            let module = artifacts::module("probe").display().to_string();
            let output = run(&[&flags, workers, &[&*module]].concat());
            let told = String::from_utf8(output.stderr).unwrap();
            let last = told.lines().last().unwrap_or_default();
            assert!(last.starts_with(&format!("gateway-server: {words}")), "{told}");
            assert_eq!(output.status.code(), Some(1), "{told}");
        }
    }
}
