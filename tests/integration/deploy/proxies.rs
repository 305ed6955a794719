//! `nginx.conf` and `haproxy.cfg`, with a server behind them.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use gateway_tests::address;
use gateway_tests::client::Client;
use gateway_tests::server::Server;
use gateway_tests::skip;
use gateway_tests::wait::until;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::file;

/// Its file, in its folder.
pub(crate) const FILE: &str = "proxy.conf";

/// A proxy that runs by its file, with addresses of this test's.
pub(crate) struct Proxy {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Proxy {
    pub(crate) fn start(program: &str, file: impl FnOnce(&Path, SocketAddr) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = address::own();
        let path = folder.path().join(FILE);
        std::fs::write(&path, file(folder.path(), address)).unwrap();
        let mut command = Command::new(program);
        match program {
            "nginx" => command.args(["-g", "daemon off;", "-c"]),
            _ => command.args(["-db", "-f"]),
        };
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = command.arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let proxy = Self { child, address, folder };
        until("it listens", || (TcpStream::connect(address).is_ok(), proxy.log()), |(listens, _)| *listens);
        proxy
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn client(&self) -> Client {
        Client::new(TcpStream::connect(self.address).unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Not KILL: its workers would stay.
        let id = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        let _ = kill_process(id, Signal::TERM);
        let _ = self.child.wait();
    }
}

/// Where the app comes in: the file's Unix socket, and its address.
pub(crate) struct Behind<'a> {
    pub(crate) socket: &'a str,
    pub(crate) address: SocketAddr,
}

/// The file for nginx, in a folder, at an address. One worker, so that there is
/// one pool of connections.
pub(crate) fn nginx(folder: &Path, front: SocketAddr, behind: &Behind<'_>) -> String {
    let place = |name: &str| folder.join(name).display().to_string();
    file("nginx.conf")
        .replace("worker_processes auto;", "worker_processes 1;")
        .replace("/run/nginx.pid", &place("pid"))
        .replace("/var/log/nginx/error.log", &place("log"))
        .replace("/var/log/nginx/access.log", &place("access"))
        .replace("listen 80 ", &format!("listen {front} "))
        .replace("/run/gateway/app.sock", behind.socket)
        .replace("127.0.0.1:8000", &behind.address.to_string())
}

/// The same for HAProxy. It takes descriptors for as many connections as it is told.
pub(crate) fn haproxy(folder: &Path, front: SocketAddr, behind: &Behind<'_>) -> String {
    file("haproxy.cfg")
        .replace("maxconn 20000", "maxconn 100")
        .replace("/run/haproxy/admin.sock", &folder.join("admin.sock").display().to_string())
        .replace("bind :80\n", &format!("bind {front}\n"))
        .replace("/run/gateway/app.sock", behind.socket)
        .replace("127.0.0.1:8000", &behind.address.to_string())
}

/// nginx has folders of root's for its own.
pub(crate) fn has_nginx(test: &str) -> bool {
    skip::has(test, "nginx") && skip::is_root(test)
}

#[test]
fn nginx_takes_its_file() {
    if !has_nginx("nginx_takes_its_file") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, front) = (folder.path().join("nginx.conf"), "127.0.0.1:1".parse().unwrap());
    let behind = Behind { socket: "/run/gateway/app.sock", address: "127.0.0.1:8000".parse().unwrap() };
    std::fs::write(&path, nginx(folder.path(), front, &behind)).unwrap();
    takes("nginx", &["-t", "-q", "-c", path.to_str().unwrap()]);
}

#[test]
fn haproxy_takes_its_file() {
    if !skip::has("haproxy_takes_its_file", "haproxy") {
        return;
    }
    let path = gateway_tests::artifacts::workspace().join("docs/deploy/haproxy.cfg");
    takes("haproxy", &["-c", "-q", "-f", path.to_str().unwrap()]);
}

/// Without a word.
fn takes(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A server on a Unix socket and on an address, where proxies may come in.
fn server(folder: &TempDir) -> (Server, String) {
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let socket = folder.path().join("app.sock").display().to_string();
    let bind = format!("unix:{socket}");
    let more = ["--socket-mode", "0666", "--bind", "127.0.0.1:0", "--lint"];
    (Server::start("environ:app", &[&["--bind", &bind], &more[..]].concat()), socket)
}

/// Asks twice on one connection; what the app is told of each.
fn asked(proxy: &Proxy) -> [String; 2] {
    let mut client = proxy.client();
    ["/a", "/b"].map(|path| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n");
        client.send(request.as_bytes()).unwrap();
        let response = client.response("GET").unwrap();
        assert_eq!(response.status, 200, "{}", proxy.log());
        response.text()
    })
}

/// What the app is told under a name.
pub(super) fn told<'a>(page: &'a str, name: &str) -> &'a str {
    let found = page.split(&format!("<th>{name}</th><td>")).nth(1).and_then(|rest| rest.split("</td>").next());
    found.unwrap_or_else(|| panic!("no {name} in {page}"))
}

