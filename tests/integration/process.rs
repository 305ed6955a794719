//! What a server's process has about it: where it stands, what its files may be.

mod folder;

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
