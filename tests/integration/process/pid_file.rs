//! `--pidfile`: there for as long as the server is.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use gateway_tests::server::Server;
use gateway_tests::wait::until;
use tempfile::TempDir;

/// A server with a pid file.
fn start(workers: &[&str]) -> (TempDir, std::path::PathBuf, Server) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pid");
    let server = Server::start("hello:app", &[workers, &["--pidfile", path.to_str().unwrap()]].concat());
    (folder, path, server)
}

#[test]
fn it_is_removed_at_any_end() {
    for (signal, workers) in [
        ("TERM", &["--no-master"][..]),
        ("INT", &["--no-master"]),
        ("TERM", &["--workers", "1"]),
        ("INT", &["--workers", "1"]),
        ("QUIT", &["--workers", "1"]),
    ] {
        let (_folder, path, server) = start(workers);
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", server.id()));
        server.signal(signal);
        let (status, log) = server.wait();
        assert!(status.success() && !path.exists(), "{signal} {workers:?}: {log}");
    }
}

#[test]
fn it_is_left_where_it_is_anothers_by_now() {
    for workers in [&["--no-master"][..], &["--workers", "1"]] {
        let (_folder, path, server) = start(workers);
        fs::write(&path, "1\n").unwrap();
        server.stop();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    }
}

/// As in a container whose process 1 reaps nobody.
#[test]
fn one_that_was_never_reaped_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pid");
    let program = folder.path().join("gateway-server");
    // Its name is what it is called by.
    symlink("/bin/true", &program).unwrap();
    let mut ended = Command::new(&program).spawn().unwrap();
    let stat = || fs::read_to_string(format!("/proc/{}/stat", ended.id())).unwrap();
    until("it has ended", stat, |stat| stat.contains(" (gateway-server) Z "));
    fs::write(&path, ended.id().to_string()).unwrap();
    let server = Server::start("hello:app", &["--pidfile", path.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", server.id()));
    server.stop();
    ended.wait().unwrap();
}
