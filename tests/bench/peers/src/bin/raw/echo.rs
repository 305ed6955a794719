//! The 4 KiB behind a head, back again. It knows the length and looks for
//! nothing else.

use std::io::{self, IoSlice, Write as _};
use std::net::TcpStream;

use crate::Connection;

const LENGTH: usize = 4096;
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 4096\r\n\
    Server: raw\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";

/// What has come of a request; mostly nothing, as it comes in one piece.
#[derive(Default)]
pub(crate) struct Echo {
    kept: Vec<u8>,
}

impl Connection for Echo {
    fn fed(&mut self, socket: &TcpStream, bytes: &[u8]) -> io::Result<bool> {
        if self.kept.is_empty() && complete(bytes) {
            return answer(socket, bytes);
        }
        self.kept.extend_from_slice(bytes);
        if complete(&self.kept) {
            answer(socket, &self.kept)?;
            self.kept.clear();
        }
        Ok(true)
    }
}

fn complete(bytes: &[u8]) -> bool {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    head.is_some_and(|head| bytes.len() - head - 4 >= LENGTH)
}

fn answer(mut socket: &TcpStream, request: &[u8]) -> io::Result<bool> {
    let body = &request[request.len() - LENGTH..];
    let sent = socket.write_vectored(&[IoSlice::new(HEAD), IoSlice::new(body)])?;
    // 4 KiB fit into any socket whose client reads.
    if sent == HEAD.len() + LENGTH { Ok(true) } else { Err(io::Error::other("the socket is full")) }
}
