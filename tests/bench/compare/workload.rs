//! What is asked, and what the right answer is.

use std::io;
use std::net::SocketAddr;

use gateway_tests::client::{Client, Response};

/// What a peer is started for. Some peers need other flags for some of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    Plaintext,
    Pipelined,
    Json,
    Echo,
    File,
    Cached,
    Close,
    Sleep,
}

/// One line of questions.
#[derive(Debug)]
pub(crate) struct Workload {
    /// For `WORK=`.
    pub(crate) name: &'static str,
    /// For tables.
    pub(crate) about: &'static str,
    pub(crate) job: Job,
    pub(crate) connections: usize,
    /// A file of tests/bench/peers/wrk.
    pub(crate) script: Option<&'static str>,
}

const fn work(name: &'static str, about: &'static str, job: Job, connections: usize) -> Workload {
    Workload { name, about, job, connections, script: None }
}

/// All of them, in the order of the tables.
pub(crate) const WORKLOADS: &[Workload] = &[
    work("plain1", "`/plaintext`, 1 connection", Job::Plaintext, 1),
    work("plain64", "`/plaintext`, 64 connections", Job::Plaintext, 64),
    work("plain512", "`/plaintext`, 512 connections", Job::Plaintext, 512),
    Workload {
        script: Some("pipelined.lua"),
        ..work("pipelined", "`/plaintext`, 64 connections, pipelined by 16", Job::Pipelined, 64)
    },
    work("json", "`/json`, 64 connections", Job::Json, 64),
    Workload { script: Some("echo.lua"), ..work("echo", "`/echo` with 4 KiB, 64 connections", Job::Echo, 64) },
    work("file", "file of 64 KiB, opened for each request, 64 connections", Job::File, 64),
    work("cached", "file of 64 KiB, kept open, 64 connections", Job::Cached, 64),
    work("close", "`/plaintext`, a connection for each request, 64 at a time", Job::Close, 64),
    work("sleep10", "`/sleep10`, 200 clients", Job::Sleep, 200),
];

impl Job {
    /// The path that is asked for.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Plaintext | Self::Pipelined | Self::Close => "/plaintext",
            Self::Json => "/json",
            Self::Echo => "/echo",
            Self::File => "/file64k",
            Self::Cached => "/cached64k",
            Self::Sleep => "/sleep10",
        }
    }

    /// Asks as wrk will, and compares the answers with the only right one.
    pub(crate) fn verify(self, address: SocketAddr) -> Result<(), String> {
        let count = if self == Self::Pipelined { 16 } else { 1 };
        let answers = ask(address, &self.request().repeat(count), count);
        let answers = answers.map_err(|error| format!("{}: {error}", self.path()))?;
        answers.iter().try_for_each(|answer| self.compare(answer))
    }

    fn compare(self, answer: &Response) -> Result<(), String> {
        let (content_type, body) = self.expected();
        let (status, found) = (answer.status, answer.header("content-type").unwrap_or_default());
        if status != 200 || !found.starts_with(content_type) {
            return Err(format!("{} answers {status} {found:?}", self.path()));
        }
        if answer.body != body || !answer.complete {
            return Err(format!("{} answers {} bytes, and not the right ones", self.path(), answer.body.len()));
        }
        if self == Self::Close && !answer.header("connection").is_some_and(|it| it.eq_ignore_ascii_case("close")) {
            return Err("the connection stays open".to_owned());
        }
        Ok(())
    }

    /// The request, as bytes.
    pub(crate) fn request(self) -> Vec<u8> {
        let line = format!("{} {} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n", self.method(), self.path());
        let (fields, body) = match self {
            Self::Echo => ("Content-Type: application/octet-stream\r\nContent-Length: 4096\r\n", vec![b'x'; 4096]),
            Self::Close => ("Connection: close\r\n", Vec::new()),
            _ => ("", Vec::new()),
        };
        [line.as_bytes(), fields.as_bytes(), b"\r\n", &body].concat()
    }

    fn method(self) -> &'static str {
        if self == Self::Echo { "POST" } else { "GET" }
    }

    fn expected(self) -> (&'static str, Vec<u8>) {
        match self {
            Self::Plaintext | Self::Pipelined | Self::Close => ("text/plain", b"Hello, World!".to_vec()),
            Self::Json => ("application/json", br#"{"message":"Hello, World!"}"#.to_vec()),
            Self::Echo => ("application/octet-stream", vec![b'x'; 4096]),
            Self::File | Self::Cached => ("application/octet-stream", file()),
            Self::Sleep => ("text/plain", b"slept".to_vec()),
        }
    }
}

/// What the file of 64 KiB has in it.
pub(crate) fn file() -> Vec<u8> {
    (b'a'..=b'z').cycle().take(64 * 1024).collect()
}

/// Requests, all at once, and so many answers.
pub(crate) fn ask(address: SocketAddr, requests: &[u8], count: usize) -> io::Result<Vec<Response>> {
    let mut client = Client::new(std::net::TcpStream::connect(address)?);
    client.send(requests)?;
    (0..count).map(|_| client.response("GET")).collect()
}
