//! `--stats`: what operators are told, and that it is so.

mod commands;
mod gate;
mod mishaps;
mod page;
mod processes;
mod prometheus;
mod totals;

use std::net::{SocketAddr, TcpStream};

use gateway_tests::client::{Client, Response};
use gateway_tests::server::Server;
use gateway_tests::wait::until;
use serde_json::Value;

use crate::engines::Engine;

/// A server that tells operators how it does.
struct Told {
    server: Server,
    stats: SocketAddr,
}

impl Told {
    /// Serves an app with these workers and flags, on `leader`.
    fn start(app: &str, workers: &str, more: &[&str]) -> Self {
        Self::of(Server::start(app, &[&["--stats", "127.0.0.1:0", "--workers", workers], more].concat()))
    }

    fn on(engine: Engine, app: &str, workers: &str, more: &[&str]) -> Self {
        Self::of(engine.serve(app, &[&["--stats", "127.0.0.1:0", "--workers", workers], more].concat()))
    }

    fn of(server: Server) -> Self {
        server.wait_for_log("figures for operators at");
        let stats = address(&server.log());
        Self { server, stats }
    }

    /// What is answered to a request with these lines of a head.
    fn ask(&self, method: &str, target: &str, lines: &str) -> Response {
        let mut client = Client::new(TcpStream::connect(self.stats).expect("figures are told"));
        let host = if lines.contains("Host:") { "" } else { "Host: localhost\r\n" };
        let head = format!("{method} {target} HTTP/1.1\r\n{host}{lines}Connection: close\r\n\r\n");
        client.send(head.as_bytes()).unwrap();
        client.response(method).unwrap()
    }

    fn get(&self, target: &str) -> Response {
        self.ask("GET", target, "")
    }

    fn stats(&self) -> Value {
        let answer = self.get("/stats");
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Waits until the charts have something to show: it is looked once a second.
    fn wait_for_history(&self) {
        let points = || {
            let answer: Value = serde_json::from_slice(&self.get("/stats?history=1").body).unwrap();
            answer["history"].as_array().map_or(0, Vec::len)
        };
        until("a point of the charts", points, |count| *count > 0);
    }

    /// The value of one sample of /metrics.
    fn metric(&self, name: &str) -> Option<f64> {
        sample(&self.get("/metrics").text(), name)
    }

    /// The process that tells.
    fn onlooker(&self) -> u32 {
        let served: Vec<u64> = self.workers();
        let children = gateway_tests::process::children(self.server.id());
        let other: Vec<u32> = children.into_iter().filter(|id| !served.contains(&u64::from(*id))).collect();
        assert_eq!(other.len(), 1, "{other:?} beside {served:?}");
        other[0]
    }

    /// The workers' processes.
    fn workers(&self) -> Vec<u64> {
        let stats = self.stats();
        stats["workers"].as_array().unwrap().iter().map(|worker| worker["process"].as_u64().unwrap()).collect()
    }

    /// Waits until something is told.
    fn wait(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        until(what, || self.stats(), is_so)
    }
}

/// The last address of figures that a log names.
fn address(log: &str) -> SocketAddr {
    let (_, rest) = log.rsplit_once("figures for operators at http://").expect("an address");
    rest.lines().next().unwrap().trim().parse().unwrap()
}

/// The value of a sample in the text for Prometheus.
fn sample(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// Asks the app, and answers the status.
fn ask_app(server: &Server, target: &str) -> u16 {
    let mut client = Client::new(server.connect());
    client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    client.response("GET").unwrap().status
}
