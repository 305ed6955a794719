//! `--daemonize`: the command returns when the server serves, or has failed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use gateway_tests::artifacts;
use gateway_tests::process::children;
use gateway_tests::server::{command, run};
use gateway_tests::skip;
use gateway_tests::wait::until;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{answers_at, place};

/// Where a daemon has its files. It ends with this, whatever the test does.
struct Daemon {
    folder: TempDir,
}

impl Daemon {
    fn new() -> Self {
        Self { folder: place().0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The program as a daemon with a log, a pid file and a socket here.
    fn command(&self, arguments: &[&str]) -> Command {
        let bind = format!("unix:{}", self.path("app.sock").display());
        let mut command = command(&["--daemonize", "log", "--pidfile", "pid", "--bind", &bind]);
        command.args(["--chdir", self.folder.path().to_str().unwrap()]).args(arguments);
        command
    }

    /// Runs it: exit code, standard output, standard error. All that had these
    /// have let go of them when it returns.
    fn start(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = self.command(arguments).output().unwrap();
        let [out, said] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        (output.status.code(), out, said)
    }

    /// The process that the pid file names.
    fn id(&self) -> Option<u32> {
        fs::read_to_string(self.path("pid")).ok()?.trim().parse().ok()
    }

    fn signal(&self, signal: Signal) {
        kill_process(pid(self.id().expect("there is a pid file")), signal).expect("there is a daemon");
    }

    /// Ends it, and holds that nothing is left of it.
    fn stop(&self) {
        let id = self.id().unwrap();
        self.signal(Signal::TERM);
        gone(id);
        assert!(!self.path("pid").exists() && !self.path("app.sock").exists(), "{}", self.log());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(id) = self.id() {
            drop(Process(id));
        }
    }
}

/// Ends with this, whatever the test does.
struct Process(u32);

impl Drop for Process {
    fn drop(&mut self) {
        // A number may be another's by now.
        let name = fs::read_to_string(format!("/proc/{}/comm", self.0));
        if name.is_ok_and(|name| name.trim_end() == "gateway-server") {
            let _ = kill_process(pid(self.0), Signal::KILL);
        }
    }
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(id.cast_signed()).unwrap()
}

/// It may wait for somebody to reap it.
fn is_alive(id: u32) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn gone(id: u32) {
    until("the process is gone", || is_alive(id), |alive| !alive);
}

/// Fields of `/proc/PID/stat` behind the name: state, parent, group, session, terminal.
fn stat(id: u32) -> Vec<i64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().skip(1).take(4).map(|field| field.parse().unwrap()).collect()
}

fn hello() -> String {
    artifacts::module("hello").display().to_string()
}

#[test]
fn the_command_returns_when_the_server_serves() {
    for workers in [&["--no-master"][..], &["--workers", "2"]] {
        let daemon = Daemon::new();
        let (code, out, said) = daemon.start(&[workers, &["--umask", "0", &hello()]].concat());
        let socket = daemon.path("app.sock");
        let told = format!("listening on unix:{}\n", socket.display());
        assert_eq!((code, &*out, &*said), (Some(0), &*told, ""), "{}", daemon.log());
        answers_at(&socket);
        let id = daemon.id().unwrap();
        assert_eq!(children(id).len(), if workers == ["--no-master"] { 0 } else { 2 });
        // Nobody's child, in a session of which it is not the first, without a terminal.
        let [parent, group, session, terminal] = stat(id)[..] else { panic!("stat has four fields") };
        assert_ne!(parent, i64::from(std::process::id()));
        assert_eq!((group, terminal), (session, 0));
        assert!(session != i64::from(id) && session != stat(std::process::id())[2]);
        let stream = |number: u8| fs::read_link(format!("/proc/{id}/fd/{number}")).unwrap();
        let log = daemon.path("log").canonicalize().unwrap();
        assert_eq!([0, 1, 2].map(stream), [PathBuf::from("/dev/null"), log.clone(), log.clone()]);
        assert_eq!(fs::metadata(log).unwrap().permissions().mode() & 0o777, 0o640);
        daemon.stop();
        let log = daemon.log();
        assert!(log.contains(&told) && log.contains("stopped") && !log.contains('\u{1b}'), "{log}");
    }
}

/// As logrotate does it: the file is moved away, and the server is told.
#[test]
fn the_log_is_opened_anew() {
    let daemon = Daemon::new();
    assert_eq!(daemon.start(&["--workers", "2", &hello()]).0, Some(0));
    let id = daemon.id().unwrap();
    fs::rename(daemon.path("log"), daemon.path("log.1")).unwrap();
    daemon.signal(Signal::USR1);
    until("the log is there", || daemon.log().contains("the log was opened anew"), |there| *there);
    let log = daemon.path("log").canonicalize().unwrap();
    for process in children(id).into_iter().chain([id]) {
        let stream = |number: u8| fs::read_link(format!("/proc/{process}/fd/{number}")).unwrap_or_default();
        until("all write there", || [1, 2].map(stream), |places| *places == [log.clone(), log.clone()]);
    }
    assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o640);
    answers_at(daemon.path("app.sock"));
    // Where it cannot be, it stays as it is.
    fs::rename(&log, daemon.path("log.2")).unwrap();
    fs::create_dir(&log).unwrap();
    daemon.signal(Signal::USR1);
    let said = || fs::read_to_string(daemon.path("log.2")).unwrap().contains("cannot be opened anew");
    until("that is said", said, |said| *said);
    answers_at(daemon.path("app.sock"));
    daemon.stop();
}

