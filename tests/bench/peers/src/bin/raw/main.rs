//! The least that a server can do: edge-triggered epoll, a search for the blank
//! line, an answer made beforehand. What it costs is the kernel's price, and
//! the limit for everybody else. `raw ADDRESS FILE MODE` does one thing only:
//!
//! | mode | for each request |
//! |---|---|
//! | `plaintext` `json` | a canned answer; for pipelined requests, all in one send |
//! | `close` | a canned answer, then the connection is closed |
//! | `echo` | the 4 KiB behind the head |
//! | `file` | 64 KiB by sendfile, opened each time |
//! | `cached` | the same, opened once |

mod canned;
mod echo;
mod file;

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd as _};
use std::path::Path;

use gateway_peers::Arguments;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::net::{RecvFlags, SocketFlags, recv};

/// What a connection does with bytes, and when its socket takes more.
trait Connection {
    /// Bytes have come. `false` closes.
    fn fed(&mut self, socket: &TcpStream, bytes: &[u8]) -> io::Result<bool>;

    /// What is owed can perhaps be sent now.
    fn writable(&mut self, _: &TcpStream) -> io::Result<()> {
        Ok(())
    }
}

/// By their descriptors.
type Connections = Vec<Option<(TcpStream, Box<dyn Connection>)>>;

/// Makes the connections of a mode.
type Factory = Box<dyn Fn() -> Box<dyn Connection>>;

fn factory(mode: &str, path: &Path) -> io::Result<Factory> {
    let path = path.to_owned();
    let text = || canned::answer("text/plain", "", b"Hello, World!");
    Ok(match mode {
        "plaintext" => canned::factory(text(), true),
        "json" => canned::factory(canned::answer("application/json", "", br#"{"message":"Hello, World!"}"#), true),
        "close" => canned::factory(canned::answer("text/plain", "Connection: close\r\n", b"Hello, World!"), false),
        "echo" => Box::new(|| Box::new(echo::Echo::default())),
        "file" => Box::new(move || Box::new(file::Sender::opening(path.clone()))),
        "cached" => {
            let file = std::sync::Arc::new(std::fs::File::open(path)?);
            Box::new(move || Box::new(file::Sender::cached(file.clone())))
        }
        mode => return Err(io::Error::other(format!("there is no mode {mode}"))),
    })
}

/// The listener's place among the events; connections have their descriptor's.
const LISTENER: u64 = u64::MAX;

fn main() -> io::Result<()> {
    let Arguments { address, file } = Arguments::of_program();
    let mode = std::env::args().nth(3).unwrap_or_else(|| "plaintext".to_owned());
    let factory = factory(&mode, &file)?;
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    // The standard library's backlog is 128.
    rustix::net::listen(&listener, 4096)?;
    let set = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&set, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut connections: Connections = Vec::new();
    let mut events = Vec::with_capacity(512);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        events.clear();
        epoll::wait(&set, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let id = event.data.u64();
            if id == LISTENER {
                accept(&listener, &set, &factory, &mut connections)?;
            } else if let Some((socket, connection)) = connections.get_mut(id as usize).and_then(Option::as_mut) {
                // An error of a connection is its end and nobody else's.
                if !turn(socket, &mut **connection, event.flags, &mut buffer).unwrap_or(false) {
                    connections[id as usize] = None;
                }
            }
        }
    }
}

fn accept(listener: &TcpListener, set: impl AsFd, factory: &Factory, connections: &mut Connections) -> io::Result<()> {
    while let Ok(socket) = rustix::net::accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
        let socket = TcpStream::from(socket);
        socket.set_nodelay(true)?;
        let id = socket.as_raw_fd().unsigned_abs() as usize;
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&set, &socket, EventData::new_u64(id as u64), flags)?;
        if connections.len() <= id {
            connections.resize_with(id + 1, || None);
        }
        connections[id] = Some((socket, factory()));
    }
    Ok(())
}

/// One event: what is owed, then what has come. `false` is the end.
fn turn(socket: &TcpStream, connection: &mut dyn Connection, flags: EventFlags, buffer: &mut [u8]) -> io::Result<bool> {
    if flags.contains(EventFlags::OUT) {
        connection.writable(socket)?;
    }
    while flags.intersects(EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP) {
        let room = buffer.len();
        let (count, _) = match recv(socket.as_fd(), &mut buffer[..], RecvFlags::empty()) {
            Ok(received) => received,
            Err(rustix::io::Errno::AGAIN) => break,
            Err(error) => return Err(error.into()),
        };
        if count == 0 || !connection.fed(socket, &buffer[..count])? {
            return Ok(false);
        }
        // A short read has taken all; an end makes an event of its own.
        if count < room && !flags.contains(EventFlags::RDHUP) {
            break;
        }
    }
    Ok(true)
}
