//! One client on one connection: asks the `probe` app, and checks each byte of what
//! it answers.

use std::io;
use std::time::{Duration, Instant};

use super::{Fault, Shared};
use crate::client::{Client, Random, Response};

/// The most bytes of a body.
const MOST: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Asker {
    client: Client,
    random: Random,
    number: u64,
    requests: u64,
    /// The process that has answered first, and its parent: one of them is the
    /// worker.
    pub(super) workers: Option<[u32; 2]>,
    /// How many kills were over when it connected.
    pub(super) kills_before: usize,
    /// Whether its first request is its last.
    pub(super) says_close: bool,
}

/// What came back, and was as it should be.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) closes: bool,
    pub(super) took: Duration,
}

impl Asker {
    pub(super) fn connect(shared: &Shared, number: u64) -> io::Result<Self> {
        let kills_before = shared.kills().over;
        let client = Client::new(shared.open()?);
        // The port is different for each connection, and told by a test that fails.
        let random = Random::new(number << 16 | u64::from(client.port()));
        Ok(Self { client, random, number, requests: 0, workers: None, kills_before, says_close: false })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Asks who answers.
    pub(super) fn who(&mut self) -> io::Result<()> {
        self.exchange("GET", "/process", "").map(drop)
    }

    /// Asks one of several things; or says what has become of it.
    pub(super) fn ask(&mut self) -> Result<Answer, (Fault, String)> {
        let start = Instant::now();
        self.requests += 1;
        let id = format!("{}-{}-{}", self.number, self.client.port(), self.requests);
        let (what, answered) = match self.random.below(8) {
            _ if self.workers.is_none() && !self.says_close => ("GET /process", self.exchange("GET", "/process", "")),
            0..=2 => ("GET /inspect", self.inspect(&id)),
            3 => ("GET /sleep", self.sleep()),
            4 => ("POST /chunked-echo", self.echo("/chunked-echo", &id)),
            _ => ("POST /echo", self.echo("/echo", &id)),
        };
        match answered {
            Ok(response) => {
                let closes = response.header("connection").is_some_and(|value| value == "close");
                Ok(Answer { closes, took: start.elapsed() })
            }
            Err(error) => Err((Fault::of(error), format!("{what} {id}"))),
        }
    }

    fn inspect(&mut self, id: &str) -> io::Result<Response> {
        let response = self.exchange("GET", &format!("/inspect?id={id}"), "")?;
        holds(response.text().contains(&format!("\"query\":\"id={id}\"")), response)
    }

    fn sleep(&mut self) -> io::Result<Response> {
        let time = 1 + self.random.below(9);
        let response = self.exchange("GET", &format!("/sleep?ms={time}"), "")?;
        holds(response.text() == format!("slept {time} ms\n"), response)
    }

    /// Sends a body that nobody else sends, in up to three pieces, and wants it back.
    fn echo(&mut self, path: &str, id: &str) -> io::Result<Response> {
        let length = self.random.below(MOST + 1 - id.len());
        let noise = (0..length).map(|_| char::from(b' ' + self.random.below(95) as u8));
        let body: String = id.chars().chain(noise).collect();
        let response = self.exchange("POST", path, &body)?;
        holds(response.body == body.as_bytes(), response)
    }

    fn exchange(&mut self, method: &str, target: &str, body: &str) -> io::Result<Response> {
        let close = if self.says_close { "Connection: close\r\n" } else { "" };
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let request = format!("{method} {target} HTTP/1.1\r\nHost: proof\r\n{close}{length}\r\n{body}");
        let split = self.random.below(2) * self.random.below(request.len());
        self.client.send_split(request.as_bytes(), &[split, split / 2])?;
        let response = self.client.response(method)?;
        if !response.complete {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the body is cut"));
        }
        if target == "/process" {
            self.workers = Some(numbers(&response.text()).ok_or_else(|| wrong(&response))?);
        }
        Ok(response)
    }
}

fn numbers(text: &str) -> Option<[u32; 2]> {
    let (own, parent) = text.trim_end().split_once(' ')?;
    Some([own.parse().ok()?, parent.parse().ok()?])
}

fn holds(is_so: bool, response: Response) -> io::Result<Response> {
    if is_so && response.status == 200 { Ok(response) } else { Err(wrong(&response)) }
}

fn wrong(response: &Response) -> io::Error {
    let start: String = response.text().chars().take(60).collect();
    let text = format!("{} with {} bytes, {start:?}", response.status, response.body.len());
    io::Error::new(io::ErrorKind::InvalidData, text)
}