/// Who takes over from a daemon is one, with the same log.
#[test]
fn a_daemon_is_upgraded() {
    let daemon = Daemon::new();
    assert_eq!(daemon.start(&["--workers", "2", &hello()]).0, Some(0));
    let old = daemon.id().unwrap();
    daemon.signal(Signal::USR2);
    until("another takes over", || daemon.id(), |id| id.is_some_and(|id| id != old));
    gone(old);
    answers_at(daemon.path("app.sock"));
    let log = daemon.path("log").canonicalize().unwrap();
    let id = daemon.id().unwrap();
    assert_eq!(fs::read_link(format!("/proc/{id}/fd/2")).unwrap(), log);
    assert_eq!(stat(id)[3], 0);
    daemon.stop();
}

#[test]
fn the_log_goes_on_where_it_ends() {
    let daemon = Daemon::new();
    fs::write(daemon.path("log"), "before\n").unwrap();
    for count in 1..=2 {
        assert_eq!(daemon.start(&[&hello()]).0, Some(0));
        daemon.stop();
        let log = daemon.log();
        assert!(log.starts_with("before\n"), "{log}");
        assert_eq!(log.matches("stopped").count(), count, "{log}");
    }
}

#[test]
fn the_caller_is_told_why_it_does_not_serve() {
    let faulty = format!("{}:create_fails", artifacts::module("faulty").display());
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = busy.local_addr().unwrap().to_string();
    let hello = hello();
    let threaded = artifacts::c_module("tests/plugins/engines.c", "threaded", &["THREADED"]).display().to_string();
    for (arguments, code, words) in [
        // The engine sees that it cannot, after all else was well.
        (&["--engine", "fork", "--no-master", &*threaded][..], 1, "needs a process with one thread"),
        (&["--engine", "fork", &threaded], 1, "needs a process with one thread"),
        (&["/nowhere/libhello.so"], 2, "there is no file /nowhere/libhello.so"),
        (&[&*faulty], 1, "the database is away"),
        (&["--workers", "2", &faulty], 1, "the database is away"),
        (&["--bind", &busy, &hello], 1, "another process has it"),
        (&["--bind", &busy, "--workers", "2", &hello], 1, "another process has it"),
        (&["--pidfile", "/nowhere/pid", &hello], 1, "cannot write the pid file /nowhere/pid"),
    ] {
        let daemon = Daemon::new();
        let mut arguments = arguments.to_vec();
        arguments.push("--graceful-timeout=1s");
        let mut command = if arguments.contains(&"/nowhere/pid") {
            command(&["--daemonize", daemon.path("log").to_str().unwrap(), "--bind", "127.0.0.1:0"])
        } else {
            daemon.command(&[])
        };
        let output = command.args(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), &*output.stdout), (Some(code), &b""[..]), "{said}");
        assert!(said.starts_with("gateway-server: ") && said.contains(words), "no {words:?} in {said}");
        // In the log as well, and nothing is left.
        assert!(daemon.log().contains(words), "{}", daemon.log());
        assert!(!daemon.path("pid").exists() && !daemon.path("app.sock").exists());
    }
}