/// Who the client is, by whom the proxy has seen and not by what it says.
fn tells_of_the_client(page: &str) {
    assert_eq!(told(page, "HTTP_X_FORWARDED_FOR"), "127.0.0.1");
    assert_eq!(told(page, "HTTP_X_FORWARDED_PROTO"), "http");
    assert_eq!(told(page, "HTTP_HOST"), "shop.example");
}

#[test]
fn nginx_passes_requests_on() {
    if !has_nginx("nginx_passes_requests_on") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (server, socket) = server(&folder);
    let behind = Behind { socket: &socket, address: server.address() };
    let by_file = Proxy::start("nginx", |folder, front| nginx(folder, front, &behind));
    asked(&by_file).iter().for_each(|page| tells_of_the_client(page));
    let elsewhere = Proxy::start("nginx", |folder, front| {
        nginx(folder, front, &behind).replace("proxy_pass http://app;", "proxy_pass http://app_elsewhere;")
    });
    let pages = asked(&elsewhere);
    pages.iter().for_each(|page| tells_of_the_client(page));
    // One connection for both.
    assert_eq!(told(&pages[0], "REMOTE_PORT"), told(&pages[1], "REMOTE_PORT"));
    let log = server.stop();
    assert!(!log.contains("WARN"), "{log}");
}

#[test]
fn haproxy_passes_requests_on() {
    if !skip::has("haproxy_passes_requests_on", "haproxy") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (server, socket) = server(&folder);
    let behind = Behind { socket: &socket, address: server.address() };
    let by_file = Proxy::start("haproxy", |folder, front| haproxy(folder, front, &behind));
    asked(&by_file).iter().for_each(|page| tells_of_the_client(page));
    let elsewhere = Proxy::start("haproxy", |folder, front| haproxy(folder, front, &behind).replace(" backup", ""));
    until("both are asked", || asked(&elsewhere).iter().any(|page| page.contains("<th>REMOTE_PORT</th>")), |tcp| *tcp);
    let log = server.stop();
    assert!(!log.contains("WARN"), "{log}");
}

/// Takes requests and closes without an answer; counts them.
fn silent() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    // It ends with the test's process.
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let mut line = String::new();
            // The whole head: what is not read would make the close a reset.
            let mut reader = BufReader::new(client);
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {}
            counted.fetch_add(usize::from(line.contains(" /try ")), SeqCst);
        }
    });
    (address, count)
}

/// How often a request is made that gets no answer.
fn tries(proxy: &Proxy, method: &str, count: &AtomicUsize) -> usize {
    let before = count.load(SeqCst);
    let mut client = proxy.client();
    client.send(format!("{method} /try HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").as_bytes()).unwrap();
    let status = client.response(method).unwrap().status;
    assert!(status == 502 || status == 503, "{status}");
    count.load(SeqCst) - before
}

/// Once more where that does no harm, and never where it may.
#[test]
fn nginx_makes_no_request_twice_that_it_must_not() {
    if !has_nginx("nginx_makes_no_request_twice_that_it_must_not") {
        return;
    }
    let (address, count) = silent();
    let behind = Behind { socket: "/nowhere", address };
    let twice = format!("server {address} max_fails=3 fail_timeout=10s;");
    let proxy = Proxy::start("nginx", |folder, front| {
        let text = nginx(folder, front, &behind).replace("proxy_pass http://app;", "proxy_pass http://app_elsewhere;");
        assert!(text.contains(&twice));
        text.replace(&twice, &twice.replace("max_fails=3", "max_fails=0").repeat(3))
    });
    assert_eq!(["GET", "POST", "PATCH"].map(|method| tries(&proxy, method, &count)), [2, 1, 1]);
}

#[test]
fn haproxy_makes_no_request_twice_that_it_must_not() {
    if !skip::has("haproxy_makes_no_request_twice_that_it_must_not", "haproxy") {
        return;
    }
    let (address, count) = silent();
    let behind = Behind { socket: "/nowhere", address };
    let proxy = Proxy::start("haproxy", |folder, front| {
        let text = haproxy(folder, front, &behind).replace("default-server check ", "default-server ");
        text.replace("    server local unix@/nowhere\n", "").replace(" backup", "")
    });
    let all = ["GET", "POST", "PUT", "DELETE", "PATCH"];
    assert_eq!(all.map(|method| tries(&proxy, method, &count)), [3, 1, 1, 1, 1]);
}
