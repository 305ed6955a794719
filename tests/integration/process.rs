//! What a server's process has about it: where it stands, what its files may be,
//! whose it is, whether it stays, and where its number stands.

mod daemon;
mod folder;
mod identity;
mod pid_file;

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use gateway_tests::artifacts;
use tempfile::TempDir;

/// A folder that everybody may enter, with `libhello.so` in `sub`.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let sub = folder.path().join("sub");
    std::fs::create_dir(&sub).unwrap();
    open(folder.path(), 0o755);
    open(&sub, 0o755);
    std::fs::copy(artifacts::module("hello"), sub.join("libhello.so")).unwrap();
    (folder, sub)
}

fn open(path: &Path, mode: u32) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, mode).unwrap();
}

/// Holds that the app answers on a socket.
fn answers_at(socket: impl AsRef<Path>) {
    let mut client = UnixStream::connect(socket).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("Hello, World!\n"), "{answer}");
}
