//! `gateway-server reload`, `upgrade` and `stop`: what came of it is an exit code.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::Path;
use std::process::Output;

use gateway_tests::network::Network;
use gateway_tests::server::{Server, run};
use gateway_tests::skip;
use gateway_tests::wait::until;

use super::{answers, gone, module, replaced, workers};

/// What a command about the server of this pid file says, and its exit code.
fn tell(what: &str, file: &Path) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = run(&[what, file.to_str().unwrap()]);
    (status.code(), String::from_utf8(if status.success() { stdout } else { stderr }).unwrap().trim_end().to_owned())
}

#[test]
fn a_reload_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (place, file) = (module(dir.path(), "hello"), dir.path().join("pid"));
    let target = format!("{}:app", place.display());
    let server = Server::start_target(&target, &["--workers", "2", "--pidfile", file.to_str().unwrap()]);
    let old = workers(&server);
    assert_eq!(tell("reload", &file), (Some(0), "reloaded".to_owned()));
    // Ready, all of them, when that is said.
    replaced(&server, &old);
    gone(&server, &old);
    answers(&server);
    // Several at once have an answer each.
    let told: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..3).map(|_| scope.spawn(|| tell("reload", &file))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(told.iter().all(|(code, _)| *code == Some(0)), "{told:?}");
    assert_eq!(tell("stop", &file), (Some(0), "stopped".to_owned()));
    assert!(!Path::new(&format!("/proc/{}/fd/0", server.id())).exists() && !file.exists());
    let (status, log) = server.wait();
    assert!(status.success(), "{log}");
}

/// What keeps the new app from serving is told, in the log and here; the old
/// workers serve on.
#[test]
fn a_reload_that_fails_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let (place, file) = (module(dir.path(), "hello"), dir.path().join("pid"));
    let server =
        Server::start_target(&place.display().to_string(), &["--workers", "2", "--pidfile", file.to_str().unwrap()]);
    let old = workers(&server);
    let c_module = |name: &str, source: &str, defines: &[&str]| {
        let made = gateway_tests::artifacts::c_module(source, name, defines);
        std::fs::copy(made, dir.path().join("new")).unwrap();
        std::fs::rename(dir.path().join("new"), &place).unwrap();
    };
    let spoil: [(&dyn Fn(), &str); 4] = [
        // It has several apps, and none that is meant.
        (&|| drop(module(dir.path(), "multi")), "has several apps, name one"),
        (&|| c_module("wrong_abi", "tests/plugins/faults.c", &["MAJOR=99"]), "ABI"),
        (&|| c_module("crash_signal", "tests/plugins/crash.c", &["CRASH_SIGNAL"]), "signal 11 (SIGSEGV)"),
        (&|| std::fs::remove_file(&place).unwrap(), "there is no file"),
    ];
    for (spoil, why) in spoil {
        spoil();
        let (code, text) = tell("reload", &file);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.starts_with("gateway-server: not reloaded: ") && text.contains(why), "no {why:?} in: {text}");
        server.wait_for_log(why);
        until("the old workers", || workers(&server), |now| *now == old);
        answers(&server);
    }
    server.stop();
}

/// Apps that cannot be created: at the start nobody serves, so a module is put in
/// place whose app can.
#[test]
fn an_app_that_cannot_be_created_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    for (app, why) in [("create_fails", "the database is away"), ("create_panics", "a panic in create")] {
        let place = module(dir.path(), "faulty");
        // Of this module the app is there, by that name.
        let define = format!("NAME=\"{app}\"");
        let fine = gateway_tests::artifacts::c_module("tests/plugins/faults.c", &format!("named_{app}"), &[&define]);
        std::fs::copy(fine, dir.path().join("new")).unwrap();
        std::fs::rename(dir.path().join("new"), &place).unwrap();
        let target = format!("{}:{app}", place.display());
        let server = Server::start_target(&target, &["--workers", "1", "--pidfile", file.to_str().unwrap()]);
        let old = workers(&server);
        module(dir.path(), "faulty");
        let (code, text) = tell("reload", &file);
        assert!(code == Some(1) && text.contains(why), "no {why:?} in: {text}");
        server.wait_for_log(why);
        until("the old workers", || workers(&server), |now| *now == old);
        server.stop();
    }
}

#[test]
fn who_cannot_be_told_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let (code, text) = tell("reload", &file);
    assert!(code == Some(2) && text.contains("No such file") && text.contains("--pidfile"), "{text}");
    std::fs::write(&file, "nonsense").unwrap();
    let (code, text) = tell("stop", &file);
    assert!(code == Some(2) && text.contains("it names no process"), "{text}");
    std::fs::write(&file, format!("{}\n", std::process::id())).unwrap();
    let (code, text) = tell("upgrade", &file);
    assert!(code == Some(1) && text.contains("is no gateway-server with a master"), "{text}");
    let output = run(&["reload"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && text.contains("<PIDFILE>"), "{text}");
    for (typed, text) in [
        ("relaod", "unknown command \"relaod\"; did you mean \"reload\"?"),
        ("frobnicate", "unknown command \"frobnicate\"; gateway-server --help lists what there is"),
    ] {
        let (code, said) = tell(typed, &file);
        assert!(code == Some(2) && said.contains(text), "{said}");
    }
    let output = run(&["reload", "a", "--workers", "2"]);
    assert_eq!(output.status.code(), Some(2));
}

/// Those who say nothing are in nobody's way.
#[test]
fn who_says_nothing_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let server = Server::start("hello:app", &["--workers", "1", "--pidfile", file.to_str().unwrap()]);
    let name = SocketAddr::from_abstract_name(format!("gateway-server.{}", server.id())).unwrap();
    let silent: Vec<_> = (0..40).map(|_| UnixStream::connect_addr(&name).unwrap()).collect();
    assert_eq!(tell("reload", &file), (Some(0), "reloaded".to_owned()));
    drop(silent);
    server.stop();
}

/// What stands in the environment for a server is nothing to these.
#[test]
fn variables_are_not_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    std::fs::write(&file, "nonsense").unwrap();
    let mut command = gateway_tests::server::command(&["stop", file.to_str().unwrap()]);
    let output = command.env("GATEWAY_NONSENSE", "1").env("GATEWAY_CONFIG", "/nowhere").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("it names no process"), "{text}");
}

/// The name that it is asked by is known in its network namespace only.
#[test]
fn who_asks_from_another_network_is_told_so() {
    if !skip::has_networks("who_asks_from_another_network_is_told_so") {
        return;
    }
    let (dir, network) = (tempfile::tempdir().unwrap(), Network::new(0));
    let file = dir.path().join("pid");
    let arguments = ["--workers", "1", "--pidfile", file.to_str().unwrap()];
    let server = network.on(0, || Server::start("hello:app", &arguments));
    let (code, text) = tell("reload", &file);
    assert!(code == Some(1) && text.contains("is in another network namespace"), "{text}");
    assert_eq!(network.on(0, || tell("reload", &file)), (Some(0), "reloaded".to_owned()));
    server.stop();
}
