//! Unix sockets: every engine serves them; their files come and go.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use gateway_tests::client::Client;
use gateway_tests::server::{Server, command};
use gateway_tests::skip;
use tempfile::TempDir;

use super::{refused, target};
use crate::engines::{Engine, on_every_engine};
use crate::peers::bytes;
use crate::peers::curl::curl;

on_every_engine! {
    a_unix_socket_is_served => a_unix_socket_is_served,
    a_unix_socket_has_no_addresses => a_unix_socket_has_no_addresses,
}

/// A folder, and a path in it for a socket.
pub(super) fn place() -> (TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let bind = format!("unix:{}", path.display());
    (folder, path, bind)
}

fn serve(bind: &str, more: &[&str]) -> Server {
    Server::start("probe:app", &[&["--bind", bind], more].concat())
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

/// Whether the app answers on a socket.
pub(super) fn answers(path: &Path) -> bool {
    let mut client = UnixStream::connect(path).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    std::io::read_to_string(client).unwrap().ends_with("\r\n\r\nThis is the probe.\n")
}

/// A socket's file that nobody listens on.
fn stale(path: &Path) {
    drop(UnixListener::bind(path).unwrap());
    assert!(is_socket(path));
}

fn a_unix_socket_is_served(engine: Engine) {
    if !skip::has("a_unix_socket_is_served", "curl") {
        return;
    }
    let (folder, path, bind) = place();
    let server = engine.serve("probe:app", &["--lint", "--bind", &bind]);
    assert_eq!(server.places(), [&*bind]);
    let socket = path.display().to_string();
    let ask = |arguments: &[&str]| curl(&[&["--unix-socket", &socket], arguments].concat());
    // One connection, however much is asked for.
    let once = ["--output", "/dev/null", "--write-out", "%{num_connects} ", "http://localhost/"];
    let connects = ask(&[&once[..], &["--next", "--unix-socket", &socket, "--silent"], &once].concat());
    assert_eq!(String::from_utf8_lossy(&connects), "1 0 ");
    let (file, bytes) = (folder.path().join("upload"), bytes(3_000_000));
    fs::write(&file, &bytes).unwrap();
    for path in ["/echo", "/chunked-echo"] {
        let url = format!("http://localhost{path}");
        let back = ask(&["--header", "Expect:", "--upload-file", &file.display().to_string(), &url]);
        assert!(back == bytes, "{path}: {} bytes came back", back.len());
    }
    let log = server.stop();
    assert!(!log.contains("WARN"), "{log}");
    assert!(!path.exists(), "the socket is left");
}

fn a_unix_socket_has_no_addresses(engine: Engine) {
    let (_folder, path, bind) = place();
    let server = engine.serve("environ:app", &["--lint", "--bind", &bind]);
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let told = std::io::read_to_string(client).unwrap();
    for row in ["<th>SERVER_NAME</th><td>localhost</td>", "<th>SERVER_PORT</th><td><i>empty</i></td>"] {
        assert!(told.contains(row), "no {row} in {told}");
    }
    assert!(!told.contains("REMOTE_"), "{told}");
    let mut wrong = UnixStream::connect(&path).unwrap();
    wrong.write_all(b"GET /\r\n\r\n").unwrap();
    assert!(std::io::read_to_string(wrong).unwrap().starts_with("HTTP/1.1 400"));
    let log = server.stop();
    assert!(log.contains("a local client: refused with 400") && !log.contains("ENV-"), "{log}");
}

/// A client that is there when the server ends has its answer.
#[test]
fn a_socket_is_removed_when_the_end_begins() {
    let (_folder, path, bind) = place();
    let server = serve(&bind, &[]);
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n").unwrap();
    // Its connection is taken: the queue is in order.
    assert!(answers(&path));
    server.signal("TERM");
    gateway_tests::wait::until("the socket is removed", || path.exists(), |there| !there);
    client.write_all(b"abc").unwrap();
    let answer = std::io::read_to_string(client).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("abc"), "{answer}");
    assert!(server.wait().0.success());
}

#[test]
fn a_relative_path_is_one() {
    let (folder, path, _) = place();
    let mut command = command(&["--bind", "unix:app.sock", &target()]);
    command.current_dir(folder.path());
    let server = Server::spawn(command, 1);
    assert_eq!(server.places(), ["unix:app.sock"]);
    assert!(answers(&path));
    server.stop();
    assert!(!path.exists());
}

#[test]
fn several_listeners_of_both_kinds_are_served() {
    let (folder, path, bind) = place();
    let other = folder.path().join("other.sock");
    let more = format!("unix:{}", other.display());
    let server = serve(&bind, &["--bind", &more, "--bind", "127.0.0.1:0"]);
    assert_eq!((server.places().len(), server.addresses().len()), (3, 1));
    assert!(answers(&path) && answers(&other));
    let mut client = Client::new(server.connect());
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.response("GET").unwrap().status, 200);
    server.stop();
    assert!(!path.exists() && !other.exists());
}

#[test]
fn the_mode_is_as_it_is_told() {
    for mode in ["0600", "660", "0777"] {
        let (_folder, path, bind) = place();
        let _server = serve(&bind, &["--socket-mode", mode]);
        let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, u32::from_str_radix(mode, 8).unwrap());
    }
    for mode in ["0888", "01777", "rw", ""] {
        refused(&["--bind", "unix:x", "--socket-mode", mode], 2, &["0660"]);
    }
}

