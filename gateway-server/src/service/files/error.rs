//! Why a folder cannot be served.

use std::io;
use std::path::PathBuf;

/// Why a folder cannot be served; said when the app is created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// It cannot be opened.
    #[error("{}: {error}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The system has no call that keeps a path inside a folder.
    #[error(
        "the system refuses openat2(2), which keeps paths inside a folder ({0}): it is in Linux from 5.6 on, \
         and a container's seccomp profile may have to allow it"
    )]
    Openat2(#[source] io::Error),
    /// The page for what is not there cannot be read.
    #[error("{}: {error}", path.display())]
    NotFound {
        /// The page.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
}
