//! What one file says rests on what another says.

use std::time::Duration;

use super::{after, file, time};

/// How long a master waits for workers beyond the graceful time.
const GRACE: Duration = Duration::from_secs(2);

/// What `graceful-timeout` and `keep-alive-timeout` of the file are.
fn setting(key: &str) -> Duration {
    time(after(&file("gateway.toml"), &format!("{key} = ")))
}

#[test]
fn a_service_manager_waits_for_longer_than_the_server() {
    let unit = file("gateway.service");
    let patience: u64 = after(&unit, "TimeoutStopSec=").parse().unwrap();
    assert!(Duration::from_secs(patience) > setting("graceful-timeout") + GRACE);
    // Until all workers are ready: each has so long.
    let patience: u64 = after(&unit, "TimeoutStartSec=").parse().unwrap();
    assert!(patience > 60, "--start-timeout is 60s");
}

/// So that no request meets a connection that is just being closed.
#[test]
fn proxies_close_idle_connections_first() {
    let keeps = setting("keep-alive-timeout");
    for name in ["nginx.conf", "nginx.md"] {
        let nginx = file(name);
        assert!(time(after(&nginx, "keepalive_timeout ")) < keeps);
        assert_eq!(nginx.matches("keepalive_timeout 60s;").count(), nginx.matches("keepalive 64;").count());
    }
    // Half of those that are idle go each time, and the last one: of 64 after seven times.
    let haproxy = file("haproxy.cfg");
    assert!(haproxy.contains(" pool-max-conn 64 "));
    assert!(time(haproxy.split("pool-purge-delay ").nth(1).unwrap()) * 7 < keeps);
}

/// Nor does a proxy let in what the server will not.
#[test]
fn proxies_know_the_largest_body() {
    assert_eq!(after(&file("gateway.toml"), "max-body = "), "\"16MiB\"");
    // In units of 1,024 bytes, too.
    assert_eq!(after(&file("nginx.conf"), "client_max_body_size "), "16m;");
}

#[test]
fn proxies_come_in_where_the_sockets_are() {
    let sockets = file("gateway.socket");
    for (name, unix, tcp) in [
        ("nginx.conf", "server unix:/run/gateway/app.sock;", "server 127.0.0.1:8000 "),
        ("haproxy.cfg", "server local unix@/run/gateway/app.sock", "server elsewhere 127.0.0.1:8000 "),
    ] {
        let proxy = file(name);
        assert!(proxy.contains(unix) && proxy.contains(tcp), "{name}");
    }
    for address in ["/run/gateway/app.sock", "127.0.0.1:8000"] {
        assert!(sockets.contains(&format!("ListenStream={address}\n")), "{address}");
    }
    assert_eq!(after(&file("gateway.toml"), "bind = "), "[\"127.0.0.1:8000\"]");
}
