//! TLS as a filter, sans-IO: what comes from a client is decrypted, what goes to
//! it encrypted. A socket is anything that is read and written without waiting.
//!
//! What is sent counts as sent when its last record has gone out, and not before:
//! until then it is the caller's, who offers it again. So nothing of an answer
//! ever waits here when the caller believes to be done, and its time limits mean
//! what they say. What may wait here besides are TLS's own words, of which there
//! are few: who [`flush`](Session::flush)es them before it waits is heard.

use std::io::{self, ErrorKind, IoSlice, Read, Write};

use rustls::ServerConnection;

use super::identity::Identity;

/// What a client begins with that speaks HTTP without TLS; a record of TLS begins
/// with a number below 32.
const fn begins_plainly(first: u8) -> bool {
    first.is_ascii_alphabetic()
}

/// One client's TLS.
#[derive(Debug)]
pub struct Session {
    connection: ServerConnection,
    /// Bytes that were encrypted, and whose last record has not gone out.
    taken: usize,
    /// Bytes that were decrypted, and that nobody has fetched.
    arrived: usize,
    /// Whether anything has come.
    has_begun: bool,
    /// How the client's side has ended, as far as that was told.
    end: End,
    /// The client speaks no TLS, and is spoken to alike.
    is_plain: bool,
    fault: Option<String>,
}

/// The end of what a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// It has said that nothing follows: nobody was told.
    Said,
    Told,
}

impl Session {
    /// A client that has just come.
    ///
    /// # Errors
    /// None that is known.
    pub fn new(identity: &Identity) -> io::Result<Self> {
        let connection = identity.talk().map_err(io::Error::other)?;
        let (taken, arrived, has_begun, end) = (0, 0, false, End::Open);
        Ok(Self { connection, taken, arrived, has_begun, end, is_plain: false, fault: None })
    }

    /// Fetches bytes; 0 at the end of what the client sends, whether it has said
    /// that or just left. Answers besides whether there may be more.
    ///
    /// # Errors
    /// `WouldBlock`; `InvalidData` where this cannot go on, of which
    /// [`fault`](Self::fault) and [`is_plain`](Self::is_plain) say why; or the
    /// socket's.
    pub fn receive(&mut self, socket: &mut (impl Read + Write), room: &mut [u8]) -> io::Result<(usize, bool)> {
        if self.is_plain {
            return socket.read(room).map(|count| (count, count == room.len()));
        }
        // What lies here is told of first: the socket may have more.
        let mut more = true;
        loop {
            match self.connection.reader().read(room) {
                Ok(count @ 1..) => {
                    self.arrived = self.arrived.saturating_sub(count);
                    return Ok((count, more || self.holds_bytes()));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(error),
                _ => {
                    self.end = End::Told;
                    return Ok((0, false));
                }
            }
            self.flush(socket)?;
            more = self.take_in(socket)?;
        }
    }

    /// Takes in what the socket has; answers whether it may have more.
    fn take_in(&mut self, socket: &mut (impl Read + Write)) -> io::Result<bool> {
        let mut incoming = Incoming { socket, first: 0, is_full: false };
        let count = self.connection.read_tls(&mut incoming)?;
        let (first, is_full) = (incoming.first, incoming.is_full);
        if count > 0 && !std::mem::replace(&mut self.has_begun, true) && begins_plainly(first) {
            self.is_plain = true;
            return Err(ErrorKind::InvalidData.into());
        }
        match self.connection.process_new_packets() {
            Ok(state) => {
                self.arrived = state.plaintext_bytes_to_read();
                if state.peer_has_closed() && self.end == End::Open {
                    self.end = End::Said;
                }
                Ok(is_full)
            }
            Err(error) => {
                self.fault = Some(error.to_string());
                // The client is told what it has done, if it listens.
                let _ = self.flush(socket);
                Err(ErrorKind::InvalidData.into())
            }
        }
    }

    /// Encrypts some bytes and sends them. Where that is not done yet, the same
    /// bytes come first the next time, and are not encrypted again.
    ///
    /// # Errors
    /// `WouldBlock` until all of them have gone out; or the socket's.
    pub fn send(&mut self, socket: &mut (impl Read + Write), slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.is_plain {
            return socket.write_vectored(slices);
        }
        if self.taken == 0 {
            // Not more at once than rustls keeps: 64 KiB.
            self.taken = self.connection.writer().write_vectored(slices)?;
        }
        self.flush(socket)?;
        Ok(std::mem::take(&mut self.taken))
    }

    /// Sends what waits here.
    ///
    /// # Errors
    /// `WouldBlock` while the socket takes no more; or the socket's.
    pub fn flush(&mut self, socket: &mut impl Write) -> io::Result<()> {
        while self.connection.wants_write() {
            if self.connection.write_tls(socket)? == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Says that nothing follows; may be said again.
    ///
    /// # Errors
    /// As for [`flush`](Self::flush).
    pub fn finish(&mut self, socket: &mut impl Write) -> io::Result<()> {
        if !self.connection.is_handshaking() && self.fault.is_none() {
            self.connection.send_close_notify();
        }
        self.flush(socket)
    }

    /// Whether there is something to fetch here, without the socket.
    #[must_use]
    pub fn holds_bytes(&self) -> bool {
        self.arrived > 0 || self.end == End::Said
    }

    /// Whether the client speaks no TLS: it can be answered that way.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// What went wrong, if the connection ends now. A client that has said nothing
    /// at all only wanted to know whether somebody is here.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        let is_unfinished = self.has_begun && !self.is_plain && self.connection.is_handshaking();
        self.fault.as_deref().or_else(|| is_unfinished.then_some("the handshake was not finished"))
    }
}

/// Looks at what is read.
struct Incoming<'a, S> {
    socket: &'a mut S,
    first: u8,
    /// Whether there was no room for more.
    is_full: bool,
}

impl<S: Read> Read for Incoming<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read(buf)?;
        self.first = buf.first().copied().unwrap_or_default();
        self.is_full = count == buf.len();
        Ok(count)
    }
}
