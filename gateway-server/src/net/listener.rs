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
    /// Which web servers of other machines may speak to an application here.
    fronts: Arc<Trusted>,
}

/// What its connections' ends here are called.
#[derive(Debug)]
enum Ends {
    Tcp {
        address: SocketAddr,
        scheme: Scheme,
        /// What the last one was called; most are called alike.
        last: Mutex<(SocketAddr, Arc<Local>)>,
    },
    Unix {
        path: PathBuf,
        scheme: Scheme,
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
        let listener = match address {
            Address::Tcp(tcp) => Self::bind_tcp(tcp.resolve()?, how),
            Address::Unix(path) => Self::bind_unix(path, how),
            Address::Descriptor(number) => Self::adopt(inherited(*number)?),
            Address::Systemd => Err(refused("it stands for several addresses")),
            Address::Front(_, address) => Self::bind(address, how),
        };
        Ok(listener?.speaking(scheme(address, how)))
    }

    /// Takes from another program what that has bound at this address; the file of a
    /// Unix socket is that one's until [`leave_file`](Self::leave_file) says otherwise.
    ///
    /// # Errors
    /// It does not listen, or the system's.
    pub fn take_over(socket: OwnedFd, address: &Address, how: &Listening) -> io::Result<Self> {
        let listener = Self::adopt(socket)?;
        let listener = match address.place() {
            Address::Unix(path) => Self { file: Some(SocketFile::of_another(&path)?), is_lent: false, ..listener },
            Address::Tcp(_) => Self { is_lent: false, ..listener },
            Address::Descriptor(_) | Address::Systemd | Address::Front(..) => listener,
        };
        Ok(listener.speaking(scheme(address, how)))
    }

    /// Whether the file of a Unix socket is left at the end, for another program.
    pub const fn leave_file(&mut self, leave: bool) {
        if let Some(file) = &mut self.file {
            file.stays(leave);
        }
    }

    /// The same, where this is spoken.
    fn speaking(mut self, spoken: Scheme) -> Self {
        match &mut self.ends {
            Ends::Tcp { address, scheme, last } => {
                *scheme = spoken;
                *last = Mutex::new((*address, named(*address, spoken)));
            }
            Ends::Unix { scheme, local, .. } => {
                // TLS is spoken over TCP only.
                *scheme = if spoken.is_front() { spoken } else { Scheme::Http };
                // There is no port to name (ENV-13).
                *local = Arc::new(Local::new("localhost", "").speaking(*scheme));
            }
            Ends::Relayed(_) => {}
        }
        self
    }

    fn bind_tcp(address: SocketAddr, how: &Listening) -> io::Result<Self> {
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
        Self::tcp(socket)
    }

