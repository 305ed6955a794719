//! Three servers, each on a machine of its own, behind nginx and HAProxy as
//! docs/deploy sets them up: one after the other is reloaded, upgraded, or stopped
//! and started again, and no client of the balancer loses anything. A server is told
//! by its command from its own machine: the name that it is asked by is known there.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use gateway_tests::crowd::{Crowd, Size};
use gateway_tests::network::Network;
use gateway_tests::process::children;
use gateway_tests::skip;
use gateway_tests::wait::until;

use super::site::{self, Site};
use crate::deploy::proxies::{self, Behind, FILE, Proxy, has_nginx};

const KEPT: Size = Size { busy: 6, anew: 2, idle: 0 };
/// An nginx that is reloaded closes connections that it has said it would keep,
/// with what is on its way to it (but for keepalive_min_timeout, since 1.27.4).
const ANEW: Size = Size { busy: 0, anew: 6, idle: 0 };

const SERVERS: std::ops::RangeInclusive<usize> = 1..=3;

/// Rounds over all servers.
fn rounds() -> usize {
    if super::is_long() { 10 } else { 1 }
}

fn bind(number: usize) -> String {
    format!("{}:8000", Network::address(number))
}

/// The servers, and the balancer before them.
struct House {
    // In the order in which they are to end.
    balancer: Proxy,
    sites: Vec<Site>,
    network: Network,
}

impl House {
    fn new(program: &str, more: &'static [&'static str]) -> Self {
        let network = Network::new(3);
        let site = |number: usize| network.on(number, || Site::at(&bind(number), &serving(more)));
        let sites = SERVERS.map(site).collect();
        let balancer = network.on(0, || {
            Proxy::start(program, |folder, front| match program {
                "nginx" => nginx(folder, front, &[1, 2, 3]),
                _ => haproxy(folder, front),
            })
        });
        Self { balancer, sites, network }
    }

    /// Does something with one server after the other while clients ask, and holds
    /// that they lose nothing.
    fn under_load(mut self, what: &str, size: Size, mut turn: impl FnMut(&mut Self, usize)) {
        let crowd = self.network.on(0, || Crowd::gather(self.balancer.address(), size));
        for _ in 0..rounds() {
            for number in SERVERS {
                turn(&mut self, number);
                crowd.go_on();
            }
        }
        let tally = crowd.leave();
        eprintln!("{what}: {tally}");
        let logs = || self.sites.iter().map(Site::log).collect::<String>() + &self.balancer.log();
        tally.holds_that_nothing_is_lost(logs);
    }

    /// Stops a server, and starts it again where it was.
    fn restart(&mut self, number: usize, more: &[&str]) {
        let site = &mut self.sites[number - 1];
        site.stop();
        *site = self.network.on(number, || Site::at(&bind(number), &serving(more)));
    }
}

fn serving<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["--workers", "2"], more].concat()
}

/// The file of docs/deploy, with these servers elsewhere.
fn nginx(folder: &Path, front: std::net::SocketAddr, servers: &[usize]) -> String {
    let address = "10.0.0.0:0".parse().unwrap();
    let text = proxies::nginx(folder, front, &Behind { socket: "/nowhere", address });
    let line = |number: &usize| format!("server {} max_fails=3 fail_timeout=10s;\n", bind(*number));
    let lines: String = servers.iter().map(line).collect();
    let one = "server 10.0.0.0:0 max_fails=3 fail_timeout=10s;";
    assert!(text.contains(one), "{text}");
    // A server that was away is asked again sooner, and connections rest for less:
    // the test need not wait for either.
    let lines = lines.replace("fail_timeout=10s", "fail_timeout=1s");
    let text = text.replace("keepalive_timeout 60s;", "keepalive_timeout 1s;");
    text.replace(one, &lines).replace("proxy_pass http://app;", "proxy_pass http://app_elsewhere;")
}

fn haproxy(folder: &Path, front: std::net::SocketAddr) -> String {
    let address = "10.0.0.0:0".parse().unwrap();
    let text = proxies::haproxy(folder, front, &Behind { socket: "/nowhere", address });
    let lines: String = SERVERS.map(|number| format!("    server s{number} {}\n", bind(number))).collect();
    let text = text.replace("    server local unix@/nowhere\n", "");
    assert!(text.contains("    server elsewhere 10.0.0.0:0 backup\n"), "{text}");
    let text = text.replace("pool-purge-delay 5s", "pool-purge-delay 500ms");
    text.replace("    server elsewhere 10.0.0.0:0 backup\n", &lines)
}

