//! The configurations of `nginx.md`, each as it stands there but for its places: run by
//! nginx, with a server behind it.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use gateway_tests::client::{Client, Response};
use gateway_tests::server::Server;

use super::file;
use super::proxies::{Proxy, has_nginx, told};

/// A protocol: the name of its configuration, what its addresses begin with, the
/// address that the page names, and whether a connection serves several requests.
struct Way {
    name: &'static str,
    scheme: &'static str,
    address: &'static str,
    keeps: bool,
}

const HTTP: Way = Way { name: "proxy", scheme: "", address: "127.0.0.1:8000", keeps: true };
const UWSGI: Way = Way { name: "uwsgi", scheme: "uwsgi://", address: "127.0.0.1:3031", keeps: false };
const SCGI: Way = Way { name: "scgi", scheme: "scgi://", address: "127.0.0.1:4000", keeps: false };
const FASTCGI: Way = Way { name: "fastcgi", scheme: "fastcgi://", address: "127.0.0.1:9000", keeps: true };

#[test]
fn nginx_runs_by_the_page_with_http() {
    runs(&HTTP);
}

#[test]
fn nginx_runs_by_the_page_with_uwsgi() {
    runs(&UWSGI);
}

#[test]
fn nginx_runs_by_the_page_with_scgi() {
    runs(&SCGI);
}

#[test]
fn nginx_runs_by_the_page_with_fastcgi() {
    runs(&FASTCGI);
}

/// A configuration of the page: its first line is its name.
fn configuration(way: &Way) -> String {
    let (page, begin) = (file("nginx.md"), format!("```nginx\n# {}.conf\n", way.name));
    let block = page.split(&begin).nth(1).unwrap_or_else(|| panic!("no {begin:?} in nginx.md"));
    let text = block.split("```").next().unwrap().to_owned();
    assert!(text.contains(&format!("# TCP: server {};", way.address)), "{text}");
    text
}

/// With places of this test's.
fn placed(way: &Way, folder: &Path, front: SocketAddr, server: &str) -> String {
    let place = |name: &str| folder.join(name).display().to_string();
    configuration(way)
        .replace("worker_processes auto;", "worker_processes 1;")
        .replace("/run/nginx.pid", &place("pid"))
        .replace("/var/log/nginx/error.log", &place("log"))
        .replace("/var/log/nginx/access.log", &place("access"))
        .replace("listen 80 ", &format!("listen {front} "))
        .replace("alias /srv/shop/static/;", "alias /etc/nginx/;")
        .replace("server unix:/run/gateway/app.sock;", &format!("server {server};"))
}

fn runs(way: &Way) {
    if !has_nginx("nginx_runs_by_the_page") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let socket = format!("unix:{}", folder.path().join("app.sock").display());
    let (unix, tcp) = (format!("{}{socket}", way.scheme), format!("{}127.0.0.1:0", way.scheme));
    // As the page says.
    let permissions = ["--socket-mode", "0660", "--socket-owner", ":www-data"];
    let server =
        Server::start("environ:app", &[&["--bind", &unix, "--bind", &tcp, "--lint"], &permissions[..]].concat());
    answers(way, &socket);
    let (relay, count) = counting(server.address());
    answers(way, &relay.to_string());
    let connections = count.load(SeqCst);
    assert_eq!(connections == 1, way.keeps, "{}: {connections} connections", way.name);
    let log = server.stop();
    assert!(!log.contains("WARN") && !log.contains("faults"), "{log}");
}

/// nginx serves what is its own, and the rest comes from the server there.
fn answers(way: &Way, server: &str) {
    let proxy = Proxy::start("nginx", |folder, front| placed(way, folder, front, server));
    let mut client = Client::new(TcpStream::connect(proxy.address()).unwrap());
    let mut get = |target: &str| -> Response {
        // Somebody says who he is, and nobody has checked it.
        let head = "Host: shop.example\r\nAuthorization: Basic cm9vdDp3cm9uZw==";
        client.send(format!("GET {target} HTTP/1.1\r\n{head}\r\n\r\n").as_bytes()).unwrap();
        client.response("GET").unwrap()
    };
    let page = get("/a%20b?c");
    assert_eq!(page.status, 200, "{}: {}", way.name, proxy.log());
    let page = page.text();
    for (name, expected) in [("PATH_INFO", "/a b"), ("QUERY_STRING", "c"), ("HTTP_HOST", "shop.example")] {
        assert_eq!(told(&page, name), expected, "{}: {name}", way.name);
    }
    assert!(!page.contains("REMOTE_USER"), "{page}");
    if way.name != "proxy" {
        assert_eq!(told(&page, "REMOTE_ADDR"), "127.0.0.1");
        let page = get("/shop/cart/2?d").text();
        for (name, expected) in [("SCRIPT_NAME", "/shop"), ("PATH_INFO", "/cart/2"), ("QUERY_STRING", "d")] {
            assert_eq!(told(&page, name), expected, "{}: {name}", way.name);
        }
        assert_eq!(told(&get("/shop/a%0Ab").text(), "SCRIPT_NAME"), "/shop");
        let elsewhere = get("/shop?d");
        let place = elsewhere.header("location").unwrap_or_default();
        assert!(elsewhere.status == 308 && place.ends_with("/shop/?d"), "{elsewhere:?}");
    }
    assert_eq!(get("/b").status, 200, "{}", proxy.log());
    let types = get("/static/mime.types");
    assert!(types.status == 200 && types.text().contains("text/html"), "{}: {}", way.name, proxy.log());
}

/// A place that passes bytes on to the server, and counts connections. It ends with
/// the test's process.
fn counting(server: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            counted.fetch_add(1, SeqCst);
            let server = TcpStream::connect(server).unwrap();
            pass(client.try_clone().unwrap(), server.try_clone().unwrap());
            pass(server, client);
        }
    });
    (address, count)
}

/// Up to the end, which is passed on too.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
}
