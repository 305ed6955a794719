//! Disks that are full, pipes that nobody reads, folders that vanish: the server serves on.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use gateway_tests::artifacts;
use gateway_tests::server::{Server, command};
use gateway_tests::wait::until;
use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, kill_process};

use super::{Place, ask, ask_at};
use crate::engines::{Engine, on_every_engine};

/// More lines than a pipe takes.
const MANY: usize = 1500;

on_every_engine! {
    full_disks => full_disks,
    pipes_that_nobody_reads => pipes_that_nobody_reads,
}

fn full_disks(engine: Engine) {
    let server = engine.serve("hello:app", &["--access-log", "/dev/full"]);
    ask(&server, "a", 20);
    let log = server.stop();
    let told = log.lines().filter(|line| line.contains("lines of the access log that could not be written: "));
    let lost: u64 = told
        .map(|line| {
            let rest = line.split("could not be written: ").nth(1).unwrap();
            rest.split(':').next().unwrap().parse::<u64>().unwrap()
        })
        .sum();
    assert_eq!(lost, 20, "{log}");
    assert!(log.contains("No space left on device"), "{log}");
    let server = engine.serve("traced:app", &["--log-file", "/dev/full", "--access-log", "/dev/full"]);
    ask(&server, "a", 20);
    server.stop();
}

/// A FIFO as access log, and a FIFO as log, whose other end somebody holds and does not
/// read.
fn pipes_that_nobody_reads(engine: Engine) {
    let place = Place::new();
    let [access, log] = ["access", "log"].map(|name| fifo(&place.path(name)));
    let (access_name, log_name) = (place.name("access"), place.name("log"));
    let files = ["--access-log", &access_name, "--log-file", &log_name, "--graceful-timeout", "20s"];
    let server = engine.serve("traced:app", &files);
    ask(&server, &"long".repeat(30), MANY);
    server.stop();
    drop((access, log));
}

fn fifo(path: &Path) -> File {
    mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).unwrap();
    // Readable and writable, so that nobody is waited for.
    File::options().read(true).write(true).open(path).unwrap()
}

/// Standard error as a supervisor has it, that has stopped reading: workers, master and
/// all say more than it takes.
#[test]
fn a_supervisor_that_does_not_read_stops_nobody() {
    for workers in ["--no-master", "--workers=2"] {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let mut command =
            command(&[workers, "--bind", "127.0.0.1:0", &artifacts::module("traced").display().to_string()]);
        command.stderr(Stdio::from(write));
        let server = Bare::new(command);
        ask_at(server.address, &"long".repeat(30), MANY);
        // What was said is whole lines, and what was not is told of.
        let mut said = vec![0; 40_000];
        let mut reader = File::from(read);
        reader.read_exact(&mut said).unwrap();
        ask_at(server.address, "b", 3);
        assert!(server.stop().success());
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        let all = String::from_utf8(said).unwrap() + &rest;
        assert!(all.contains("lines of the log that could not be written: "), "{rest}");
        for line in all.lines() {
            assert!(line.starts_with("20") && line.as_bytes()[10] == b'T', "{line}");
        }
    }
}

/// Whoever reads has gone: nobody is told, and nobody ends.
#[test]
fn a_closed_pipe_stops_nobody() {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let target = artifacts::module("traced").display().to_string();
    let mut command = command(&["--workers=2", "--access-log", "-", "--bind", "127.0.0.1:0", &target]);
    command.stderr(Stdio::from(write));
    let server = Bare::new(command);
    drop(read);
    ask_at(server.address, "a", 100);
    assert!(server.stop().success());
}

/// One whose standard error is the test's own, and whose standard output nobody reads
/// but for its first line.
struct Bare {
    child: Child,
    address: SocketAddr,
}

impl Bare {
    fn new(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        // The test's own copies of the pipe's end.
        drop(command);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
        Self { child, address }
    }

    fn stop(mut self) -> ExitStatus {
        let process = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(process, Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_folder_that_vanishes_stops_nobody() {
    let place = Place::new();
    fs::create_dir(place.path("sub")).unwrap();
    let (access, log) = (place.name("sub/access"), place.name("sub/log"));
    let server = Server::start("hello:app", &["--workers", "2", "--access-log", &access, "--log-file", &log]);
    ask(&server, "a", 3);
    fs::rename(place.path("sub"), place.path("gone")).unwrap();
    ask(&server, "b", 3);
    server.signal("USR1");
    until("that is said", || place.read("gone/log"), |log| log.matches("cannot be opened anew").count() >= 2);
    ask(&server, "c", 3);
    server.stop();
    assert_eq!(place.lines("gone/access").len(), 9);
    fs::remove_dir_all(place.path("gone")).unwrap();
}

/// A reader that comes late gets what there was room for, and all that comes then.
#[test]
fn a_fifo_is_read_when_somebody_comes() {
    let place = Place::new();
    mkfifoat(CWD, place.path("access"), Mode::RUSR | Mode::WUSR).unwrap();
    let name = place.name("access");
    let server = Server::start("hello:app", &["--access-log", &name, "--access-log-format", "%U"]);
    ask(&server, "a", 3);
    let mut reader = File::open(place.path("access")).unwrap();
    ask(&server, "b", 3);
    server.stop();
    let mut all = String::new();
    reader.read_to_string(&mut all).unwrap();
    // Each thread has an order of its own.
    let mut lines: Vec<&str> = all.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["/a0", "/a1", "/a2", "/b0", "/b1", "/b2"]);
}