    /// Serves a socket that listens already: it may have clients, and its queue
    /// is as long as its owner has made it.
    fn adopt(socket: OwnedFd) -> io::Result<Self> {
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
            Self::tcp(socket)?
        } else {
            return Err(refused("it is neither TCP nor a Unix socket"));
        };
        Ok(Self { is_shared: true, is_lent: true, ..listener })
    }

    /// A TCP socket that listens.
    fn tcp(socket: OwnedFd) -> io::Result<Self> {
        let (address, scheme) = (SocketAddr::try_from(getsockname(&socket)?)?, Scheme::Http);
        let ends = Ends::Tcp { address, scheme, last: Mutex::new((address, named(address, scheme))) };
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
            fronts: Arc::default(),
        }
    }

    fn bind_unix(path: &Path, how: &Listening) -> io::Result<Self> {
        let (socket, file) = SocketFile::bind(path, how)?;
        Ok(Self { file: Some(file), ..Self::unix(socket, path.to_owned()) })
    }

    /// A Unix socket that listens.
    fn unix(socket: OwnedFd, path: PathBuf) -> Self {
        let ends = Ends::Unix { path, scheme: Scheme::Http, local: Arc::default() };
        Self::of(socket, ends)
    }

    /// Gives the connections that others have passed on.
    pub(super) fn relayed(socket: OwnedFd) -> Self {
        Self { is_shared: true, is_lent: true, ..Self::of(socket, Ends::Relayed(Relayed::new())) }
    }

    /// Where it is bound; nowhere, if it only gives what others have accepted.
    #[must_use]
    pub fn address(&self) -> Option<Bound> {
        let bound = match &self.ends {
            Ends::Tcp { address, scheme: Scheme::Https, .. } => Bound::Tls(*address),
            Ends::Tcp { address, .. } => Bound::Tcp(*address),
            Ends::Unix { path, .. } => Bound::Unix(path.clone()),
            Ends::Relayed(_) => return None,
        };
        let scheme = self.scheme();
        Some(if scheme.is_front() { Bound::Front(scheme, Box::new(bound)) } else { bound })
    }

    /// What is spoken here.
    const fn scheme(&self) -> Scheme {
        match &self.ends {
            Ends::Tcp { scheme, .. } | Ends::Unix { scheme, .. } => *scheme,
            Ends::Relayed(_) => Scheme::Http,
        }
    }

    /// Whether its clients speak TLS.
    const fn is_secure(&self) -> bool {
        matches!(self.ends, Ends::Tcp { scheme: Scheme::Https, .. })
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

    /// Listens to these web servers of other machines too, where one speaks to an
    /// application.
    pub fn allow(&mut self, fronts: &Arc<Trusted>) {
        self.fronts = Arc::clone(fronts);
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
        if self.scheme().is_front() && !self.lets_in(&endpoint, remote) {
            return Err(AcceptError::Retry);
        }
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

    /// Whether a web server is listened to: what it says of a client is believed.
    fn lets_in(&self, endpoint: &Endpoint, peer: Option<SocketAddr>) -> bool {
        let Some(ip) = peer.map(|peer| peer.ip().to_canonical()) else { return true };
        let is_own = || endpoint.server_name().parse() == Ok(ip);
        let is_let_in = ip.is_loopback() || is_own() || self.fronts.has(ip);
        if !is_let_in {
            tracing::warn!("{ip}: closed: web servers of other machines are listened to by --front-allow only");
        }
        is_let_in
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
            Self::Tcp { address, scheme, last } => {
                // A wildcard address says nothing about which one the client chose.
                let own = if address.ip().is_unspecified() { local_address(socket)? } else { *address };
                Ok(Endpoint::new(remembered(last, own, *scheme), remote))
            }
            Self::Unix { local, .. } => Ok(Endpoint::new(Arc::clone(local), None)),
            // It says so itself.
            Self::Relayed(_) => Err(AcceptError::Retry),
        }
    }
}

/// What is spoken at an address.
fn scheme(address: &Address, how: &Listening) -> Scheme {
    let unsaid = if how.tls { Scheme::Https } else { Scheme::Http };
    match address {
        Address::Front(scheme, _) => *scheme,
        Address::Tcp(tcp) => tcp.scheme().unwrap_or(unsaid),
        _ => unsaid,
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
fn remembered(last: &Mutex<(SocketAddr, Arc<Local>)>, address: SocketAddr, scheme: Scheme) -> Arc<Local> {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    if last.0 != address {
        *last = (address, named(address, scheme));
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

fn named(address: SocketAddr, scheme: Scheme) -> Arc<Local> {
    // An end of IPv4 is one, also on a socket of IPv6.
    let ip: IpAddr = address.ip().to_canonical();
    Arc::new(Local::new(ip, address.port()).speaking(scheme))
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
    fn front_03_web_servers_of_other_machines_are_let_in_if_it_is_said() {
        let address: Address = "uwsgi://127.0.0.1:0".parse().unwrap();
        let mut listener = Listener::bind(&address, &Listening::default()).unwrap();
        let lets_in = |listener: &Listener, own: &str, peer: Option<&str>| {
            let endpoint = Endpoint::new(Arc::new(Local::new(own, 3031)), None);
            listener.lets_in(&endpoint, peer.map(|peer| SocketAddr::new(peer.parse().unwrap(), 1)))
        };
        for (own, peer, expected) in [
            ("127.0.0.1", Some("127.0.0.1"), true),
            ("::1", Some("::1"), true),
            ("127.0.0.1", Some("::ffff:127.0.0.9"), true),
            ("192.0.2.7", Some("192.0.2.7"), true),
            ("localhost", None, true),
            ("192.0.2.7", Some("192.0.2.8"), false),
            ("192.0.2.7", Some("2001:db8::1"), false),
        ] {
            assert_eq!(lets_in(&listener, own, peer), expected, "{peer:?} at {own}");
        }
        let allowed = ["192.0.2.0/24".parse::<crate::net::Proxy>().unwrap()].into_iter().collect();
        listener.allow(&Arc::new(allowed));
        assert!(lets_in(&listener, "192.0.2.7", Some("192.0.2.8")));
        assert!(!lets_in(&listener, "192.0.2.7", Some("198.51.100.1")));
    }

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
