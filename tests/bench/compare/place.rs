//! Where a peer finds what it needs: a port, the file, a folder of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use gateway_tests::artifacts::workspace;

use super::workload;

/// See the module's text.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
}

impl Place {
    /// A place at a free port.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn free() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        Self { address: listener.local_addr().expect("a listener has an address") }
    }
}

/// The folder for all that a run leaves behind.
///
/// # Panics
/// When it cannot be made.
pub(crate) fn folder() -> PathBuf {
    let folder = workspace().join("target/bench");
    fs::create_dir_all(&folder).expect("target is writable");
    folder
}

/// The file of 64 KiB; its ending tells its content type.
///
/// # Panics
/// When it cannot be written.
pub(crate) fn file() -> PathBuf {
    let path = folder().join("file64k.bin");
    if fs::metadata(&path).map_or(0, |found| found.len()) != 64 * 1024 {
        fs::write(&path, workload::file()).expect("target is writable");
    }
    path
}

/// The folder of the peers' sources.
pub(crate) fn sources() -> PathBuf {
    workspace().join("tests/bench/peers")
}

/// A program of the peers' own workspace.
pub(crate) fn built(name: &str) -> PathBuf {
    workspace().join("target/peers/release").join(name)
}

/// A program of the peers' Python environment.
pub(crate) fn python(name: &str) -> PathBuf {
    workspace().join("target/peers/python/bin").join(name)
}

/// A path as a word of a command line.
pub(crate) fn word(path: &Path) -> String {
    path.display().to_string()
}
