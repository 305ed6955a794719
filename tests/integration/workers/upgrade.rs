//! Another program takes over, with the sockets open all the while.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::process::is_there;
use gateway_tests::server::Server;
use gateway_tests::wait::until;

use super::{answers, asks, kill, workers};
use crate::engines::{Engine, on_every_engine};

const HELLO: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A server whose program can be replaced.
struct Case {
    folder: tempfile::TempDir,
    server: Server,
}

/// The process that a file names.
fn named(file: &Path) -> u32 {
    fs::read_to_string(file).unwrap_or_default().trim().parse().unwrap_or(0)
}

impl Case {
    fn new(more: &[&str], binds: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("gateway-server");
        std::os::unix::fs::symlink(artifacts::server(), &program).unwrap();
        let mut command = Command::new(program);
        command.args(more).arg("--pidfile").arg(folder.path().join("pid"));
        if !more.contains(&"--bind") {
            command.args(["--bind", "127.0.0.1:0"]);
        }
        command.arg(artifacts::module("hello")).env("GATEWAY_LOG", "debug");
        Self { server: Server::spawn(command, binds), folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("pid")
    }

    /// Puts another program in the place of this one.
    fn replace(&self, script: &str) {
        let made = self.folder.path().join("new");
        // By another process: what one of many threads has open for writing, a child
        // of another thread may have too, and then it cannot be run.
        let written = Command::new("sh")
            .args(["-c", "printf %s \"$0\" > \"$1\" && chmod 755 \"$1\"", script])
            .arg(&made)
            .status();
        assert!(written.unwrap().success());
        fs::rename(made, self.folder.path().join("gateway-server")).unwrap();
    }

    /// Upgrades, and waits until the old program has ended.
    fn upgrade(self) -> Upgraded {
        let (old, file) = (self.server.id(), self.file());
        kill(old, "USR2");
        until("another takes over", || named(&file), |new| *new != old && *new != 0);
        let address = self.server.address();
        until("the old one ends", || is_there(old), |there| !there);
        let said = || self.server.log().contains("upgraded: the new program serves");
        until("it has said so", said, |said| *said);
        Upgraded { address, process: named(&file), folder: self.folder }
    }
}

/// What has taken over: it is nobody's child.
struct Upgraded {
    address: std::net::SocketAddr,
    process: u32,
    folder: tempfile::TempDir,
}

impl Upgraded {
    fn connect(&self) -> Client {
        Client::new(std::net::TcpStream::connect(self.address).unwrap())
    }

    /// Upgrades once more.
    fn again(&mut self) {
        let (old, file) = (self.process, self.folder.path().join("pid"));
        kill(old, "USR2");
        until("another takes over", || named(&file), |new| *new != old && *new != 0);
        self.process = named(&file);
        until("the old one ends", || is_there(old), |there| !there);
    }
}

impl Drop for Upgraded {
    fn drop(&mut self) {
        kill(self.process, "TERM");
        until("it ends", || is_there(self.process), |there| !there);
    }
}

on_every_engine! {
    an_upgrade_closes_nobody => |engine: Engine| {
        let case = Case::new(&[engine.flags, &["--workers", "2"]].concat(), 1);
        // Who serves one at a time makes room for others.
        let count = if engine.name == "single" { 1 } else { 20 };
        let mut clients: Vec<_> = (0..count).map(|_| Client::new(case.server.connect())).collect();
        clients.iter_mut().for_each(|client| asks(client, HELLO, None));
        let mut upgraded = case.upgrade();
        clients.iter_mut().for_each(|client| asks(client, HELLO, None));
        upgraded.again();
        clients.iter_mut().for_each(|client| asks(client, HELLO, None));
    },
}

/// What is another program ends as one that cannot serve; and so does one that is
/// not there.
#[test]
fn a_program_that_cannot_take_over_changes_nothing() {
    let case = Case::new(&["--workers", "2"], 1);
    let old = workers(&case.server);
    let (program, address, file) = (artifacts::server(), case.server.address(), case.file());
    let (program, file) = (program.display(), file.display());
    let module = artifacts::module("hello");
    let exec = format!("exec {program} --pidfile {file}");
    let scripts = [
        ("#!/bin/sh\nexit 3\n".to_owned(), "it ended with exit code 3"),
        ("#!/bin/sh\nkill -9 $$\n".to_owned(), "it ended with signal 9 (SIGKILL)"),
        ("not a program".to_owned(), "cannot be started"),
        // One that would do, with an app that does not.
        (format!("#!/bin/sh\n{exec} --bind 127.0.0.1:0 /nowhere.so\n"), "there is no file /nowhere.so"),
        // One that takes nothing over.
        (
            format!("#!/bin/sh\nunset GATEWAY_UPGRADE; {exec} --bind {address} {}\n", module.display()),
            "it ended with exit code 1",
        ),
    ];
    for (count, (script, why)) in scripts.iter().enumerate() {
        case.replace(script);
        case.server.signal("USR2");
        let told = || case.server.log().matches("not upgraded, this program serves on").count();
        until(why, told, |told| *told > count);
        case.server.wait_for_log(why);
        until("the old workers", || workers(&case.server), |now| *now == old);
        assert_eq!(named(&case.file()), case.server.id());
        answers(&case.server);
    }
    case.server.stop();
}

/// A Unix socket goes over with its file, and goes with the last.
#[test]
fn a_unix_socket_goes_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let bind = format!("unix:{}", path.display());
    let case = Case::new(&["--bind", "127.0.0.1:0", "--bind", &bind], 2);
    let ask = || {
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("Hello, World!\n"), "{answer}");
    };
    ask();
    let mut upgraded = case.upgrade();
    ask();
    upgraded.again();
    ask();
    asks(&mut upgraded.connect(), HELLO, None);
    drop(upgraded);
    assert!(!path.exists());
}

/// One that is not taken over keeps its socket's file.
#[test]
fn a_unix_socket_stays_with_the_old_program() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let bind = format!("unix:{}", path.display());
    let case = Case::new(&["--bind", &bind], 1);
    case.replace(&format!("#!/bin/sh\nexec {} --bind {bind} /nowhere.so\n", artifacts::server().display()));
    case.server.signal("USR2");
    case.server.wait_for_log("not upgraded");
    assert!(UnixStream::connect(&path).is_ok());
    case.server.stop();
    assert!(!path.exists());
}

/// Whoever else sets the variable is told so.
#[test]
fn the_variable_is_the_servers_own() {
    let mut command = gateway_tests::server::command(&["--bind", "127.0.0.1:0"]);
    let output = command.arg(artifacts::module("hello")).env("GATEWAY_UPGRADE", "nonsense").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && text.contains("GATEWAY_UPGRADE is set by a server"), "{text}");
}