fn has(test: &str, program: &str) -> bool {
    skip::has_networks(test) && if program == "nginx" { has_nginx(test) } else { skip::has(test, program) }
}

/// Nobody has to tell the balancer.
#[test]
fn a_rolling_reload_and_upgrade() {
    for program in ["nginx", "haproxy"] {
        if has("a_rolling_reload_and_upgrade", program) {
            House::new(program, &[]).under_load(&format!("{program}, rolling reload"), KEPT, |house, number| {
                house.network.on(number, || house.sites[number - 1].reload(true));
            });
            House::new(program, &[]).under_load(&format!("{program}, rolling upgrade"), KEPT, |house, number| {
                house.network.on(number, || house.sites[number - 1].upgrade());
            });
        }
    }
}

/// HAProxy is told to send nobody there, and stops asking.
#[test]
fn a_rolling_restart_that_haproxy_is_told_of() {
    if !has("a_rolling_restart_that_haproxy_is_told_of", "haproxy") {
        return;
    }
    House::new("haproxy", &[]).under_load("haproxy, told of a rolling restart", KEPT, |house, number| {
        let server = format!("app/s{number}");
        tell(house, &format!("set server {server} state drain"));
        until("nobody is served there", || sessions(house, number), |count| *count == 0);
        house.restart(number, &[]);
        tell(house, &format!("set server {server} state ready"));
        until("it is up", || is_up(house, number), |up| *up);
    });
}

/// Asks HAProxy's runtime socket.
fn tell(house: &House, command: &str) -> String {
    let mut socket = UnixStream::connect(house.balancer.folder().join("admin.sock")).unwrap();
    socket.write_all(format!("{command}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

/// A column of the server's line in HAProxy's statistics.
fn column(house: &House, number: usize, at: usize) -> String {
    let page = tell(house, "show stat");
    let line = page.lines().find(|line| line.starts_with(&format!("app,s{number},"))).expect("the server is there");
    line.split(',').nth(at).expect("a table has columns").to_owned()
}

fn sessions(house: &House, number: usize) -> u32 {
    column(house, number, 4).parse().unwrap()
}

fn is_up(house: &House, number: usize) -> bool {
    column(house, number, 17) == "UP"
}

/// nginx gets a file without the server, and one with it when it is there again.
#[test]
fn a_rolling_restart_that_nginx_is_told_of() {
    if !has("a_rolling_restart_that_nginx_is_told_of", "nginx") {
        return;
    }
    House::new("nginx", &[]).under_load("nginx, told of a rolling restart", ANEW, |house, number| {
        let others: Vec<usize> = SERVERS.filter(|other| *other != number).collect();
        tell_nginx(house, &others);
        house.restart(number, &[]);
        tell_nginx(house, &[1, 2, 3]);
    });
}

/// Waits until no worker of nginx is left that knows it otherwise.
fn tell_nginx(house: &House, servers: &[usize]) {
    let (nginx_file, old) = (house.balancer.folder().join(FILE), children(house.balancer.id()));
    std::fs::write(nginx_file, nginx(house.balancer.folder(), house.balancer.address(), servers)).unwrap();
    site::signal(house.balancer.id(), "HUP");
    let known = || children(house.balancer.id());
    let is_new = |now: &Vec<u32>| !now.is_empty() && now.iter().all(|worker| !old.contains(worker));
    until("nginx has new workers", known, is_new);
}

/// Nobody tells the balancer: the server says of each connection that it ends, until
/// the balancer has none left that rests, and only then stops to listen. So the delay
/// is longer than the balancer keeps connections that rest.
#[test]
fn a_rolling_restart_after_a_delay() {
    const DELAY: &[&str] = &["--pre-stop-delay", "3s"];
    for program in ["nginx", "haproxy"] {
        if has("a_rolling_restart_after_a_delay", program) {
            let what = format!("{program}, rolling restart after a delay");
            House::new(program, DELAY).under_load(&what, KEPT, |house, number| {
                house.restart(number, DELAY);
                // Not before is the next one's turn: else none is left.
                until("it is asked again", || is_asked(house, number), |asked| *asked);
            });
        }
    }
}

/// Whether a server has connections.
fn is_asked(house: &House, number: usize) -> bool {
    let ss = || Command::new("ss").args(["-Htn", "state", "established", "sport = :8000"]).output();
    let output = house.network.on(number, ss).expect("it comes with ip");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    !output.stdout.is_empty()
}
