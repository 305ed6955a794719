//! TLS without a socket: every split, and a socket that takes little.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};

use gateway_server::net::{Identity, Session};
use gateway_tests::tls::Certificates;
use rustls::ClientConnection;
use rustls::version::{TLS12, TLS13};

use super::has_openssl;
use crate::peers::bytes;

/// What lies between the two ends.
#[derive(Debug, Default)]
struct Socket {
    incoming: VecDeque<u8>,
    /// The most that one read gives.
    piece: usize,
    ended: bool,
    outgoing: Vec<u8>,
    /// How much more it takes.
    room: usize,
    /// How often it was read or written to.
    calls: usize,
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.calls += 1;
        let count = self.incoming.len().min(self.piece).min(buf.len());
        if count == 0 && !self.ended {
            return Err(ErrorKind::WouldBlock.into());
        }
        buf.iter_mut().zip(self.incoming.drain(..count)).for_each(|(place, byte)| *place = byte);
        Ok(count)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        let count = bytes.len().min(self.room);
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.room -= count;
        self.outgoing.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A session, its client, and what lies between.
struct Pair {
    session: Session,
    socket: Socket,
    client: ClientConnection,
    /// What has come out at the server's end.
    received: Vec<u8>,
    /// The same at the client's.
    answered: Vec<u8>,
}

impl Pair {
    fn new(certificates: &Certificates, client: ClientConnection) -> Self {
        let identity = Identity::load(&certificates.files()).unwrap();
        let socket = Socket { piece: usize::MAX, room: usize::MAX, ..Socket::default() };
        let session = Session::new(&identity).unwrap();
        Self { session, socket, client, received: Vec::new(), answered: Vec::new() }
    }

    /// Carries what the client has to say to the server's end, and back.
    fn carry(&mut self) {
        let mut bytes = Vec::new();
        while self.client.wants_write() {
            self.client.write_tls(&mut bytes).unwrap();
        }
        self.socket.incoming.extend(bytes);
        let mut came = &std::mem::take(&mut self.socket.outgoing)[..];
        while !came.is_empty() {
            self.client.read_tls(&mut came).unwrap();
            self.client.process_new_packets().unwrap();
            match self.client.reader().read_to_end(&mut self.answered) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                other => drop(other.unwrap()),
            }
        }
    }

