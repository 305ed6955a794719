//! A listening socket.

use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, acceptfrom_with, bind, getsockname, listen, socket_with,
    sockopt,
};

use super::relay::Relayed;
use super::socket_file::SocketFile;
use super::{Address, Bound, Endpoint, Identity, Listening, Local, Origin, Peer, Scheme, Stream, Trusted};
use crate::sys::{defer_accept, inherited, take_no_more};

/// A client that says nothing is told of after so many seconds; any other with
/// its first bytes. So a loop is woken once for it and not twice, and what it
/// reads first is there. In that second the system has it, and a server that
/// ends says nothing to it: it gets a reset for what it sends then, as one does
/// that sends while its idle connection is closed.
const SILENCE: i32 = 1;

/// A socket that clients connect to; bound once.
#[derive(Debug)]
pub struct Listener {
    /// Before the socket: as long as that is open, the file's inode is its own.
    file: Option<SocketFile>,
    socket: OwnedFd,
    ends: Ends,
    /// Others accept here as well, or will when this process does not any more.
    is_shared: bool,
    /// It was there before the server, and stays: others may get it next.
    is_lent: bool,
    /// Who may say whose connection it is, and whether they do before all else.
    trusted: Arc<Trusted>,
    is_announced: bool,
    /// What clients are shown that speak TLS.
    identity: Option<Identity>,
}

/// What its connections' ends here are called.
#[derive(Debug)]
enum Ends {
    Tcp {
        address: SocketAddr,
        /// Whether clients speak TLS.
        secure: bool,
        /// What the last one was called; most are called alike.
        last: Mutex<(SocketAddr, Arc<Local>)>,
    },
    Unix {
        path: PathBuf,
        local: Arc<Local>,
    },
    /// They were another process's.
    Relayed(Relayed),
}

/// What an error of accept means.
#[derive(Debug)]
pub enum AcceptError {
    /// That connection is gone, or none was waiting: go on.
    Retry,
    /// The machine is out of something that comes back: pause, go on.
    Shed(io::Error),
    /// The listener itself is broken.
    Fatal(io::Error),
}

impl Listener {
    /// Binds and listens, or takes what listens already.
    ///
    /// # Errors
    /// A name without an address; a descriptor that does not listen; or the
    /// system's: the address is in use, not ours, or needs privileges.
    pub fn bind(address: &Address, how: &Listening) -> io::Result<Self> {
        match address {
            Address::Tcp(tcp) => Self::bind_tcp(tcp.resolve()?, is_secure(address, how), how),
            Address::Unix(path) => Self::bind_unix(path, how),
            Address::Descriptor(number) => Self::adopt(inherited(*number)?, is_secure(address, how)),
            Address::Systemd => Err(refused("it stands for several addresses")),
        }
    }

    /// Takes from another program what that has bound at this address; the file of a
    /// Unix socket is that one's until [`leave_file`](Self::leave_file) says otherwise.
    ///
    /// # Errors
    /// It does not listen, or the system's.
    pub fn take_over(socket: OwnedFd, address: &Address, how: &Listening) -> io::Result<Self> {
        let listener = Self::adopt(socket, is_secure(address, how))?;
        match address {
            Address::Unix(path) => Ok(Self { file: Some(SocketFile::of_another(path)?), is_lent: false, ..listener }),
            Address::Tcp(_) => Ok(Self { is_lent: false, ..listener }),
            Address::Descriptor(_) | Address::Systemd => Ok(listener),
        }
    }

    /// Whether the file of a Unix socket is left at the end, for another program.
    pub const fn leave_file(&mut self, leave: bool) {
        if let Some(file) = &mut self.file {
            file.stays(leave);
        }
    }

    fn bind_tcp(address: SocketAddr, secure: bool, how: &Listening) -> io::Result<Self> {
        let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
        // Accept follows a poll; a client that left in between must not block it.
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        // Connections of the server that was here may linger.
        sockopt::set_socket_reuseaddr(&socket, true)?;
        if address.is_ipv6() {
            // [::] takes clients of IPv4 too, whatever the machine's default is.
            sockopt::set_ipv6_v6only(&socket, false)?;
        }
        bind(&socket, &address)?;
        tune(&socket)?;
        listen(&socket, how.backlog)?;
        Self::tcp(socket, secure)
    }

