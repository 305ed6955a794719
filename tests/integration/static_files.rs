//! `--static`: files of a folder, over a socket. What the app promises is tested
//! beside it; here is what takes a server.

mod refusals;
mod tricks;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use gateway_tests::client::{Client, Response};
use gateway_tests::process::children;
use gateway_tests::server::{Server, command};
use gateway_tests::skip;
use gateway_tests::wait::until;
use tempfile::TempDir;

use crate::engines::{Engine, on_every_engine};

/// A folder with a secret beside it.
struct Site(TempDir);

impl Site {
    const SECRET: &str = "the secret outside";

    fn of(files: &[(&str, &str)]) -> Self {
        let site = Self(TempDir::new().unwrap());
        // Another user may go in.
        fs::set_permissions(site.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(site.0.path().join("secret.txt"), Self::SECRET).unwrap();
        fs::create_dir(site.folder()).unwrap();
        files.iter().for_each(|(name, text)| site.write(name, text));
        site
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn outside(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("site")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The value of `--static`.
    fn at(&self, place: &str) -> String {
        format!("{place}={}", self.folder().display())
    }
}

/// Serves folders, in one process unless there are workers.
fn serve(folders: &[&str], more: &[&str]) -> Server {
    let mut command = command(more);
    command.args(["--bind", "127.0.0.1:0"]).args(folders.iter().flat_map(|folder| ["--static", folder]));
    if !more.contains(&"--workers") {
        command.arg("--no-master");
    }
    Server::spawn(command, 1)
}

fn ask(server: &Server, target: &str) -> Response {
    ask_with(server, "GET", target, "")
}

/// Headers end with CR LF.
fn ask_with(server: &Server, method: &str, target: &str, headers: &str) -> Response {
    let mut client = Client::new(server.connect());
    let request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{headers}Connection: close\r\n\r\n");
    client.send(request.as_bytes()).unwrap();
    client.response(method).unwrap_or_else(|error| panic!("{target}: {error}\n{}", server.log()))
}

/// Bytes that tell where they stand.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32 / 4).flat_map(u32::to_be_bytes).collect()
}

on_every_engine! {
    every_engine_serves_files => |engine: Engine| {
        let site = Site::of(&[("index.html", "<p>root</p>"), ("a.js", "plain"), ("a.js.br", "brotli")]);
        let large = pattern(3 << 20);
        site.write("large.bin", &large);
        let server = serve(&[&site.at("/files")], &[engine.flags, &["--lint"]].concat());
        let mut client = Client::new(server.connect());
        let mut get = |target: &str, headers: &str| {
            client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n{headers}\r\n").as_bytes()).unwrap();
            client.response("GET").unwrap()
        };
        let whole = get("/files/large.bin", "");
        assert!(whole.complete && whole.body == large, "{} bytes", whole.body.len());
        let piece = get("/files/large.bin", "Range: bytes=1000000-2999999\r\n");
        assert_eq!((piece.status, &piece.body[..]), (206, &large[1_000_000..3_000_000]));
        let pieces = get("/files/large.bin", "Range: bytes=0-3,2000000-2500000\r\n");
        assert_eq!(pieces.status, 206);
        assert!(pieces.complete && pieces.body.windows(1000).any(|bytes| *bytes == large[2_499_001..2_500_001]));
        let tag = whole.header("etag").unwrap();
        assert_eq!(get("/files/large.bin", &format!("If-None-Match: {tag}\r\n")).status, 304);
        assert_eq!(get("/files/a.js", "Accept-Encoding: br\r\n").text(), "brotli");
        assert_eq!(get("/files/", "").text(), "<p>root</p>");
        assert_eq!(get("/files", "").header("location"), Some("/files/"));
        assert_eq!(get("/files/missing", "").status, 404);
        assert_eq!(get("/elsewhere", "").status, 404);
        drop(client);
        let log = server.stop();
        assert!(!log.contains("RESP-") && !log.contains("BODY-"), "{log}");
    },
}

#[test]
fn several_folders_and_an_app() {
    let (one, other) = (Site::of(&[("a", "one")]), Site::of(&[("a", "other")]));
    let app = format!("{}:app", gateway_tests::artifacts::module("hello").display());
    let server = serve(&[&one.at("/one"), &other.at("/one/other")], &[&app]);
    assert_eq!(ask(&server, "/one/a").text(), "one");
    assert_eq!(ask(&server, "/one/other/a").text(), "other");
    assert_eq!(ask(&server, "/onetwo").text(), "Hello, World!\n");
    server.stop();
}

#[test]
fn a_folder_at_the_root_of_a_host() {
    let site = Site::of(&[("sub/index.html", "found")]);
    let server = serve(&[&site.at("a/")], &[]);
    assert_eq!(ask(&server, "/sub/").text(), "found");
    assert_eq!(ask(&server, "/sub?a=b").header("location"), Some("/sub/?a=b"));
    let other = ask_with(&server, "GET", "http://other/sub/", "");
    assert_eq!(other.status, 404);
    server.stop();
}

/// A body that nobody reads is not waited for.
#[test]
fn other_methods_are_refused_at_once() {
    let site = Site::of(&[("a", "text")]);
    let server = serve(&[&site.at("/")], &[]);
    let mut client = Client::new(server.connect());
    client.send(b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nbegun").unwrap();
    let response = client.response("PUT").unwrap();
    assert_eq!((response.status, response.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    let response = ask_with(&server, "OPTIONS", "*", "");
    assert_eq!((response.status, response.header("allow")), (204, Some("GET, HEAD, OPTIONS")));
    server.stop();
}

#[test]
fn what_may_not_be_read_is_forbidden() {
    let site = Site::of(&[("closed", Site::SECRET), ("shut/a", Site::SECRET), ("open", "text")]);
    for name in ["closed", "shut"] {
        fs::set_permissions(site.path(name), fs::Permissions::from_mode(0o000)).unwrap();
    }
    // Root may read everything.
    let user: &[&str] = if rustix::process::geteuid().is_root() { &["--user", "nobody"] } else { &[] };
    let server = serve(&[&site.at("/")], user);
    for target in ["/closed", "/shut/", "/shut", "/shut/a"] {
        assert_eq!(ask(&server, target).status, 403, "{target}");
    }
    assert_eq!(ask(&server, "/open").text(), "text");
    server.stop();
}

#[test]
fn who_finds_no_descriptor_left_is_told_to_come_again() {
    let site = Site::of(&[("a", "text")]);
    let server = command(&["--no-master", "--bind", "127.0.0.1:0", "--static", &site.at("/")]);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 48; exec \"$0\" \"$@\""]).arg(server.get_program()).args(server.get_args());
    shell.envs(server.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let server = Server::spawn(shell, 1);
    let ask = |client: &mut Client| {
        client.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        client.response("GET").unwrap()
    };
    let mut first = Client::new(server.connect());
    assert_eq!(ask(&mut first).status, 200);
    // Each keeps one, until there is none for a file.
    let mut crowd = Vec::new();
    let refused = loop {
        let mut client = Client::new(server.connect());
        let response = ask(&mut client);
        crowd.push(client);
        assert!(crowd.len() < 48, "more clients than descriptors");
        if response.status != 200 {
            break response;
        }
    };
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    drop(crowd);
    until("a descriptor", || ask(&mut first).status, |status| *status == 200);
    server.stop();
}

/// Old and new workers have each opened it themselves.
#[test]
fn a_reload_opens_the_folder_anew() {
    let site = Site::of(&[("a", "old")]);
    let server = serve(&[&site.at("/")], &["--workers", "1"]);
    fs::rename(site.folder(), site.outside().join("before")).unwrap();
    site.write("a", "new");
    assert_eq!(ask(&server, "/a").text(), "old");
    server.signal("HUP");
    until("the new folder", || ask(&server, "/a").text(), |text| text == "new");
    server.stop();
}

/// Serves under strace, which has openat2 fail for this path.
fn failing(error: &str, path: &str, site: &Site) -> Command {
    let server = command(&["--no-master", "--bind", "127.0.0.1:0", "--static", &site.at("/")]);
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-P", path, "-e", &format!("inject=openat2:error={error}")]);
    strace.arg(server.get_program()).args(server.get_args());
    strace.envs(server.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace
}

/// Old systems do not know the call, and containers may forbid it: nobody is served
/// in a way that is less safe.
#[test]
fn a_system_without_openat2_is_told_of_at_the_start() {
    if !skip::has("a_system_without_openat2_is_told_of_at_the_start", "strace") {
        return;
    }
    let site = Site::of(&[]);
    for (error, words) in [("ENOSYS", "Function not implemented"), ("EPERM", "Operation not permitted")] {
        let output = failing(error, ".", &site).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        let said = text.contains("the system refuses openat2(2)") && text.contains(words) && text.contains("seccomp");
        assert!(said, "{text}");
    }
}

#[test]
fn a_broken_disk_is_an_error_of_the_server() {
    if !skip::has("a_broken_disk_is_an_error_of_the_server", "strace") {
        return;
    }
    let site = Site::of(&[("a", "text")]);
    for (error, status) in [("EIO", 500), ("ENFILE", 503), ("EAGAIN", 503), ("ELOOP", 404)] {
        let server = Server::spawn(failing(error, "a", &site), 1);
        let found = ["/a", "/b"].map(|target| ask(&server, target).status);
        // strace keeps signals from itself, and ends with what it has started.
        let served = children(server.id())[0].to_string();
        assert!(Command::new("kill").arg(&served).status().unwrap().success());
        server.wait();
        assert_eq!(found, [status, 404], "{error}");
    }
}