    /// Reads as an engine does, until it has to wait.
    fn read(&mut self) -> io::Result<()> {
        let mut room = [0; 100];
        loop {
            match self.session.receive(&mut self.socket, &mut room) {
                Ok((0, _)) => return Ok(()),
                Ok((count, _)) => self.received.extend_from_slice(&room[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn shake(&mut self) {
        while self.client.is_handshaking() {
            self.carry();
            self.read().unwrap();
        }
        self.carry();
        self.read().unwrap();
        self.carry();
    }
}

fn pairs(test: &str) -> Option<[Pair; 2]> {
    has_openssl(test).then(|| {
        let certificates = Certificates::new();
        [&TLS12, &TLS13].map(|version| Pair::new(&certificates, certificates.client(&[version])))
    })
}

/// In both directions a byte at a time: what is read, what the socket takes, from
/// the first of the handshake.
#[test]
fn any_split_is_put_together() {
    let Some(pairs) = pairs("any_split_is_put_together") else { return };
    let (up, down) = (bytes(40_000), bytes(100_000));
    for mut pair in pairs {
        (pair.socket.piece, pair.socket.room) = (1, 0);
        pair.client.writer().write_all(&up).unwrap();
        while pair.received.len() < up.len() {
            pair.carry();
            pair.socket.room += 1;
            pair.read().unwrap();
        }
        assert!(pair.received == up);
        let mut sent = 0;
        while sent < down.len() {
            pair.socket.room += 10;
            // As it is sent by the exchange: in slices, of which more follow each time.
            let (first, second) = down[sent..].split_at((down.len() - sent).min(7));
            match pair.session.send(&mut pair.socket, &[IoSlice::new(first), IoSlice::new(second)]) {
                Ok(count) => sent += count,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            pair.carry();
        }
        assert!(pair.answered == down);
    }
}

/// What counts as sent is out; what is not is offered again, and not encrypted twice.
#[test]
fn what_counts_as_sent_is_out() {
    let Some(pairs) = pairs("what_counts_as_sent_is_out") else { return };
    let body = bytes(1 << 20);
    for mut pair in pairs {
        pair.shake();
        pair.socket.room = 1000;
        let slices = [IoSlice::new(&body)];
        for _ in 0..3 {
            let outcome = pair.session.send(&mut pair.socket, &slices);
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::WouldBlock);
        }
        assert_eq!(pair.socket.outgoing.len(), 1000);
        pair.socket.room = usize::MAX;
        let count = pair.session.send(&mut pair.socket, &slices).unwrap();
        assert!(count <= 64 << 10, "{count} bytes were kept at once");
        pair.carry();
        assert!(pair.answered == body[..count]);
    }
}

/// A handshake that waits to write does not read on: what a client makes the server
/// say is bounded by what it takes.
#[test]
fn who_cannot_speak_does_not_listen() {
    let Some(pairs) = pairs("who_cannot_speak_does_not_listen") else { return };
    for mut pair in pairs {
        pair.socket.room = 0;
        pair.carry();
        pair.read().unwrap();
        pair.socket.incoming.extend([0; 1000]);
        let before = pair.socket.incoming.len();
        pair.read().unwrap();
        assert_eq!(pair.socket.incoming.len(), before);
        assert_eq!(pair.session.flush(&mut pair.socket).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}

/// What was decrypted and not fetched is told of, as is an end that was said; the
/// socket is not asked for either.
#[test]
fn what_is_held_is_told_of() {
    let Some(pairs) = pairs("what_is_held_is_told_of") else { return };
    for mut pair in pairs {
        pair.shake();
        pair.client.writer().write_all(&[7; 30]).unwrap();
        pair.client.send_close_notify();
        pair.carry();
        let mut room = [0; 20];
        assert!(!pair.session.holds_bytes());
        assert_eq!(pair.session.receive(&mut pair.socket, &mut room).unwrap(), (20, true));
        let calls = pair.socket.calls;
        assert!(pair.session.holds_bytes());
        assert_eq!(pair.session.receive(&mut pair.socket, &mut room).unwrap().0, 10);
        assert!(pair.session.holds_bytes(), "the end");
        assert_eq!(pair.session.receive(&mut pair.socket, &mut room).unwrap(), (0, false));
        assert!(!pair.session.holds_bytes());
        assert_eq!(pair.socket.calls, calls);
        assert_eq!(pair.session.fault(), None);
    }
}

/// A FIN ends what a client sends, wherever it stands.
#[test]
fn a_fin_is_an_end() {
    let Some(pairs) = pairs("a_fin_is_an_end") else { return };
    for mut pair in pairs {
        let mut room = [0; 20];
        pair.carry();
        let hello = pair.socket.incoming.len();
        pair.socket.incoming.truncate(hello / 2);
        pair.socket.ended = true;
        assert_eq!(pair.session.receive(&mut pair.socket, &mut room).unwrap(), (0, false));
        assert_eq!(pair.session.fault(), Some("the handshake was not finished"));
    }
}

/// Any byte of a record that is another one is noticed, and said.
#[test]
fn a_changed_byte_is_noticed() {
    let Some(pairs) = pairs("a_changed_byte_is_noticed") else { return };
    for mut pair in pairs {
        pair.shake();
        pair.client.writer().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        pair.carry();
        *pair.socket.incoming.back_mut().unwrap() ^= 1;
        assert_eq!(pair.read().unwrap_err().kind(), ErrorKind::InvalidData);
        assert!(pair.session.fault().is_some() && !pair.session.is_plain());
        assert!(!pair.socket.outgoing.is_empty(), "the client is told");
        assert_eq!(pair.received, b"");
    }
}
