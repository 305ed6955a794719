//! Several apps under a master: all are loaded anew, or none.

use std::path::{Path, PathBuf};

use gateway_tests::artifacts;
use gateway_tests::server::command;
use gateway_tests::wait::until;
use rustix::process::{Pid, Signal, kill_process};

use super::{ask, mount, serve};
use crate::engines::{Engine, on_every_engine};
use crate::workers::{gone, workers};

/// Puts a module of an example package there, by rename.
fn put(place: &Path, package: &str) {
    let made = place.with_extension("new");
    std::fs::copy(artifacts::module(package), &made).unwrap();
    std::fs::rename(&made, place).unwrap();
}

fn two(folder: &Path) -> [PathBuf; 2] {
    let places = ["libone.so", "libtwo.so"].map(|name| folder.join(name));
    places.iter().for_each(|place| put(place, "hello"));
    places
}

on_every_engine! {
    a_reload_with_one_broken_mount_keeps_all => |engine: Engine| {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = two(folder.path());
        let mounts = [mount("/one", &one), mount("x.test/two", &two)];
        let server = serve(&mounts, &[engine.flags, &["--workers", "1"]].concat());
        let old = workers(&server);
        put(&one, "conformance");
        std::fs::write(folder.path().join("bad"), "no library").unwrap();
        std::fs::rename(folder.path().join("bad"), &two).unwrap();
        server.signal("HUP");
        server.wait_for_log("not reloaded, the old workers serve on: x.test/two: ");
        assert_eq!(ask(&server, "a", "/one/bytes").text(), "Hello, World!\n");
        until("the old worker", || workers(&server), |now| *now == old);
        put(&two, "hello");
        server.signal("HUP");
        server.wait_for_log("reloaded: the new workers serve");
        gone(&server, &old);
        assert_eq!(ask(&server, "a", "/one/bytes").text(), "static bytes\n");
        assert_eq!(ask(&server, "x.test", "/two").text(), "Hello, World!\n");
        server.stop();
    },
}

#[test]
fn each_module_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = two(folder.path());
    let server = serve(&[mount("/one", &one), mount("/two", &two)], &["--workers", "1", "--watch"]);
    for (path, file) in [("/two/bytes", &two), ("/one/bytes", &one)] {
        put(file, "conformance");
        until(path, || ask(&server, "a", path).text(), |text| text == "static bytes\n");
    }
    server.stop();
}

/// Who has taken over is nobody's child: it ends with this, whatever the test does.
struct Successor(PathBuf);

impl Drop for Successor {
    fn drop(&mut self) {
        let id = std::fs::read_to_string(&self.0).ok().and_then(|text| text.trim().parse().ok());
        if let Some(pid) = id.and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

#[test]
fn an_upgrade_takes_the_mounts_along() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = two(folder.path());
    let pid = folder.path().join("pid");
    let server =
        serve(&[mount("/one", &one), mount("/two", &two)], &["--workers", "1", "--pidfile", pid.to_str().unwrap()]);
    put(&two, "conformance");
    let _successor = Successor(pid.clone());
    let output = command(&["upgrade", pid.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The old worker may still get a client that comes just now.
    until("the new app", || ask(&server, "a", "/two/bytes").text(), |text| text == "static bytes\n");
    assert_eq!(ask(&server, "a", "/one").text(), "Hello, World!\n");
    let stopped = command(&["stop", pid.to_str().unwrap()]).output().unwrap();
    assert!(stopped.status.success(), "{}", String::from_utf8_lossy(&stopped.stderr));
    server.wait();
}
