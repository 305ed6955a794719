//! ntex as TechEmpower has it: no router and no response objects, its codec
//! reads requests, and answers are written into the connection's own buffer. It
//! formats no date per request; neither does any other peer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use gateway_peers::{Arguments, Message, TEXT};
use ntex::http::{DateService, HttpServiceConfig, h1};
use ntex::io::{Io, IoConfig, RecvError};
use ntex::util::BytePages;
use ntex::{SharedCfg, fn_service};

const PLAIN: &[u8] = b"HTTP/1.1 200 OK\r\nServer: N\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n";
const JSON: &[u8] = b"HTTP/1.1 200 OK\r\nServer: N\r\nContent-Type: application/json\r\nContent-Length: 27\r\n";
const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\nServer: N\r\nContent-Length: 0\r\n\r\n";
/// Its TechEmpower form gathers as much before it reads or writes again.
const BUFFER: usize = 65_535;

struct Connection {
    io: Io,
    codec: h1::Codec,
}

impl Future for Connection {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match ready!(self.io.poll_recv(&self.codec, context)) {
                Ok((request, _)) => self.io.with_write_buf(|out| answer(request.path(), out))?,
                Err(RecvError::WriteBackpressure) => ready!(self.io.poll_flush(context, false))?,
                Err(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}

fn answer(path: &str, out: &mut BytePages) {
    match path {
        "/plaintext" => put(out, PLAIN, TEXT.as_bytes()),
        "/json" => put(out, JSON, &Message::HELLO.to_vec()),
        _ => out.extend_from_slice(NOT_FOUND),
    }
}

fn put(out: &mut BytePages, head: &[u8], body: &[u8]) {
    out.extend_from_slice(head);
    // The line and the blank one behind it.
    DateService.set_date_header2(out);
    out.extend_from_slice(body);
}

#[ntex::main]
async fn main() -> io::Result<()> {
    ntex::server::build()
        .backlog(1024)
        .workers(1)
        .bind("peer", Arguments::of_program().address, async |_| {
            fn_service(async |io: Io| {
                let codec = h1::Codec::new(0, io.shared().get::<HttpServiceConfig>());
                Connection { io, codec }.await
            })
        })?
        .config(
            "peer",
            SharedCfg::new("PEER")
                .add(IoConfig::new().set_read_buf(BUFFER, 1024, 128).set_write_buf(BUFFER, 1024, 128)),
        )
        .run()
        .await
}