    /// Serves a socket that listens already: it may have clients, and its queue
    /// is as long as its owner has made it.
    fn adopt(socket: OwnedFd, secure: bool) -> io::Result<Self> {
        let kind = sockopt::socket_type(&socket).map_err(|error| match error {
            Errno::NOTSOCK => refused("it is no socket"),
            error => error.into(),
        })?;
        if kind != SocketType::STREAM {
            return Err(refused("it is no stream socket: of a socket unit, ListenStream= is served"));
        }
        if !sockopt::socket_acceptconn(&socket)? {
            return Err(refused("it does not listen: of a socket unit, Accept=no is served"));
        }
        rustix::io::ioctl_fionbio(&socket, true)?;
        let name = getsockname(&socket)?;
        let listener = if let Ok(name) = SocketAddrUnix::try_from(name.clone()) {
            Self::unix(socket, file_of(&name))
        } else if SocketAddr::try_from(name).is_ok() {
            tune(&socket)?;
            Self::tcp(socket, secure)?
        } else {
            return Err(refused("it is neither TCP nor a Unix socket"));
        };
        Ok(Self { is_shared: true, is_lent: true, ..listener })
    }

    /// A TCP socket that listens.
    fn tcp(socket: OwnedFd, secure: bool) -> io::Result<Self> {
        let address = SocketAddr::try_from(getsockname(&socket)?)?;
        let ends = Ends::Tcp { address, secure, last: Mutex::new((address, named(address, secure))) };
        Ok(Self::of(socket, ends))
    }

    fn of(socket: OwnedFd, ends: Ends) -> Self {
        Self {
            file: None,
            socket,
            ends,
            is_shared: false,
            is_lent: false,
            trusted: Arc::default(),
            is_announced: false,
            identity: None,
        }
    }

    fn bind_unix(path: &Path, how: &Listening) -> io::Result<Self> {
        let (socket, file) = SocketFile::bind(path, how)?;
        Ok(Self { file: Some(file), ..Self::unix(socket, path.to_owned()) })
    }

    /// A Unix socket that listens.
    fn unix(socket: OwnedFd, path: PathBuf) -> Self {
        // There is no port to name (ENV-13).
        let ends = Ends::Unix { path, local: Arc::new(Local::new("localhost", "")) };
        Self::of(socket, ends)
    }

    /// Gives the connections that others have passed on.
    pub(super) fn relayed(socket: OwnedFd) -> Self {
        Self { is_shared: true, is_lent: true, ..Self::of(socket, Ends::Relayed(Relayed::new())) }
    }

    /// Where it is bound; nowhere, if it only gives what others have accepted.
    #[must_use]
    pub fn address(&self) -> Option<Bound> {
        match &self.ends {
            Ends::Tcp { address, secure: true, .. } => Some(Bound::Tls(*address)),
            Ends::Tcp { address, .. } => Some(Bound::Tcp(*address)),
            Ends::Unix { path, .. } => Some(Bound::Unix(path.clone())),
            Ends::Relayed(_) => None,
        }
    }

    /// Whether its clients speak TLS.
    const fn is_secure(&self) -> bool {
        matches!(self.ends, Ends::Tcp { secure: true, .. })
    }

    /// Shows a certificate from now on, if its clients speak TLS. Until then they
    /// are turned away.
    pub fn identify(&mut self, identity: &Identity) {
        self.identity = Some(identity.clone()).filter(|_| self.is_secure());
    }

    /// Says that other processes accept clients here as well: it is not this one's
    /// to close.
    pub const fn share(&mut self) {
        self.is_shared = true;
    }

    /// Believes these peers from now on; `announced`: each begins with a PROXY header.
    pub fn trust(&mut self, peers: &Arc<Trusted>, announced: bool) {
        (self.trusted, self.is_announced) = (Arc::clone(peers), announced);
    }

    /// Lets nobody new in, in no process, who has not begun to connect: those come in
    /// still, before this is closed. A socket that was handed over stays as it is.
    pub fn shut(&self) {
        if !self.is_lent && matches!(self.ends, Ends::Tcp { .. }) {
            // Where the system does not take it, some are reset.
            let _ = take_no_more(self.socket.as_fd());
        }
    }

    /// Accepts nobody any more, in no process: a socket that others have
    /// inherited is theirs to close, unless they end too (`all_end`). Where the
    /// system does not take it, clients wait until the process ends. A socket that
    /// was handed over stays open: its clients wait for whoever gets it next.
    pub fn close(&self, all_end: bool) {
        if self.is_lent || self.is_shared && !all_end {
            return;
        }
        if let Some(file) = self.file.as_ref().filter(|_| !self.is_shared) {
            file.remove();
        }
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
    }

    /// Takes a connection, non-blocking, and names its ends.
    ///
    /// # Errors
    /// By class, see [`AcceptError`].
    pub fn accept(&self) -> Result<(Stream, Origin), AcceptError> {
        if let Ends::Relayed(relayed) = &self.ends {
            return relayed.take(&self.socket).map_err(classify);
        }
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (socket, remote) = acceptfrom_with(&self.socket, flags).map_err(classify)?;
        let remote = remote.and_then(|remote| SocketAddr::try_from(remote).ok());
        let endpoint = self.ends.of(&socket, remote)?;
        let endpoint = if self.believes(remote) { endpoint.with_peer(self.believed()) } else { endpoint };
        Ok((self.stream(socket)?, endpoint.into()))
    }