/// Before anything has happened.
#[test]
fn a_log_that_cannot_be_written_is_told() {
    for (log, words) in [("/nowhere/log", "No such file or directory"), ("/", "Is a directory")] {
        let output = run(&["--daemonize", log, &hello()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with(&format!("gateway-server: cannot write the log {log}: {words}")), "{said}");
    }
    let output = run(&["--daemonize", "/nowhere/log", "--threads", "0", &hello()]);
    assert_eq!(output.status.code(), Some(2), "settings come first");
    for action in ["--check", "--list"] {
        let output = run(&["--daemonize", "log", action, &hello()]);
        assert!(output.status.code() == Some(2), "{action}: {output:?}");
    }
}

#[test]
fn a_daemon_that_dies_before_it_serves_is_told_of() {
    for how in ["CRASH_SIGNAL", "CRASH_EXIT"] {
        let daemon = Daemon::new();
        let module = artifacts::c_module("tests/plugins/crash.c", &how.to_lowercase(), &[how]);
        let (code, out, said) = daemon.start(&["--no-master", module.to_str().unwrap()]);
        assert_eq!((code, &*out), (Some(1), ""), "{said}");
        assert_eq!(said, "gateway-server: the server ended before it served: log may say why\n");
        // A master that is left can say more.
        let (code, _, said) = daemon.start(&[module.to_str().unwrap()]);
        assert!(code == Some(1) && said.starts_with("gateway-server: its process ended with "), "{said}");
    }
}

/// Also where a worker of it is left that nobody can tell to end.
#[test]
fn a_master_that_dies_before_it_serves_is_told_of() {
    let module = artifacts::c_module("tests/plugins/crash.c", "crash_never", &["CRASH_NEVER"]);
    let daemon = Daemon::new();
    let mut caller = piped(daemon.command(&["--workers", "1", module.to_str().unwrap()]));
    let worker = || daemon.id().and_then(|id| children(id).first().copied()).filter(|worker| loads(*worker, &module));
    let worker = Process(until("a worker loads the module", worker, Option::is_some).unwrap());
    daemon.signal(Signal::KILL);
    until("the caller returns", || caller.try_wait().unwrap(), Option::is_some);
    assert!(is_alive(worker.0), "the worker held nothing");
    let output = caller.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let words = "gateway-server: the server ended before it served: log may say why\n";
    assert_eq!((output.status.code(), &*said), (Some(1), words));
}

fn piped(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Whether a process has a file in its memory.
fn loads(process: u32, file: &Path) -> bool {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap_or_default();
    maps.contains(file.to_str().unwrap())
}

/// The pid file and the log are made by who starts it, the app's are not.
#[test]
fn a_daemon_of_another_user_reloads() {
    if !skip::is_root("a_daemon_of_another_user_reloads") {
        return;
    }
    let daemon = Daemon::new();
    let (code, _, said) = daemon.start(&["--workers", "1", "--user", "1054321:1012345", "sub/libhello.so"]);
    assert_eq!(code, Some(0), "{said}");
    let (id, old) = (daemon.id().unwrap(), children(daemon.id().unwrap()));
    daemon.signal(Signal::HUP);
    until("a new worker", || children(id), |now| now.len() == 1 && *now != old);
    answers_at(daemon.path("app.sock"));
    daemon.stop();
}
