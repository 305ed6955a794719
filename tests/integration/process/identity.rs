//! `--user` and `--group`. What changes users needs root, as CI has it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Output};

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::process::children;
use gateway_tests::server::{Server, command};
use gateway_tests::skip;
use gateway_tests::wait::until;
use tempfile::TempDir;

use super::{answers_at, open, place};
use crate::engines::{Engine, on_every_engine};

/// A user that no system has, with its group.
const STRANGER: &str = "1054321:1012345";

/// A line of `/proc/PID/status`, its numbers one after the other.
fn ids(process: u32, name: &str) -> Vec<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Holds whose a process is: real, effective, saved and for files.
fn belongs_to(process: u32, user: u32, group: u32, groups: &[u32]) {
    assert_eq!(ids(process, "Uid:"), [user; 4]);
    assert_eq!(ids(process, "Gid:"), [group; 4]);
    assert_eq!(ids(process, "Groups:"), groups);
}

/// What the system's lists say of a user: `id -G nobody`.
fn listed(what: &str, user: &str) -> Vec<u32> {
    let output = Command::new("id").args([what, user]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(|id| id.parse().unwrap()).collect()
}

fn hello(sub: &Path) -> String {
    sub.join("libhello.so").display().to_string()
}

fn answers(server: &Server) {
    let mut client = Client::new(server.connect());
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(client.response("GET").unwrap().status, 200);
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rfind(|line| line.starts_with("gateway-server: ")).unwrap_or(&text);
    (output.status.code(), last.to_owned())
}

#[test]
fn a_server_serves_as_another_user() {
    if !skip::is_root("a_server_serves_as_another_user") {
        return;
    }
    let (_folder, sub) = place();
    let (user, group) = (listed("-u", "nobody")[0], listed("-g", "nobody")[0]);
    let groups = listed("-G", "nobody");
    for (arguments, user, group, groups) in [
        (&["--user", "nobody"][..], user, group, &*groups),
        (&["--user", &user.to_string()], user, group, &*groups),
        (&["--user", STRANGER], 1_054_321, 1_012_345, &[1_012_345]),
        (&["--user", "1054321", "--group", "7"], 1_054_321, 7, &[7]),
        (&["--group", "7"], 0, 7, &[7]),
    ] {
        let server = Server::start_target(&hello(&sub), arguments);
        belongs_to(server.id(), user, group, groups);
        answers(&server);
        let log = server.stop();
        assert_eq!(log.contains("the app is loaded as root"), user == 0, "{log}");
    }
    // The numbers of a list are added to, not replaced.
    let server = Server::start_target(&hello(&sub), &["--user", "nobody:7"]);
    let mut groups: Vec<u32> = groups.into_iter().filter(|id| *id != group).chain([7]).collect();
    groups.sort_unstable();
    belongs_to(server.id(), user, 7, &groups);
}

on_every_engine! {
    every_engine_serves_as_another_user => |engine: Engine| {
        if !skip::is_root("every_engine_serves_as_another_user") {
            return;
        }
        let (_folder, sub) = place();
        for workers in [&[][..], &["--workers", "1"]] {
            let server = Server::start_target(&hello(&sub), &[engine.flags, workers, &["--user", STRANGER]].concat());
            answers(&server);
            let log = server.stop();
            assert!(!log.contains("ERROR"), "{log}");
        }
    },
}

#[test]
fn a_master_keeps_its_rights_and_its_workers_give_theirs_up() {
    if !skip::is_root("a_master_keeps_its_rights_and_its_workers_give_theirs_up") {
        return;
    }
    let (_folder, sub) = place();
    let own = ids(std::process::id(), "Groups:");
    let server = Server::start_target(&hello(&sub), &["--workers", "2", "--user", STRANGER]);
    let both = |server: &Server| {
        belongs_to(server.id(), 0, 0, &own);
        let workers = children(server.id());
        assert_eq!(workers.len(), 2);
        workers.iter().for_each(|worker| belongs_to(*worker, 1_054_321, 1_012_345, &[1_012_345]));
        answers(server);
        workers
    };
    let old = both(&server);
    server.signal("HUP");
    server.wait_for_log("reloaded");
    until("the old workers are gone", || children(server.id()), |now| old.iter().all(|id| !now.contains(id)));
    both(&server);
    server.stop();
}

/// The system forgets what is to happen at the master's death when the user changes.
#[test]
fn workers_of_another_user_end_without_their_master() {
    if !skip::is_root("workers_of_another_user_end_without_their_master") {
        return;
    }
    let (_folder, sub) = place();
    let server = Server::start_target(&hello(&sub), &["--workers", "2", "--user", STRANGER]);
    let all = children(server.id());
    server.signal("KILL");
    drop(server);
    let alive = |id: &u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    until("the workers end", || all.iter().filter(|id| alive(id)).count(), |left| *left == 0);
}

/// What takes rights is made before they are given up, the app after it: it sees
/// only what its user sees.
#[test]
fn what_takes_rights_comes_before_and_the_app_after() {
    if !skip::is_root("what_takes_rights_comes_before_and_the_app_after") {
        return;
    }
    let (folder, sub) = place();
    let private = folder.path().join("private");
    fs::create_dir(&private).unwrap();
    open(&private, 0o755);
    let [socket, file] = ["app.sock", "app.pid"].map(|name| private.join(name).display().to_string());
    let bind = format!("unix:{socket}");
    for workers in [&["--no-master"][..], &["--workers", "1"]] {
        let arguments = ["--user", STRANGER, "--bind", &bind, "--pidfile", &file, "--socket-owner", "12:34"];
        let server = Server::start_target(&hello(&sub), &[&arguments, workers].concat());
        let found = fs::metadata(&socket).unwrap();
        assert_eq!((found.uid(), found.gid()), (12, 34));
        assert_eq!(fs::metadata(&file).unwrap().uid(), 0);
        answers_at(&socket);
        let log = server.stop();
        // Who has given up its rights cannot remove them; the next server replaces them.
        let left = workers == ["--no-master"];
        assert_eq!((Path::new(&socket).exists(), Path::new(&file).exists()), (left, left), "{log}");
        assert_eq!(log.contains("app.pid is left: Permission denied"), left, "{log}");
    }
    let secret = sub.join("libhello.so");
    open(&secret, 0o600);
    for workers in [&["--no-master"][..], &["--workers", "1"]] {
        let arguments = ["--user", STRANGER, "--bind", "127.0.0.1:0", &hello(&sub)];
        let (code, text) = said(&command(&[workers, &arguments].concat()).output().unwrap());
        assert!(code == Some(2) && text.contains("ermission denied"), "{text}");
        // Whoever looks at it is who calls.
        let output = command(&["--check", &hello(&sub)]).env("GATEWAY_USER", STRANGER).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn the_spool_is_the_new_users() {
    if !skip::is_root("the_spool_is_the_new_users") {
        return;
    }
    let (folder, sub) = place();
    let spool = folder.path().join("spool");
    fs::create_dir(&spool).unwrap();
    open(&spool, 0o700);
    let dir = spool.display().to_string();
    let arguments = ["--user", STRANGER, "--spool-dir", &dir, "--bind", "127.0.0.1:0"];
    let words =
        format!("--spool-dir {dir}: Permission denied (os error 13): user {STRANGER} must be able to write there");
    for workers in [&["--no-master"][..], &["--workers", "1"]] {
        let (code, text) = said(&command(&[workers, &arguments, &[&hello(&sub)]].concat()).output().unwrap());
        assert_eq!((code, text), (Some(2), format!("gateway-server: {words}")));
        // The folder that nobody has named is no reason not to serve.
        let mut command = command(&[workers, &["--user", STRANGER, "--bind", "127.0.0.1:0", &hello(&sub)]].concat());
        command.env("TMPDIR", &dir);
        let log = Server::spawn(command, 1).stop();
        assert!(log.contains("WARN") && log.contains(&words), "{log}");
    }
}

/// The program where everybody may run it, and what runs it with fewer rights.
fn deprived(folder: &TempDir, how: &[&str]) -> Command {
    let program = folder.path().join("gateway-server");
    if !program.exists() {
        // Not by this process: what it has open for writing, a child that another test
        // is about to start may have too, and then it cannot be run.
        assert!(Command::new("cp").arg(artifacts::server()).arg(&program).status().unwrap().success());
        open(&program, 0o755);
    }
    let mut command = Command::new("setpriv");
    command.args(how).arg("--").arg(&program).env("GATEWAY_LOG", "debug");
    command
}

/// Nobody stays root that was to become somebody else.
#[test]
fn who_may_not_change_is_refused() {
    let test = "who_may_not_change_is_refused";
    if !skip::is_root(test) || !skip::has(test, "setpriv") {
        return;
    }
    let (folder, sub) = place();
    let hello = hello(&sub);
    let user = ["--reuid=1054321", "--regid=1012345", "--clear-groups"];
    let without = ["--bounding-set=-setuid,-setgid", "--inh-caps=-setuid,-setgid"];
    let keeping = ["--securebits=+no_setuid_fixup"];
    for (how, arguments, words) in [
        (&user[..], &["--user", "nobody"][..], "only root can serve as user nobody, and this process is user 1054321"),
        (&user, &["--group", "7"], "only root can serve as group 7, and this process is user 1054321"),
        (&user, &["--user", "1054321:7"], "only root can serve as user 1054321:7, and"),
        (
            &without,
            &["--user", "nobody"],
            "cannot serve as user nobody: Operation not permitted (os error 1); it takes CAP_SETUID",
        ),
        (&keeping, &["--user", "nobody"], "it could become root again: its capabilities outlive the change"),
    ] {
        for workers in [&["--no-master"][..], &["--workers", "1"]] {
            let mut command = deprived(&folder, how);
            command.args(arguments).args(workers).args(["--bind", "127.0.0.1:0", &hello]);
            let (code, text) = said(&command.output().unwrap());
            assert!(code == Some(1) && text.contains(words), "{how:?}: {text}");
        }
    }
    // Who is that user already, as in a container, has nothing to change.
    let mut command = deprived(&folder, &user);
    command.args(["--user", STRANGER, "--bind", "127.0.0.1:0", &hello]);
    let server = Server::spawn(command, 1);
    answers(&server);
    server.stop();
}

/// Without root as well.
#[test]
fn users_that_are_none_are_refused() {
    for (arguments, words) in [
        (&["--user", "no-such-user"][..], "there is no user no-such-user"),
        (&["--user", "root:no-such-group"], "there is no group no-such-group"),
        (&["--group", "no-such-group"], "there is no group no-such-group"),
        (&["--user", "root:"], "write it as USER or USER:GROUP, by name or by number"),
        (&["--user", "3054321"], "--user 3054321: the system does not know this user, and so no group: write"),
        (&["--user", "4294967295"], "4294967295 is the number of no user"),
        (&["--user", "root:0", "--group", "0"], "--user root:0 names a group, and --group 0: leave one out"),
        (&["--user", "root", "--check"], "cannot be used with"),
        (&["--group", "root", "--list"], "cannot be used with"),
    ] {
        let output = command(&[arguments, &["x.so"]].concat()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && text.contains(words), "{arguments:?}: {text}");
    }
}
