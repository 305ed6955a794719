//! `--app-dir`: a folder of modules, each at its name.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use gateway_tests::artifacts;
use gateway_tests::server::{Server, run};
use gateway_tests::wait::until;
use tempfile::TempDir;

use super::{ask, mounted, serve};
use crate::engines::{Engine, on_every_engine};
use crate::workers::{gone, replaced, workers};

/// A folder that is served at `/apps`.
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new(apps: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        apps.iter().for_each(|(name, package)| folder.put(name, package));
        folder
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// As it is to be done: written beside, then renamed.
    fn put_file(&self, name: &str, from: &Path) {
        let (part, whole) = (self.path(&format!("lib{name}.so.part")), self.path(&format!("lib{name}.so")));
        fs::copy(from, &part).unwrap();
        fs::rename(part, whole).unwrap();
    }

    pub(super) fn put(&self, name: &str, package: &str) {
        self.put_file(name, &artifacts::module(package));
    }

    fn put_fault(&self, name: &str, define: &str) {
        self.put_file(name, &artifacts::c_module("tests/plugins/faults.c", &define.to_lowercase(), &[define]));
    }

    pub(super) fn remove(&self, name: &str) {
        fs::remove_file(self.path(&format!("lib{name}.so"))).unwrap();
    }

    fn flag(&self, place: &str) -> [String; 2] {
        ["--app-dir".to_owned(), format!("{place}={}", self.0.path().display())]
    }

    pub(super) fn serve(&self, more: &[&str]) -> Server {
        serve(&[self.flag("/apps")], more)
    }
}

const HELLO: &str = "Hello, World!\n";

/// Status and text of an answer.
fn answer(server: &Server, target: &str) -> (u16, String) {
    let response = ask(server, "a", target);
    (response.status, response.text())
}

on_every_engine! {
    what_is_in_the_folder_is_served_by_name => |engine: Engine| {
        let folder = Folder::new(&[("hello", "hello"), ("conf", "conformance")]);
        let server = folder.serve(&[engine.flags, &["--workers", "1"]].concat());
        assert_eq!(answer(&server, "/apps/hello"), (200, HELLO.to_owned()));
        assert_eq!(answer(&server, "/apps/conf/env?SCRIPT_NAME"), (200, "=/apps/conf".to_owned()));
        assert_eq!(answer(&server, "/apps/conf/env?PATH_INFO"), (200, "=/env".to_owned()));
        // It comes, is replaced, and goes: nobody says a word about it.
        let old = workers(&server);
        folder.put("new", "hello");
        until("it comes", || answer(&server, "/apps/new"), |answer| *answer == (200, HELLO.to_owned()));
        gone(&server, &old);
        folder.put("new", "conformance");
        until("it is another", || answer(&server, "/apps/new/bytes"), |answer| answer.1 == "static bytes\n");
        folder.remove("new");
        until("it is gone", || answer(&server, "/apps/new").0, |status| *status == 404);
        assert_eq!(answer(&server, "/apps/hello"), (200, HELLO.to_owned()));
        server.stop();
    },
}

/// What is asked for is compared with the names that were found, and with nothing
/// else: no path of a request is looked for in a file system.
#[test]
fn tricks_with_paths_find_nothing() {
    let folder = Folder::new(&[("ctime", "hello")]);
    let server = serve(&[folder.flag("/apps"), mounted("/", "conformance")], &[]);
    assert_eq!(answer(&server, "/apps/ctime"), (200, HELLO.to_owned()));
    assert_eq!(answer(&server, "/apps/%63time/x"), (200, HELLO.to_owned()));
    for name in [
        "",
        "/",
        ".",
        "..",
        "../apps/ctime",
        "./ctime",
        "/ctime",
        "x/../ctime",
        "%2e%2e",
        "%2e%2e/apps/ctime",
        "%2e/ctime",
        "..%2fapps%2fctime",
        "libctime.so",
        "libctime",
        "ctime.so",
        "ctime.so:app",
        "ctime:app",
        "CTIME",
        "Ctime",
        "ctime%20",
        "%20ctime",
        "ctime.",
        "ctime%0a",
        "ctime%5c",
        "%5cctime",
        "..%5cctime",
        "ctime%2500",
        "%252e%252e",
        "%C0%AE%C0%AE/ctime",
        "%EF%BD%83time",
        "~",
        "*",
        "c*",
        "[c]time",
        "etc/passwd",
        "%2Fetc%2Fpasswd",
    ] {
        let response = ask(&server, "a", &format!("/apps/{name}"));
        // What is beside it is not asked either.
        assert_eq!((response.status, response.text().as_str()), (404, "There is nothing here.\n"), "{name}");
    }
    for target in ["/apps/%00", "/apps/ctime%00", "/apps/%", "/apps/%zz"] {
        assert_eq!(ask(&server, "a", target).status, 400, "{target}");
    }
    // Not below the folder's place, so not the folder's.
    for target in ["/apps/..", "//apps/ctime", "/Apps/ctime", "/appsctime"] {
        let expected = if target == "/apps/.." { "There is nothing here.\n" } else { "no such case" };
        assert_eq!(answer(&server, target).1, expected, "{target}");
    }
    server.stop();
}

