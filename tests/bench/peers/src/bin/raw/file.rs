//! 64 KiB by sendfile.

use std::fs::File;
use std::io;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::sendfile;
use rustix::net::{SendFlags, send};

use crate::Connection;
use crate::canned::blank_lines;

enum Source {
    Path(PathBuf),
    Open(Arc<File>),
}

/// A file on its way.
struct Running {
    file: Arc<File>,
    at: u64,
    end: u64,
}

/// Sends a file for each request, one after the other.
pub(crate) struct Sender {
    source: Source,
    running: Option<Running>,
    matched: usize,
}

impl Sender {
    pub(crate) fn opening(path: PathBuf) -> Self {
        Self { source: Source::Path(path), running: None, matched: 0 }
    }

    pub(crate) fn cached(file: Arc<File>) -> Self {
        Self { source: Source::Open(file), running: None, matched: 0 }
    }

    fn start(&mut self, socket: &TcpStream) -> io::Result<()> {
        let (file, end) = match &self.source {
            Source::Path(path) => {
                let file = File::open(path)?;
                let end = file.metadata()?.len();
                (Arc::new(file), end)
            }
            Source::Open(file) => (file.clone(), 64 * 1024),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {end}\r\n\
             Server: raw\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
        );
        // More follows, so that the head goes with the first bytes of the file.
        send(socket, head.as_bytes(), SendFlags::MORE)?;
        self.running = Some(Running { file, at: 0, end });
        self.writable(socket)
    }
}

impl Connection for Sender {
    fn fed(&mut self, socket: &TcpStream, bytes: &[u8]) -> io::Result<bool> {
        if blank_lines(bytes, &mut self.matched) > 0 {
            self.start(socket)?;
        }
        Ok(true)
    }

    fn writable(&mut self, socket: &TcpStream) -> io::Result<()> {
        let Some(running) = &mut self.running else { return Ok(()) };
        while running.at < running.end {
            let left = (running.end - running.at) as usize;
            match sendfile(socket, &running.file, Some(&mut running.at), left) {
                Ok(0) => return Err(io::Error::other("the file has shrunk")),
                Ok(_) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        self.running = None;
        Ok(())
    }
}
