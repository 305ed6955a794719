//! Real proxies before the server, which take the tests' clients on a socket that
//! they are handed.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use gateway_tests::client::Client;
use gateway_tests::server::Server;
use gateway_tests::skip;
use rustix::process::{Pid, Signal, kill_process};

use super::{ANNOUNCED, TRUSTED, asked, request, serve, who};
use crate::engines::{Engine, on_every_engine};
use crate::peers::curl::curl;

on_every_engine! {
    haproxy_sends_a_line => |engine| haproxy_announces("send-proxy", engine),
    haproxy_sends_a_block => |engine| haproxy_announces("send-proxy-v2", engine),
    haproxy_tells_in_headers => haproxy_tells_in_headers,
    nginx_tells_in_headers => nginx_tells_in_headers,
    nginx_sends_a_line => nginx_sends_a_line,
}

/// A proxy that runs until it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: tempfile::TempDir,
}

/// It ends its workers itself. A test that fails shows what it has said.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default());
        }
    }
}

/// Where it writes its standard error.
const LOG: &str = "log";

impl Running {
    /// Starts a program by a script, with a listening socket on descriptor 3, and
    /// $1 a file that says what to do.
    fn start(script: &str, configuration: impl FnOnce(SocketAddr, &str) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let file = folder.path().join("configuration");
        let log = File::create(folder.path().join(LOG)).unwrap();
        std::fs::write(&file, configuration(address, folder.path().to_str().unwrap())).unwrap();
        let script = format!("exec 3<&0; {script}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, "sh"]).arg(&file).stdin(Stdio::from(OwnedFd::from(listener))).stderr(log);
        Self { child: shell.spawn().expect("there is a shell"), address, folder }
    }

    /// A client, and its own end as the server is to be told of it.
    fn connect(&self) -> (Client, SocketAddr) {
        let stream = TcpStream::connect(self.address).expect("the socket listens since before the proxy");
        let own = stream.local_addr().unwrap();
        (Client::new(stream), own)
    }
}

/// haproxy with these lines, of which the first goes on where it is bound, and these
/// options for the server.
fn haproxy(lines: &str, server: &Server, options: &str) -> Running {
    let backend = server.address();
    Running::start("exec haproxy -q -db -f \"$1\" </dev/null", |_, _| {
        format!(
            "defaults\ntimeout connect 10s\ntimeout client 60s\ntimeout server 60s\n\
             listen test\nbind fd@3{lines}\nserver app {backend} {options}\n"
        )
    })
}

/// nginx takes the socket as from an older one of its kind.
pub(crate) fn nginx(main: impl FnOnce(SocketAddr) -> String) -> Running {
    Running::start("NGINX='3;' exec nginx -c \"$1\" </dev/null", |address, folder| {
        let main = main(address);
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let paths: String = paths.iter().map(|name| format!("{name}_temp_path {folder}/{name};\n")).collect();
        format!(
            "daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log stderr error;\n{}",
            main.replace("@PATHS@", &paths)
        )
    })
}

/// Three clients with two requests each, of a proxy that passes bytes on.
fn is_named(proxy: &Running) {
    for _ in 0..3 {
        let (mut client, own) = proxy.connect();
        for _ in 0..2 {
            client.send(&request("")).unwrap();
            assert_eq!(asked(&mut client), format!("127.0.0.1 {} http -", own.port()));
        }
    }
}

fn haproxy_announces(option: &str, engine: Engine) {
    if !skip::has("haproxy_announces", "haproxy") {
        return;
    }
    let server = serve(engine, ANNOUNCED);
    is_named(&haproxy("\nmode tcp", &server, option));
    if option == "send-proxy-v2" {
        // With the checksum, which is checked, and with other values.
        let options = "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority";
        is_named(&haproxy("\nmode tcp", &server, options));
    }
    assert!(!server.stop().contains("PROXY header"));
}

/// It takes TLS off, and passes on what is in it.
#[test]
fn haproxy_tells_of_tls() {
    let programs = ["haproxy", "openssl", "curl"];
    if !programs.iter().all(|program| skip::has("haproxy_tells_of_tls", program)) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("pem");
    let mut openssl = Command::new("openssl");
    openssl.args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1".split(' '));
    openssl.args(["-subj", "/CN=localhost", "-keyout"]).arg(&pem).arg("-out").arg(folder.path().join("crt"));
    assert!(openssl.output().unwrap().status.success());
    let certificate = std::fs::read(folder.path().join("crt")).unwrap();
    std::fs::write(&pem, [std::fs::read(&pem).unwrap(), certificate].concat()).unwrap();
    let server = Server::start("environ:app", &[ANNOUNCED, &["--lint"]].concat());
    let proxy = haproxy(&format!(" ssl crt {}\nmode tcp", pem.display()), &server, "send-proxy-v2-ssl");
    let page = curl(&["--insecure", &format!("https://{}/", proxy.address)]);
    let who = who(&String::from_utf8_lossy(&page));
    assert!(who.starts_with("127.0.0.1 ") && who.ends_with(" https on"), "{who}");
}

/// As haproxy's users set it up: it adds the client and says the scheme.
fn haproxy_tells_in_headers(engine: Engine) {
    if !skip::has("haproxy_tells_in_headers", "haproxy") {
        return;
    }
    let server = serve(engine, TRUSTED);
    let lines = "\nmode http\noption forwardfor\nhttp-request set-header X-Forwarded-Proto https";
    is_told(&haproxy(lines, &server, ""), "https on");
}

/// The client is in a trusted network here, so that what it claims is believed too:
/// the walk goes through both.
fn is_told(proxy: &Running, scheme: &str) {
    let (mut client, _) = proxy.connect();
    client.send(&request("")).unwrap();
    assert_eq!(asked(&mut client), format!("127.0.0.1 - {scheme}"));
    client.send(&request("X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\n")).unwrap();
    assert_eq!(asked(&mut client), format!("192.0.2.1 - {scheme}"));
}

fn nginx_tells_in_headers(engine: Engine) {
    if !skip::has("nginx_tells_in_headers", "nginx") {
        return;
    }
    let server = serve(engine, TRUSTED);
    let backend = server.address();
    let proxy = nginx(|address| {
        format!(
            "events {{}}\nhttp {{\naccess_log off;\n@PATHS@server {{\nlisten {address};\nlocation / {{\n\
             proxy_pass http://{backend};\nproxy_set_header Host $http_host;\n\
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
             proxy_set_header X-Forwarded-Proto $scheme;\n}}\n}}\n}}\n"
        )
    });
    is_told(&proxy, "http -");
}

fn nginx_sends_a_line(engine: Engine) {
    const MODULE: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";
    if !skip::has("nginx_sends_a_line", "nginx") || !skip::has_file("nginx_sends_a_line", MODULE) {
        return;
    }
    let server = serve(engine, ANNOUNCED);
    let backend = server.address();
    let proxy = nginx(|address| {
        format!(
            "load_module {MODULE};\nevents {{}}\nstream {{\nserver {{\nlisten {address};\n\
             proxy_pass {backend};\nproxy_protocol on;\n}}\n}}\n"
        )
    });
    is_named(&proxy);
}
