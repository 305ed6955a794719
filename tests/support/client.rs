//! A client that sends exactly what it is told, and reads responses strictly.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::time::Duration;

/// A connection that reads responses; or bytes that came from one.
#[derive(Debug)]
pub struct Client<S = TcpStream> {
    stream: BufReader<S>,
}

/// A response as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the body came to the end that the head announced.
    pub complete: bool,
}

impl Response {
    /// The value of the first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Status, headers without Date, and body, for a comparison.
    #[must_use]
    pub fn normal(&self) -> String {
        let headers = self.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("date"));
        let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {value}")).collect();
        format!("{} {:?} {}", self.status, headers, self.text())
    }
}

impl Client<TcpStream> {
    /// Takes a connection. A server that says nothing for a minute is an error,
    /// so that no test hangs.
    ///
    /// # Panics
    /// When the system refuses.
    #[must_use]
    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout can be set");
        stream.set_nodelay(true).expect("a socket takes TCP_NODELAY");
        Self { stream: BufReader::new(stream) }
    }

    /// Closes the sending side.
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn finish(&mut self) {
        self.stream.get_mut().shutdown(std::net::Shutdown::Write).expect("the connection is there");
    }

    /// The port of this end.
    ///
    /// # Panics
    /// When the connection is gone.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.stream.get_ref().local_addr().expect("a connection has ends").port()
    }

    /// Whether bytes have come that are not read yet; does not wait.
    ///
    /// # Panics
    /// When the system refuses.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.peek().is_ok_and(|count| count > 0)
    }

    /// Whether the server has closed the connection, or reset it; does not wait.
    ///
    /// # Panics
    /// When the system refuses.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match self.peek() {
            Ok(count) => count == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    fn peek(&self) -> io::Result<usize> {
        let stream = self.stream.get_ref();
        stream.set_nonblocking(true).expect("a socket can be asked without waiting");
        let came = stream.peek(&mut [0]);
        stream.set_nonblocking(false).expect("a socket can be waited for");
        came
    }
}

impl<S: io::Write> Client<S> {
    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The system's.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends bytes in pieces of these lengths, the rest at the end.
    ///
    /// # Errors
    /// The system's.
    pub fn send_split(&mut self, bytes: &[u8], lengths: &[usize]) -> io::Result<()> {
        let mut rest = bytes;
        for &length in lengths {
            let (piece, left) = rest.split_at(length.min(rest.len()));
            self.send(piece)?;
            rest = left;
        }
        self.send(rest)
    }
}

impl<'b> Client<&'b [u8]> {
    /// Reads responses out of bytes.
    #[must_use]
    pub fn replay(bytes: &'b [u8]) -> Self {
        Self { stream: BufReader::new(bytes) }
    }
}

impl<S: io::Read> Client<S> {
    /// Reads what comes by any other way.
    #[must_use]
    pub fn over(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// That way itself.
    pub fn way(&mut self) -> &mut S {
        self.stream.get_mut()
    }

    /// Reads a response to a request of this method; interim ones are skipped.
    ///
    /// # Errors
    /// `UnexpectedEof` where there is none, `InvalidData` for what is none.
    pub fn response(&mut self, method: &str) -> io::Result<Response> {
        loop {
            let (status, headers) = self.head()?;
            if status >= 200 {
                let (body, complete) = self.body(method, status, &headers)?;
                return Ok(Response { status, headers, body, complete });
            }
        }
    }

    /// Whether the server has closed the connection, with nothing unread.
    ///
    /// # Errors
    /// A reset, or a server that says nothing.
    pub fn at_end(&mut self) -> io::Result<bool> {
        Ok(self.stream.fill_buf()?.is_empty())
    }

    /// Reads all that comes until the connection closes.
    ///
    /// # Errors
    /// A reset, or a server that says nothing.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest)?;
        Ok(rest)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(invalid("a line does not end with CR LF")),
        }
    }

    /// Status and headers of the next response, interim ones included.
    ///
    /// # Errors
    /// As for [`response`](Self::response).
    pub fn head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let line = self.line()?;
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| invalid(&format!("{line:?} is no status line")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok((status, headers));
            }
            let (name, value) = line.split_once(": ").ok_or_else(|| invalid(&format!("{line:?} is no field")))?;
            headers.push((name.to_owned(), value.to_owned()));
        }
    }

    fn body(&mut self, method: &str, status: u16, headers: &[(String, String)]) -> io::Result<(Vec<u8>, bool)> {
        let value = |name: &str| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let (length, coding) = (value("content-length"), value("transfer-encoding"));
        if length.is_some() && coding.is_some() {
            return Err(invalid("both Content-Length and Transfer-Encoding"));
        }
        if method == "HEAD" || matches!(status, 204 | 304) {
            return Ok((Vec::new(), true));
        }
        match (length, coding) {
            (Some((_, length)), _) => {
                let length: u64 = length.parse().map_err(|_| invalid("Content-Length is no number"))?;
                let mut body = Vec::new();
                (&mut self.stream).take(length).read_to_end(&mut body)?;
                let complete = body.len() as u64 == length;
                Ok((body, complete))
            }
            (None, Some(_)) => self.chunks(),
            (None, None) => Ok((self.rest()?, true)),
        }
    }

    fn chunks(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let mut body = Vec::new();
        loop {
            let size = match self.line() {
                Ok(line) => u64::from_str_radix(&line, 16).map_err(|_| invalid("a chunk has no size"))?,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok((body, false)),
                Err(error) => return Err(error),
            };
            let before = body.len();
            (&mut self.stream).take(size).read_to_end(&mut body)?;
            if (body.len() - before) as u64 != size {
                return Ok((body, false));
            }
            if !self.line()?.is_empty() {
                return Err(invalid("a chunk is longer than it said"));
            }
            if size == 0 {
                return Ok((body, true));
            }
        }
    }
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.to_owned())
}

/// A small generator, so that random splits can be repeated from their seed.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// A generator with a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// A number below `bound`.
    pub const fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