    fn stream(&self, socket: OwnedFd) -> Result<Stream, AcceptError> {
        match &self.identity {
            Some(identity) => Stream::secure(socket, identity).map_err(AcceptError::Shed),
            None if self.is_secure() => Err(AcceptError::Shed(refused("there is no certificate to show"))),
            None => Ok(Stream::from(socket)),
        }
    }

    /// Whether a peer may say who its client is.
    fn believes(&self, peer: Option<SocketAddr>) -> bool {
        !self.trusted.is_nobody()
            && match (&self.ends, peer) {
                (Ends::Unix { .. }, _) => self.trusted.has_unix(),
                (_, peer) => peer.is_some_and(|peer| self.trusted.has(peer.ip())),
            }
    }

    /// What such a peer is.
    const fn believed(&self) -> Peer {
        if self.is_announced { Peer::Announcing } else { Peer::Trusted }
    }
}

impl Ends {
    /// The ends of a connection.
    fn of(&self, socket: &OwnedFd, remote: Option<SocketAddr>) -> Result<Endpoint, AcceptError> {
        match self {
            Self::Tcp { address, secure, last } => {
                // A wildcard address says nothing about which one the client chose.
                let own = if address.ip().is_unspecified() { local_address(socket)? } else { *address };
                Ok(Endpoint::new(remembered(last, own, *secure), remote))
            }
            Self::Unix { local, .. } => Ok(Endpoint::new(Arc::clone(local), None)),
            // It says so itself.
            Self::Relayed(_) => Err(AcceptError::Retry),
        }
    }
}

/// Whether TLS is spoken at an address, if it is one of TCP.
fn is_secure(address: &Address, how: &Listening) -> bool {
    match address {
        Address::Tcp(tcp) => tcp.scheme().map_or(how.tls, |scheme| scheme == Scheme::Https),
        _ => how.tls,
    }
}

/// What the connections of a TCP listener have from it.
fn tune(socket: &OwnedFd) -> io::Result<()> {
    // What is written goes out at once.
    sockopt::set_tcp_nodelay(socket, true)?;
    // Where the system does not take it, clients come at once.
    let _ = defer_accept(socket.as_fd(), SILENCE);
    Ok(())
}

fn local_address(socket: &OwnedFd) -> Result<SocketAddr, AcceptError> {
    let address = getsockname(socket).map_err(|_| AcceptError::Retry)?;
    SocketAddr::try_from(address).map_err(|_| AcceptError::Retry)
}

/// The name of an end here, shared by the connections that have it.
fn remembered(last: &Mutex<(SocketAddr, Arc<Local>)>, address: SocketAddr, secure: bool) -> Arc<Local> {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    if last.0 != address {
        *last = (address, named(address, secure));
    }
    Arc::clone(&last.1)
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The file of a Unix socket; one without a file shows as systemd writes it.
fn file_of(name: &SocketAddrUnix) -> PathBuf {
    let path = name.path_bytes().map(|path| PathBuf::from(OsStr::from_bytes(path)));
    path.unwrap_or_else(|| {
        let name = name.abstract_name().unwrap_or_default();
        PathBuf::from(format!("@{}", String::from_utf8_lossy(name)))
    })
}

fn refused(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn named(address: SocketAddr, secure: bool) -> Arc<Local> {
    // An end of IPv4 is one, also on a socket of IPv6.
    let ip: IpAddr = address.ip().to_canonical();
    let local = Local::new(ip, address.port());
    Arc::new(if secure { local.secure() } else { local })
}

/// accept(2): errors of the connection that was waiting are passed on by
/// Linux and mean nothing for the next one.
fn classify(error: Errno) -> AcceptError {
    match error {
        Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM => AcceptError::Shed(error.into()),
        Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::OPNOTSUPP | Errno::FAULT => {
            AcceptError::Fatal(error.into())
        }
        _ => AcceptError::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_errors_have_classes() {
        let class = classify;
        assert!(matches!(class(Errno::INTR), AcceptError::Retry));
        assert!(matches!(class(Errno::CONNABORTED), AcceptError::Retry));
        assert!(matches!(class(Errno::AGAIN), AcceptError::Retry));
        assert!(matches!(class(Errno::MFILE), AcceptError::Shed(_)));
        assert!(matches!(class(Errno::BADF), AcceptError::Fatal(_)));
    }
}