#[test]
fn only_modules_count() {
    let folder = Folder::new(&[("a", "hello"), ("a.b-c_d", "hello"), ("caf\u{e9} 1", "hello")]);
    for name in [".liba.so.tmp", "libx.so.part", "x.so", "lib.so", "libx.so.1", "README", "LIBX.SO"] {
        fs::write(folder.path(name), "no library").unwrap();
    }
    fs::create_dir(folder.path("libfolder.so")).unwrap();
    fs::write(folder.path("lib...so"), "no library").unwrap();
    fs::write(folder.path("lib%41.so"), "no library").unwrap();
    fs::write(folder.0.path().join(std::ffi::OsStr::from_bytes(b"lib\xff.so")), "no library").unwrap();
    let server = folder.serve(&[]);
    for name in ["a", "a.b-c_d", "caf%C3%A9%201"] {
        assert_eq!(answer(&server, &format!("/apps/{name}")), (200, HELLO.to_owned()), "{name}");
    }
    for name in ["x", "folder", "..", "%2541", "%FF", "lib"] {
        assert_eq!(answer(&server, &format!("/apps/{name}")).0, 404, "{name}");
    }
    let log = server.stop();
    for name in ["lib...so", "lib%41.so", "lib\u{fffd}.so"] {
        assert!(log.contains(&format!("{name} is not served")), "{name}: {log}");
    }
}

/// What cannot be served answers 500 at its place, says why in the log, and keeps
/// nobody else from serving.
#[test]
fn a_broken_module_stops_nobody() {
    let folder = Folder::new(&[("fine", "hello"), ("several", "multi"), ("settings", "counter")]);
    fs::write(folder.path("libtext.so"), "no library").unwrap();
    std::os::unix::fs::symlink("/no/such", folder.path("libdangling.so")).unwrap();
    for (name, fault) in [
        ("magic", "FAULT_NO_TABLE"),
        ("undefined", "FAULT_UNDEFINED"),
        ("short", "FAULT_SHORT"),
        ("create", "FAULT_CREATE"),
        ("panic", "FAULT_CREATE_PANIC"),
        ("init", "FAULT_INIT"),
    ] {
        folder.put_fault(name, fault);
    }
    for more in [&["--workers", "1"][..], &["--engine", "fork", "--fork-create", "child"]] {
        let server = folder.serve(&[more, &["--set", "/apps/settings:start=none"]].concat());
        let reasons = [
            ("text", "is not a shared library"),
            ("dangling", ""),
            ("several", "several apps"),
            ("settings", "start"),
            ("magic", "NULL"),
            ("undefined", "nobody_defines_this"),
            ("short", ""),
            ("create", "the port of the database is missing"),
            ("panic", "index out of bounds"),
            ("init", "no licence"),
        ];
        for (name, _) in reasons {
            let broken = (500, "What belongs here cannot be served.\n".to_owned());
            assert_eq!(answer(&server, &format!("/apps/{name}/x")), broken, "{name}");
        }
        assert_eq!(answer(&server, "/apps/fine"), (200, HELLO.to_owned()));
        let log = server.stop();
        for (name, reason) in reasons {
            let is_it = |line: &str| line.contains("ERROR") && line.contains(&format!("/apps/{name}: "));
            let line = log.lines().find(|line| is_it(line)).unwrap_or_else(|| panic!("{name}: {log}"));
            assert!(line.contains(reason), "no {reason:?} in {line}");
        }
    }
}

/// Who crashes while it is loaded takes the new worker along; the old ones stay.
#[test]
fn a_module_that_crashes_keeps_the_old_workers() {
    let folder = Folder::new(&[("fine", "hello")]);
    let server = folder.serve(&["--workers", "1"]);
    let old = workers(&server);
    let crashing = artifacts::c_module("tests/plugins/crash.c", "crash_signal", &["CRASH_SIGNAL"]);
    folder.put_file("crash", &crashing);
    server.wait_for_log("not reloaded, the old workers serve on");
    assert_eq!(answer(&server, "/apps/fine"), (200, HELLO.to_owned()));
    assert_eq!((answer(&server, "/apps/crash").0, workers(&server)), (404, old.clone()));
    folder.put("crash", "hello");
    until("it is mended", || answer(&server, "/apps/crash").0, |status| *status == 200);
    gone(&server, &old);
    server.stop();
}

