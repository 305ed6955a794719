//! Passes connections that wait between two requests on to another process
//! (unix(7), SCM_RIGHTS): a reload closes none of them.
//!
//! All processes of a master share both ends, so that what one has passed on
//! waits there for whoever takes it, also when that one ends first: nobody has
//! to say that he has taken it.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use super::{Endpoint, Listener, Local, Origin, Peer, Scheme, Stream};

/// The end that connections are passed into.
#[derive(Debug)]
pub struct Relay(OwnedFd);

/// How a connection is written down: another number where that changes.
pub const RELAY_FORM: i32 = 2;

/// The end that they are taken from.
#[derive(Debug)]
pub(super) struct Relayed {
    /// What their ends here are called; most are called alike.
    last: Mutex<Arc<Local>>,
}

/// What a peer is, in a word.
const PEERS: [(Peer, &str); 3] =
    [(Peer::Stranger, "stranger"), (Peer::Trusted, "trusted"), (Peer::Announcing, "announcing")];

/// More than the text of a connection can have.
const MOST: usize = 1024;

impl Relay {
    /// Both ends; connections are taken from the second as from any listener.
    ///
    /// # Errors
    /// The system's, when it is out of descriptors.
    pub fn new() -> io::Result<(Self, Listener)> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (into, from) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok(Self::of(into, from))
    }

    /// Both ends, of which another program has made use.
    #[must_use]
    pub fn of(into: OwnedFd, from: OwnedFd) -> (Self, Listener) {
        (Self(into), Listener::relayed(from))
    }

    /// Passes a connection on that waits, of which nobody has read anything. The
    /// socket here can be closed then; but nobody may watch it any more before.
    ///
    /// # Errors
    /// The system's, mostly that there are many on the way already: it takes more
    /// in a moment.
    pub fn pass(&self, stream: BorrowedFd<'_>, endpoint: &Endpoint, requests: u64) -> io::Result<()> {
        let text = write(endpoint, requests);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut with = SendAncillaryBuffer::new(&mut space);
        let streams = [stream];
        with.push(SendAncillaryMessage::ScmRights(&streams));
        sendmsg(&self.0, &[IoSlice::new(text.as_bytes())], &mut with, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

impl AsFd for Relay {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Relayed {
    pub(super) fn new() -> Self {
        Self { last: Mutex::default() }
    }

    /// Takes a connection.
    ///
    /// # Errors
    /// The system's; or nothing of sense was passed.
    pub(super) fn take(&self, socket: &impl AsFd) -> Result<(Stream, Origin), Errno> {
        // Where there is no descriptor left the system would take the message
        // and drop the connection.
        drop(fcntl_dupfd_cloexec(socket, 0)?);
        let (mut text, mut space) = ([0; MOST], [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))]);
        let mut with = RecvAncillaryBuffer::new(&mut space);
        let count = recvmsg(socket, &mut [IoSliceMut::new(&mut text)], &mut with, RecvFlags::CMSG_CLOEXEC)?.bytes;
        let mut sockets = with.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
            _ => None,
        });
        let socket = sockets.next().and_then(|mut sockets| sockets.next()).ok_or(Errno::INTR)?;
        let origin = std::str::from_utf8(&text[..count]).ok().and_then(|text| self.read(text)).ok_or(Errno::INTR)?;
        Ok((Stream::from(socket), origin))
    }

    fn read(&self, text: &str) -> Option<Origin> {
        let mut lines = text.split('\n');
        let mut next = || lines.next();
        let (requests, scheme) = (next()?.parse().ok()?, Scheme::named(next()?)?);
        let (name, port) = (next()?, next()?);
        let (remote, remote_port) = (next()?.parse::<IpAddr>(), next()?.parse());
        let remote = remote.ok().zip(remote_port.ok()).map(SocketAddr::from);
        let (peer, is_told_secure) = (next()?, next()?.parse().ok()?);
        let peer = PEERS.iter().find(|(_, word)| *word == peer)?.0;
        let endpoint = Endpoint::new(self.local(scheme, name, port), remote);
        Some(Origin { endpoint: endpoint.with_peer(peer).with_told_secure(is_told_secure), requests, is_relayed: true })
    }

    /// The name of an end here, shared by the connections that have it.
    fn local(&self, scheme: Scheme, name: &str, port: &str) -> Arc<Local> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !last.is(scheme, name, port) {
            *last = Arc::new(Local::new(name, port).speaking(scheme));
        }
        Arc::clone(&last)
    }
}

