//! A real server and one kept-alive connection: allocations and system calls
//! of a request, and throughput where wrk is installed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{fs, thread};

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::mallocs::Mallocs;
use gateway_tests::server::{Server, command};

use crate::request::{BROWSER, PLAIN};

/// Requests that are counted, after some that are not.
const COUNTED: u64 = 1000;
const WARM: u64 = 50;

/// What is asked for: package, request.
fn targets() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n").into_bytes();
    vec![
        ("hello", "hello", PLAIN.to_vec()),
        ("hello, 12 headers", "hello", BROWSER.to_vec()),
        ("/plaintext", "bench", get("/plaintext")),
        ("/json", "bench", get("/json")),
        ("/bytes64k", "bench", get("/bytes64k")),
        ("/file64k", "bench", get("/file64k")),
    ]
}

/// Prints the tables of a server with this engine.
pub(crate) fn print(engine: &str) {
    print_counts(engine);
    println!();
    print_throughput(engine);
}

fn print_counts(engine: &str) {
    println!("A server with the engine {engine}, one request at a time on a kept-alive connection, per request\n");
    println!("{:20}{:>12}{:>10}   system calls", "", "allocations", "bytes");
    for (name, package, request) in targets() {
        let target = format!("{}:app", artifacts::module(package).display());
        let (calls, bytes) = allocations(engine, &target, &request)
            .map_or(("-".to_owned(), "-".to_owned()), |(calls, bytes)| (format!("{calls:.2}"), format!("{bytes:.0}")));
        println!("{name:20}{calls:>12}{bytes:>10}   {}", system_calls(engine, &target, &request));
    }
}

fn arguments<'a>(engine: &'a str, target: &'a str) -> [&'a str; 6] {
    ["--no-master", "--engine", engine, "--bind", "127.0.0.1:0", target]
}

fn ask(client: &mut Client, request: &[u8], count: u64) {
    for _ in 0..count {
        client.send(request).expect("the server reads");
        assert_eq!(client.response("GET").expect("the server answers").status, 200);
    }
}

/// Allocations and their bytes, for one request; `None` without a C compiler.
fn allocations(engine: &str, target: &str, request: &[u8]) -> Option<(f64, f64)> {
    let mallocs = Mallocs::new()?;
    let mut command = command(&arguments(engine, target));
    command.env("GATEWAY_LOG", "info");
    mallocs.watch(&mut command);
    let server = Server::spawn(command, 1);
    let mut client = Client::new(server.connect());
    ask(&mut client, request, WARM);
    let before = mallocs.counts().expect("the process counts");
    ask(&mut client, request, COUNTED);
    let after = mallocs.counts().expect("the process counts");
    let each = |count: u64| count as f64 / COUNTED as f64;
    Some((each(after.calls - before.calls), each(after.bytes - before.bytes)))
}

/// The system calls of a request, by name: the difference of two runs.
fn system_calls(engine: &str, target: &str, request: &[u8]) -> String {
    if !crate::has("strace") {
        return "(there is no strace)".to_owned();
    }
    let short = traced(engine, target, request, WARM);
    let long = traced(engine, target, request, WARM + COUNTED);
    let mut list = Vec::new();
    for (name, count) in long {
        let each = (count - short.get(&name).copied().unwrap_or(0.0)) / COUNTED as f64;
        if each > 0.005 {
            list.push(format!("{name} {each:.2}"));
        }
    }
    list.join(", ")
}

/// All system calls of a server that answers so many requests.
fn traced(engine: &str, target: &str, request: &[u8], count: u64) -> BTreeMap<String, f64> {
    let out = tempfile();
    let mut strace = Command::new("strace");
    // -D: the server stays our child, and strace its grandchild.
    strace.args(["-D", "-f", "-c", "-U", "name,calls", "-o"]).arg(&out).arg(artifacts::server());
    strace.args(arguments(engine, target)).env("GATEWAY_LOG", "info");
    let server = Server::spawn(strace, 1);
    let mut client = Client::new(server.connect());
    ask(&mut client, request, count);
    drop(client);
    server.stop();
    let text = settled(&out);
    let _ = fs::remove_file(&out);
    let row = |line: &str| {
        let (name, calls) = line.trim().split_once(char::is_whitespace)?;
        Some((name.to_owned(), calls.trim().parse().ok()?))
    };
    text.lines().filter_map(row).filter(|(name, _)| name != "total").collect()
}

fn tempfile() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("gateway-strace-{}", std::process::id()))
}

/// strace writes its summary after the server has ended.
fn settled(path: &Path) -> String {
    for _ in 0..200 {
        match fs::read_to_string(path) {
            Ok(text) if text.contains("total") => return text,
            _ => thread::sleep(Duration::from_millis(10)),
        }
    }
    String::new()
}

fn print_throughput(engine: &str) {
    if !crate::has("wrk") {
        println!("skipped: throughput: there is no wrk");
        return;
    }
    println!("/plaintext on the engine {engine}, by wrk on the same machine (a smoke test; no peers beside it)\n");
    println!("{:20}{:>14}{:>26}", "connections", "requests/s", "server CPU, us/request");
    let target = format!("{}:app", artifacts::module("bench").display());
    for connections in ["1", "64"] {
        let mut command = command(&arguments(engine, &target));
        command.env("GATEWAY_LOG", "info");
        let server = Server::spawn(command, 1);
        let before = cpu(server.id());
        let wrk = Command::new("wrk")
            .args(["-t1", "-c", connections, "-d3s", &server.url("/plaintext")])
            .output()
            .expect("wrk can be run");
        let spent = cpu(server.id()) - before;
        let text = String::from_utf8_lossy(&wrk.stdout);
        let number = |mark: &str, word: usize| -> Option<f64> {
            text.lines().find(|line| line.contains(mark))?.split_whitespace().nth(word)?.parse().ok()
        };
        match (number("Requests/sec:", 1), number("requests in", 0)) {
            (Some(rate), Some(count)) => {
                println!("{connections:20}{rate:>14.0}{:>26.1}", spent.as_secs_f64() * 1e6 / count);
            }
            _ => println!("{connections:20} wrk said: {text}"),
        }
    }
}

/// User and system time of a process (proc(5), fields 14 and 15 of stat, in
/// hundredths of a second on Linux).
fn cpu(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("the server runs");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
