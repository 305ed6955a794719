//! Prometheus: what it checks, and what it reads.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use gateway_tests::client::Client;
use gateway_tests::wait::until;
use gateway_tests::{address, skip};
use serde_json::Value;

use super::{Told, ask_app, sample};

#[test]
fn promtool_finds_no_fault() {
    if !skip::has("promtool_finds_no_fault", "promtool") {
        return;
    }
    let told = Told::start("probe:app", "2", &[]);
    assert_eq!(ask_app(&told.server, "/"), 200);
    let metrics = told.get("/metrics");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(&metrics.body).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}\n{}", metrics.text());
    told.server.stop();
}

/// The same figures in both forms.
#[test]
fn openmetrics_is_for_who_asks() {
    let told = Told::start("probe:app", "1", &[]);
    assert_eq!(ask_app(&told.server, "/"), 200);
    let open = told.ask("GET", "/metrics", "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n");
    assert_eq!(open.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(open.text().ends_with("# EOF\n"));
    let plain = told.get("/metrics").text();
    for name in ["gateway_requests_total{class=\"2xx\"}", "gateway_connections_accepted_total"] {
        assert_eq!((sample(&open.text(), name), sample(&plain, name)), (Some(1.0), Some(1.0)), "{name}");
    }
    told.server.stop();
}

/// docs/stats.md lists what is told, and nothing else.
#[test]
fn each_metric_is_described() {
    let told = Told::start("probe:app", "1", &[]);
    let text = told.get("/metrics").text();
    let mut there: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let page = std::fs::read_to_string(gateway_tests::artifacts::workspace().join("docs/stats.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(['`', '{']).next());
    let mut described: Vec<&str> = rows.filter(|name| name.contains("gateway_") || name.contains("process_")).collect();
    there.sort_unstable();
    described.sort_unstable();
    assert_eq!(there, described);
    told.server.stop();
}

/// Ends with the test.
struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What Prometheus answers to a question of its API.
fn query(address: SocketAddr, path: &str) -> Value {
    let Ok(stream) = TcpStream::connect(address) else { return Value::Null };
    let mut client = Client::new(stream);
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    if client.send(head.as_bytes()).is_err() {
        return Value::Null;
    }
    client.response("GET").map_or(Value::Null, |it| serde_json::from_slice(&it.body).unwrap_or_default())
}

#[test]
fn a_real_prometheus_reads_it() {
    if !skip::has("a_real_prometheus_reads_it", "prometheus") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "a-token-for-prometheus").unwrap();
    let told = Told::start("probe:app", "2", &["--stats-token-file", token.to_str().unwrap()]);
    for _ in 0..7 {
        assert_eq!(ask_app(&told.server, "/"), 200);
    }
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: gateway\n  authorization: {{credentials_file: \
         {}}}\n  static_configs: [{{targets: ['{}']}}]\n",
        token.display(),
        told.stats
    );
    std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
    let address = address::own();
    let child = Command::new("prometheus")
        .arg(format!("--config.file={}/prometheus.yml", folder.path().display()))
        .arg(format!("--storage.tsdb.path={}/data", folder.path().display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _prometheus = Prometheus(child);
    let health = || query(address, "/api/v1/targets")["data"]["activeTargets"][0].clone();
    until("the target is up", health, |target| target["health"] == "up");
    let value =
        |name: &str| query(address, &format!("/api/v1/query?query={name}"))["data"]["result"][0]["value"][1].clone();
    until("its requests", || value("gateway_requests_total%7Bclass=%222xx%22%7D"), |it| it == "7");
    until("their latency", || value("gateway_request_duration_seconds_count"), |it| it == "7");
    until("its workers", || value("gateway_workers%7Bstate=%22serving%22%7D"), |it| it == "2");
    told.server.stop();
}