/// One line for each: the number of requests, what is spoken, the end here, the client's end, what
/// its peer is and says.
fn write(endpoint: &Endpoint, requests: u64) -> String {
    let (address, port) = endpoint.remote();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (name, own) = (endpoint.server_name(), endpoint.server_port());
    let peer = PEERS.iter().find(|(peer, _)| *peer == endpoint.peer()).map_or("", |(_, word)| word);
    let is_told_secure = endpoint.is_told_secure();
    let scheme = endpoint.scheme().name();
    format!("{requests}\n{scheme}\n{name}\n{own}\n{}\n{}\n{peer}\n{is_told_secure}", text(address), text(port))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::net::AcceptError;

    fn endpoint(remote: Option<&str>) -> Endpoint {
        Endpoint::new(Arc::new(Local::new("::1", 8000)), remote.map(|remote| remote.parse().unwrap()))
    }

    #[test]
    fn a_connection_comes_out_as_it_went_in() {
        let (relay, listener) = Relay::new().unwrap();
        assert!(matches!(listener.accept(), Err(AcceptError::Retry)));
        for remote in [Some("127.0.0.1:80"), Some("[2001:db8::1]:65535"), None] {
            let (ours, mut clients) = UnixStream::pair().unwrap();
            relay.pass(ours.as_fd(), &endpoint(remote), 7).unwrap();
            drop(ours);
            clients.write_all(b"GET").unwrap();
            let (stream, origin) = listener.accept().unwrap();
            assert_eq!(origin, Origin { endpoint: endpoint(remote), requests: 7, is_relayed: true });
            let mut bytes = [0; 3];
            (&stream).read_exact(&mut bytes).unwrap();
            assert_eq!(&bytes, b"GET");
            drop(stream);
            assert_eq!(clients.read(&mut [0]).unwrap(), 0);
        }
        assert!(matches!(listener.accept(), Err(AcceptError::Retry)));
    }

    /// Whose word is taken, and whether its PROXY header is to come still.
    #[test]
    fn what_is_known_of_its_peer_goes_along() {
        let (relay, listener) = Relay::new().unwrap();
        for (peer, _) in PEERS {
            for is_told_secure in [false, true] {
                let (ours, _clients) = UnixStream::pair().unwrap();
                let endpoint = endpoint(Some("127.0.0.1:80")).with_peer(peer).with_told_secure(is_told_secure);
                relay.pass(ours.as_fd(), &endpoint, 0).unwrap();
                assert_eq!(listener.accept().unwrap().1, Origin { endpoint, requests: 0, is_relayed: true });
            }
        }
    }

    /// A web server that stays is passed on too.
    #[test]
    fn what_is_spoken_goes_along() {
        let (relay, listener) = Relay::new().unwrap();
        for scheme in [Scheme::Http, Scheme::FastCgi, Scheme::Http, Scheme::Uwsgi] {
            let (ours, _clients) = UnixStream::pair().unwrap();
            let endpoint = Endpoint::new(Arc::new(Local::new("::1", 8000).speaking(scheme)), None);
            relay.pass(ours.as_fd(), &endpoint, 0).unwrap();
            assert_eq!(listener.accept().unwrap().1.endpoint.scheme(), scheme);
        }
    }

    /// What does not fit is not passed, and stays where it is.
    #[test]
    fn it_is_full_at_some_time() {
        let (relay, listener) = Relay::new().unwrap();
        let (ours, mut clients) = UnixStream::pair().unwrap();
        let mut passed = 0;
        let error = loop {
            match relay.pass(ours.as_fd(), &endpoint(None), 1) {
                Ok(()) => passed += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        let taken = std::iter::from_fn(|| listener.accept().ok()).count();
        assert!(passed > 0 && taken == passed, "{taken} of {passed}");
        relay.pass(ours.as_fd(), &endpoint(None), 1).unwrap();
        drop(ours);
        let (stream, _) = listener.accept().unwrap();
        (&stream).write_all(b"x").unwrap();
        assert_eq!(clients.read(&mut [0]).unwrap(), 1);
    }

    /// Nonsense is dropped, and nobody waits for it.
    #[test]
    fn what_is_no_connection_is_dropped() {
        let (relay, listener) = Relay::new().unwrap();
        rustix::net::send(&relay.0, b"1\n", SendFlags::empty()).unwrap();
        assert!(matches!(listener.accept(), Err(AcceptError::Retry)));
        let (ours, _clients) = UnixStream::pair().unwrap();
        relay.pass(ours.as_fd(), &endpoint(None), 1).unwrap();
        assert!(listener.accept().is_ok());
    }
}
