//! The file of a Unix socket: made where none is in use, removed at the end.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with};

use super::Listening;

/// A file that clients connect to, as long as the listener is there.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode: another server may have put its own in this place.
    id: (u64, u64),
    /// A process that has inherited the listener must not take it from others.
    process: u32,
    /// Whether it is left at the end.
    stays: bool,
}

impl SocketFile {
    /// Makes a listening socket at a path; answers also what removes it.
    ///
    /// # Errors
    /// Somebody listens there; the file is no socket; or the system's.
    pub(super) fn bind(path: &Path, how: &Listening) -> io::Result<(OwnedFd, Self)> {
        let address = address(path)?;
        let path = std::path::absolute(path)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        // A file looks unused while another server is about to listen on it:
        // servers come here one at a time. Where that cannot be had, they do not.
        let turn = File::open(folder);
        let _ = turn.as_ref().map(|turn| flock(turn, FlockOperation::LockExclusive));
        make_room(&path, &address)?;
        let socket = unconnected()?;
        bind(&socket, &address)?;
        let found = fs::symlink_metadata(&path)?;
        let id = (found.dev(), found.ino());
        // From here on, a failure removes it.
        let mut file = Self { path, id, process: std::process::id(), stays: false };
        settle(&file.path, how)?;
        // Nobody could connect before.
        listen(&socket, how.backlog)?;
        file.stays = !how.vacuum;
        Ok((socket, file))
    }

    /// A file that another program has made, and keeps for now.
    ///
    /// # Errors
    /// It is not there, or the system's.
    pub(super) fn of_another(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let found = fs::symlink_metadata(&path)?;
        Ok(Self { path, id: (found.dev(), found.ino()), process: std::process::id(), stays: true })
    }

    /// Whether it is left at the end.
    pub(super) const fn stays(&mut self, stays: bool) {
        self.stays = stays;
    }

    /// Removes the file, if it is still this one, this process's, and not to stay.
    pub(super) fn remove(&self) {
        let is_ours = |found: fs::Metadata| (found.dev(), found.ino()) == self.id;
        if !self.stays && self.process == std::process::id() && fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            // Who may no longer remove it leaves it: the next server replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// As long as the listener is open nobody else's file has this inode's number.
impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}

fn address(path: &Path) -> io::Result<SocketAddrUnix> {
    SocketAddrUnix::new(path).map_err(|error| match error {
        Errno::NAMETOOLONG => refused(io::ErrorKind::InvalidInput, "the path of a Unix socket has at most 107 bytes"),
        error => error.into(),
    })
}

fn unconnected() -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    Ok(socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

/// Removes the socket of a server that is gone.
fn make_room(path: &Path, address: &SocketAddrUnix) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        let text = "there is a file, and it is no socket: it is left alone; choose another path";
        return Err(refused(io::ErrorKind::AlreadyExists, text));
    }
    match connect(&unconnected()?, address) {
        Err(Errno::CONNREFUSED) => fs::remove_file(path),
        Err(Errno::NOENT) => Ok(()),
        Err(Errno::ACCESS) => Err(refused(
            io::ErrorKind::PermissionDenied,
            "there is a socket, and this user may not ask whether it is in use",
        )),
        // It is taken, its queue is full, or it is of another kind: somebody has it.
        _ => Err(refused(io::ErrorKind::AddrInUse, "it is in use: another process listens on it")),
    }
}

/// Gives the file the mode and the owner that are wanted.
fn settle(path: &Path, how: &Listening) -> io::Result<()> {
    if let Some(mode) = how.mode {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    let Some(owner) = how.owner else { return Ok(()) };
    lchown(path, owner.user, owner.group).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => refused(
            error.kind(),
            "only root may give a socket to another user, or to a group that this one is not in (--socket-owner)",
        ),
        _ => error,
    })
}

fn refused(kind: io::ErrorKind, text: &str) -> io::Error {
    io::Error::new(kind, text)
}