#[test]
fn the_owner_is_as_it_is_told() {
    refused(&["--bind", "unix:x", "--socket-owner", "no-such-user"], 2, &["there is no user no-such-user"]);
    refused(&["--bind", "unix:x", "--socket-owner", "root:no-such"], 2, &["there is no group no-such"]);
    let (_folder, path, bind) = place();
    if rustix::process::geteuid().is_root() {
        let _server = serve(&bind, &["--socket-owner", "12:34"]);
        let found = fs::metadata(&path).unwrap();
        assert_eq!((found.uid(), found.gid()), (12, 34));
    } else {
        refused(&["--bind", &bind, "--socket-owner", "root"], 1, &["only root"]);
        assert!(!path.exists());
    }
}

/// The same without root: a program that gives up its rights comes first.
#[test]
fn an_owner_that_only_root_may_set_is_said() {
    if !rustix::process::geteuid().is_root() || !skip::has("an_owner_that_only_root_may_set_is_said", "setpriv") {
        return;
    }
    let (_folder, path, bind) = place();
    let output = std::process::Command::new("setpriv")
        .args(["--bounding-set=-chown", "--inh-caps=-chown", "--"])
        .arg(gateway_tests::artifacts::server())
        .args(["--bind", &bind, "--socket-owner", "12", &target()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&bind) && said.contains("only root"), "{said}");
    assert!(!path.exists(), "a socket is left that nobody serves");
}

#[test]
fn a_stale_socket_is_replaced() {
    let (_folder, path, bind) = place();
    stale(&path);
    let server = serve(&bind, &[]);
    assert!(answers(&path));
    // Also that of a server that was killed.
    server.signal("KILL");
    drop(server);
    assert!(is_socket(&path));
    let server = serve(&bind, &[]);
    assert!(answers(&path));
    server.stop();
    assert!(!path.exists());
}

#[test]
fn a_live_socket_is_an_error() {
    let (_folder, path, bind) = place();
    let server = serve(&bind, &[]);
    refused(&["--bind", &bind], 1, &[&bind, "in use"]);
    assert!(answers(&path), "the first server is disturbed");
    server.stop();
    // One that answers nobody is in use too, and one of another kind.
    let _silent = UnixListener::bind(&path).unwrap();
    refused(&["--bind", &bind], 1, &["in use"]);
    fs::remove_file(&path).unwrap();
    let _datagrams = UnixDatagram::bind(&path).unwrap();
    refused(&["--bind", &bind], 1, &["in use"]);
    assert!(is_socket(&path));
}

#[test]
fn of_servers_that_start_at_once_one_gets_the_socket() {
    let (_folder, path, bind) = place();
    for _ in 0..5 {
        stale(&path);
        let start = || {
            let mut command = command(&["--bind", &bind, &target()]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let mut all = [start(), start(), start()];
        let ended = || all.iter_mut().filter_map(|child| child.try_wait().unwrap()).count();
        gateway_tests::wait::until("two give up", ended, |count| *count == 2);
        assert!(answers(&path));
        for child in &mut all {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let (folder, path, bind) = place();
    fs::write(&path, "mine").unwrap();
    refused(&["--bind", &bind], 1, &[&bind, "no socket"]);
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    // Nor is a link to one.
    let linked = folder.path().join("linked.sock");
    stale(&linked);
    fs::remove_file(&path).unwrap();
    symlink(&linked, &path).unwrap();
    refused(&["--bind", &bind], 1, &["no socket"]);
    assert!(is_socket(&linked));
}

#[test]
fn a_socket_of_another_server_is_left_at_the_end() {
    let (_folder, path, bind) = place();
    let server = serve(&bind, &[]);
    fs::remove_file(&path).unwrap();
    let other = serve(&bind, &[]);
    server.stop();
    assert!(answers(&path), "the other server's socket is gone");
    other.stop();
    assert!(!path.exists());
}

#[test]
fn vacuum_says_whether_the_socket_is_removed() {
    let (_folder, path, bind) = place();
    serve(&bind, &["--vacuum=false"]).stop();
    assert!(is_socket(&path));
    serve(&bind, &["--vacuum"]).stop();
    assert!(!path.exists());
    refused(&["--bind", &bind, "--vacuum=maybe"], 2, &["--vacuum"]);
}

#[test]
fn a_path_that_cannot_be_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let bind = |name: &str| format!("unix:{}/{name}", folder.path().display());
    refused(&["--bind", &bind(&"x".repeat(108))], 1, &["107 bytes"]);
    refused(&["--bind", &bind("no/such/folder.sock")], 1, &["No such file"]);
    refused(&["--bind", "unix:"], 2, &["unix:/run/app.sock"]);
    refused(&["--bind", &bind("a"), "--bind", &bind("a")], 2, &["is given twice"]);
}

/// A server that cannot have its second address leaves nothing of its first.
#[test]
fn a_server_that_does_not_start_leaves_no_socket() {
    let (_folder, path, bind) = place();
    refused(&["--bind", &bind, "--bind", "192.0.2.1:1"], 1, &["192.0.2.1:1"]);
    assert!(!path.exists());
}
