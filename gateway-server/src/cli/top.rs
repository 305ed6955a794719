//! `gateway-server top`: what `--stats` tells, in a terminal, again and again.

use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use gateway_spec::escape;
use serde_json::Value;

use super::Failure;
use super::status;
use crate::net::Address;

/// Between two looks.
const OFTEN: Duration = Duration::from_secs(1);
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Home, and what is below is cleared.
const CLEAR: &str = "\x1b[H\x1b[J";

/// Shows it: once, or until nobody reads it any more.
///
/// # Errors
/// Nobody answers there, or it is not for this one to know.
pub(super) fn show(address: &Address, once: bool, token_file: Option<&Path>) -> Result<ExitCode, Failure> {
    let token = token(token_file)?;
    let clear = if once || !io::stdout().is_terminal() { "" } else { CLEAR };
    loop {
        let stats = fetch(address, token.as_deref()).map_err(|why| Failure::Other(format!("{address}: {why}")))?;
        let mut out = io::stdout().lock();
        let shown = out.write_all(format!("{clear}{}", page(&stats)).as_bytes()).and_then(|()| out.flush());
        if once || shown.is_err() {
            return Ok(ExitCode::SUCCESS);
        }
        drop(out);
        std::thread::sleep(OFTEN);
    }
}

/// What a file says, which the command line names or the variable that the server has
/// too.
fn token(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let variable = std::env::var_os("GATEWAY_STATS_TOKEN_FILE").filter(|path| !path.is_empty());
    let Some(path) = file.map(Path::to_owned).or_else(|| variable.map(PathBuf::from)) else { return Ok(None) };
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|error| Failure::Usage(format!("--token-file {}: {error}", path.display())))?;
    Ok(Some(text.trim().to_owned()))
}

/// Asks for the figures.
fn fetch(address: &Address, token: Option<&str>) -> Result<Value, String> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            "nobody answers: is the server running, and is this the address of its --stats?".to_owned()
        }
        _ => error.to_string(),
    };
    let mut answer = Vec::new();
    let authorization = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    let request = |host: &str| format!("GET /stats?history=1 HTTP/1.0\r\nHost: {host}\r\n{authorization}\r\n");
    match address {
        Address::Tcp(tcp) => {
            let to = tcp.resolve().map_err(refused)?;
            let mut stream = TcpStream::connect_timeout(&to, PATIENCE).map_err(refused)?;
            stream.set_read_timeout(Some(PATIENCE)).map_err(refused)?;
            stream.write_all(request(&to.to_string()).as_bytes()).map_err(refused)?;
            stream.read_to_end(&mut answer).map_err(refused)?;
        }
        Address::Unix(path) => {
            let mut stream = UnixStream::connect(path).map_err(refused)?;
            stream.set_read_timeout(Some(PATIENCE)).map_err(refused)?;
            stream.write_all(request("localhost").as_bytes()).map_err(refused)?;
            stream.read_to_end(&mut answer).map_err(refused)?;
        }
        Address::Descriptor(_) | Address::Systemd | Address::Front(..) => {
            return Err("give an address, or unix: and a path".to_owned());
        }
    }
    read(&String::from_utf8_lossy(&answer))
}

/// The figures in an answer.
fn read(answer: &str) -> Result<Value, String> {
    let not_stats = || "what answers there is not --stats of a gateway-server".to_owned();
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(not_stats)?;
    match head.split(' ').nth(1) {
        Some("200") => {
            serde_json::from_str::<Value>(body).ok().filter(|stats| stats["workers"].is_array()).ok_or_else(not_stats)
        }
        Some("401") => {
            Err("the token is missing or wrong: name its file with --token-file or GATEWAY_STATS_TOKEN_FILE".to_owned())
        }
        Some("403") => Err(escape(body.trim())),
        _ => Err(not_stats()),
    }
}

