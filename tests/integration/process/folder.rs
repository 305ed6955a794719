//! `--chdir` and `--umask`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use gateway_tests::artifacts;
use gateway_tests::server::{Server, command};

use super::place;

/// The program, run in a folder.
fn in_folder(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    command.current_dir(folder);
    command
}

/// What it says there, and its exit code.
fn said(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = in_folder(folder, arguments).output().unwrap();
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (output.status.code(), text)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn relative_paths_begin_at_the_folder() {
    let (folder, sub) = place();
    for workers in [&["--no-master"][..], &["--workers", "1"]] {
        let arguments = ["--chdir", "sub", "--bind", "unix:app.sock", "--pidfile", "app.pid", "libhello.so:app"];
        let server = Server::spawn(in_folder(folder.path(), &[workers, &arguments].concat()), 1);
        assert!(sub.join("app.sock").exists());
        assert_eq!(fs::read_to_string(sub.join("app.pid")).unwrap().trim(), server.id().to_string());
        assert_eq!(fs::read_link(format!("/proc/{}/cwd", server.id())).unwrap(), sub.canonicalize().unwrap());
        server.stop();
        assert!(!sub.join("app.sock").exists() && !sub.join("app.pid").exists());
    }
}

/// The file's own paths are seen from its folder, wherever the process goes; one
/// for the folder as well.
#[test]
fn paths_of_the_file_begin_at_the_file() {
    let (folder, sub) = place();
    fs::write(sub.join("gateway.toml"), "app = \"./libhello.so:app\"\nchdir = \"run\"\npidfile = \"app.pid\"\n")
        .unwrap();
    fs::create_dir(sub.join("run")).unwrap();
    let arguments = ["--config", "sub/gateway.toml", "--bind", "unix:app.sock"];
    let server = Server::spawn(in_folder(folder.path(), &arguments), 1);
    assert!(sub.join("run/app.sock").exists() && sub.join("app.pid").exists());
    server.stop();
}

/// A module is looked at from the folder where it will be served, and once.
#[test]
fn modules_are_looked_at_from_the_folder() {
    let (folder, _) = place();
    for (action, words) in [("--check", "ok: "), ("--list", "module   hello")] {
        let (code, text) = said(folder.path(), &["--chdir", "sub", action, "libhello.so"]);
        assert!(code == Some(0) && text.contains(words), "{text}");
    }
    let (code, text) = said(folder.path(), &["--chdir", "nowhere", "--check", "libhello.so"]);
    assert!(code == Some(2) && text.contains("--chdir nowhere: No such file"), "{text}");
}

/// As a file that can lie anywhere.
#[test]
fn what_is_printed_is_seen_from_the_folder() {
    let (folder, sub) = place();
    let (code, text) = said(folder.path(), &["--chdir", "sub", "--spool-dir", ".", "--print-config", "./libhello.so"]);
    assert_eq!(code, Some(0), "{text}");
    let sub = sub.canonicalize().unwrap();
    for (key, path) in [("chdir", ""), ("spool-dir", "/."), ("app", "/./libhello.so")] {
        let line = format!("{key} = \"{}{path}\"  # flag\n", sub.display());
        assert!(text.contains(&line), "no {line:?} in {text}");
    }
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let (folder, sub) = place();
    let (code, text) = said(folder.path(), &["--chdir", "nowhere", "--check-config", "x.so"]);
    assert_eq!((code, &*text), (Some(2), "gateway-server: --chdir nowhere: No such file or directory (os error 2)\n"));
    fs::write(sub.join("gateway.toml"), "app = \"x.so\"\nchdir = \"libhello.so\"\n").unwrap();
    let (code, text) = said(folder.path(), &["--config", "sub/gateway.toml", "--check-config"]);
    let words = "libhello.so: Not a directory (os error 20) (--chdir is from sub/gateway.toml:2)\n";
    assert!(code == Some(2) && text.ends_with(words), "{text}");
}

/// Everything that the server makes: the files of its sockets, and of its number.
#[test]
fn the_umask_is_kept_from_new_files() {
    let (folder, sub) = place();
    for (umask, expected) in [("0027", 0o750), ("77", 0o700), ("0", 0o777)] {
        let module = artifacts::module("hello").display().to_string();
        let files = ["--bind", "unix:app.sock", "--pidfile", "app.pid"];
        let arguments = [&["--chdir", "sub", "--umask", umask], &files[..], &[&module]].concat();
        let server = Server::spawn(in_folder(folder.path(), &arguments), 1);
        assert_eq!(mode(&sub.join("app.sock")), expected, "{umask}");
        assert_eq!(mode(&sub.join("app.pid")), expected & 0o644, "{umask}");
        let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
        let told = status.lines().find_map(|line| line.strip_prefix("Umask:\t")).unwrap();
        assert_eq!(u32::from_str_radix(told, 8).unwrap(), 0o777 & !expected, "{umask}");
        server.stop();
    }
    for umask in ["0888", "01777", "rw", ""] {
        let (code, text) = said(folder.path(), &["--umask", umask, "x.so"]);
        assert!(code == Some(2) && text.contains("write it as 0027"), "{umask}: {text}");
    }
}