#[test]
fn an_empty_folder_is_fine_and_none_is_not() {
    let folder = Folder::new(&[]);
    let server = folder.serve(&["--workers", "1"]);
    assert_eq!(answer(&server, "/apps/x").0, 404);
    folder.put("x", "hello");
    until("the first one comes", || answer(&server, "/apps/x").0, |status| *status == 200);
    server.stop();
    fs::write(folder.path("file"), "").unwrap();
    for (path, why) in [("/no/such/folder".into(), "No such file"), (folder.path("file"), "Not a directory")] {
        for more in [&["--no-master"][..], &["--workers", "1"], &["--check"]] {
            let flag = format!("/apps={}", path.display());
            let bind = if more == ["--check"] { &[][..] } else { &["--bind", "127.0.0.1:0"] };
            let output = run(&[more, bind, &["--app-dir", &flag]].concat());
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{text}");
            assert!(text.contains(&format!("--app-dir {flag}: {why}")), "{text}");
        }
    }
}

/// That it is read again takes a change of a module, and a word does it too.
#[test]
fn what_is_no_module_reloads_nothing() {
    let folder = Folder::new(&[("a", "hello")]);
    let server = folder.serve(&["--workers", "1"]);
    let old = workers(&server);
    fs::write(folder.path("notes"), "1").unwrap();
    fs::write(folder.path("libb.so.part"), "2").unwrap();
    fs::remove_file(folder.path("libb.so.part")).unwrap();
    // A change that counts comes after them, and is the only one.
    folder.put("b", "hello");
    let new = replaced(&server, &old);
    gone(&server, &old);
    server.signal("HUP");
    replaced(&server, &new);
    gone(&server, &new);
    assert_eq!(server.stop().matches("reloaded: the new workers serve").count(), 2);
}

#[test]
fn a_mount_that_is_named_wins_over_the_folder() {
    let folder = Folder::new(&[("a", "hello"), ("b", "hello")]);
    let mounts = [folder.flag("/apps"), mounted("/apps/a", "conformance"), folder.flag("x.test/")];
    let server = serve(&mounts, &["--set", "/apps/a:greeting=hi"]);
    assert_eq!(answer(&server, "/apps/a/config"), (200, "hi".to_owned()));
    assert_eq!(answer(&server, "/apps/b"), (200, HELLO.to_owned()));
    assert_eq!(ask(&server, "x.test", "/a").text(), HELLO);
    assert_eq!(ask(&server, "x.test", "/").status, 404);
    assert!(server.stop().contains("./liba.so is not served: /apps/a is mounted"));
}

/// A module that others can change is a warning, with `--strict` it is broken.
#[test]
fn what_others_can_write_to_is_strictly_not_served() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new(&[("mine", "hello"), ("ours", "hello")]);
    fs::set_permissions(folder.path("libours.so"), fs::Permissions::from_mode(0o666)).unwrap();
    for (more, status) in [(&[][..], 200), (&["--strict"], 500)] {
        let server = folder.serve(more);
        assert_eq!((answer(&server, "/apps/mine").0, answer(&server, "/apps/ours").0), (200, status));
        assert!(server.stop().contains("libours.so"));
    }
    let mount = format!("/x={}:app", folder.path("libours.so").display());
    let output = run(&["--strict", "--mount", &mount, "--mount", &mount.replace("/x=", "/y=")]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && text.contains("/x: refused: "), "{text}");
}

/// Each of them is looked at, and each that is broken is told of.
#[test]
fn check_looks_at_each() {
    let folder = Folder::new(&[("fine", "hello"), ("zeta", "hello")]);
    let [flag, value] = folder.flag("/apps");
    let check = || {
        let output = run(&[&flag, &value, "--check"]);
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        (output.status.code(), text)
    };
    let (code, text) = check();
    assert!(code == Some(0) && text.contains("ok: /apps/fine: "), "{text}");
    fs::write(folder.path("libtext.so"), "no library").unwrap();
    let (code, text) = check();
    assert_eq!(code, Some(1), "{text}");
    for words in ["ok: /apps/fine: ", "broken: /apps/text: ", "ok: /apps/zeta: "] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
}