/// The figures for people.
fn page(stats: &Value) -> String {
    let number = |value: &Value| value.as_u64().map_or_else(|| "-".to_owned(), |number| number.to_string());
    let time = |value: &Value| value.as_f64().map_or_else(|| "-".to_owned(), duration);
    let text = |value: &Value| escape(value.as_str().unwrap_or("-"));
    let age =
        |value: &Value| status::age(Duration::try_from_secs_f64(value.as_f64().unwrap_or(0.0)).unwrap_or_default());
    let state = if stats["ending"] == true {
        "ending"
    } else if stats["ready"] == true {
        "ready"
    } else {
        "not ready"
    };
    let mut page = format!(
        "gateway-server {} ({}), process {}, for {}: {state}\n\n",
        text(&stats["version"]),
        text(&stats["engine"]),
        number(&stats["process"]),
        age(&stats["uptime_seconds"])
    );
    let responses = &stats["responses"];
    let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| format!("{class} {}", number(&responses[class])));
    let rate = stats["history"][0]["requests"].as_f64().map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"));
    page += &format!("requests     {}  ({})  per second {rate}\n", number(&stats["requests"]), classes.join(", "));
    let shares = |of: &Value| {
        [("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p99.9", "p999")]
            .map(|(name, key)| format!("{name} {}", time(&of[key])))
            .join("  ")
    };
    page += &format!("latency      {}\n", shares(&stats["latency"]));
    page += &format!("queue wait   {}\n", shares(&stats["queue_wait"]));
    let threads = &stats["threads"];
    page += &format!(
        "in flight    {}  queued {}  threads busy {} idle {}\n",
        number(&stats["in_flight"]),
        number(&stats["queued"]),
        number(&threads["busy"]),
        number(&threads["idle"])
    );
    let connections = &stats["connections"];
    page += &format!("connections  {}  accepted {}\n", number(&connections["open"]), number(&connections["accepted"]));
    page += &format!("turned away  {}  timeouts {}\n\n", number(&stats["sheds"]), number(&stats["timeouts"]));
    page += &format!(
        "{:>6} {:>8} {:9} {:>8} {:>9} {:>10} {:>6}  running\n",
        "worker", "pid", "state", "age", "rss", "requests", "conns"
    );
    for worker in stats["workers"].as_array().into_iter().flatten() {
        let running: Vec<String> = worker["running"].as_array().into_iter().flatten().map(text).collect();
        let memory = worker["memory_bytes"].as_u64().unwrap_or(0) >> 10;
        page += &format!(
            "{:>6} {:>8} {:9} {:>8} {:>5} KiB {:>10} {:>6}  {}\n",
            number(&worker["number"]),
            number(&worker["process"]),
            text(&worker["state"]),
            age(&worker["age_seconds"]),
            memory,
            number(&worker["requests"]),
            number(&worker["connections"]),
            running.join(", ")
        );
    }
    for error in stats["errors"].as_array().into_iter().flatten().take(5) {
        page += &format!("\n{} {}", text(&error["level"]), text(&error["text"]));
    }
    page.trim_end().to_owned() + "\n"
}

/// A time in a unit that fits it.
fn duration(seconds: f64) -> String {
    match seconds {
        ..1e-3 => format!("{:.0}us", seconds * 1e6),
        ..1.0 => format!("{:.1}ms", seconds * 1e3),
        _ => format!("{seconds:.2}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_that_fits() {
        assert_eq!([0.000_012, 0.0345, 2.0].map(duration), ["12us", "34.5ms", "2.00s"]);
    }

    #[test]
    fn an_answer_that_is_none_is_said() {
        let check = |answer: &str, expected: &str| {
            let why = read(answer).unwrap_err();
            assert!(why.contains(expected), "{why}");
        };
        check("", "is not --stats");
        check("HTTP/1.1 200 OK\r\n\r\n<html>", "is not --stats");
        check("HTTP/1.1 200 OK\r\n\r\n{}", "is not --stats");
        check("HTTP/1.1 401 Unauthorized\r\n\r\n", "--token-file");
        check("HTTP/1.1 403 Forbidden\r\n\r\ncall it \u{1b}localhost\n", "call it \\u{1b}localhost");
        check("HTTP/1.1 404 Not Found\r\n\r\n", "is not --stats");
    }

    #[test]
    fn what_is_shown_moves_no_cursor() {
        let stats = serde_json::json!({"workers": [{"running": ["GET /\u{1b}[2J"]}], "errors": [{"text": "a\nb"}]});
        let page = page(&stats);
        assert!(!page.contains('\u{1b}') && page.contains("a\\nb"), "{page}");
    }
}
