//! `gateway.service` and `gateway.socket`.

use std::process::Command;

use gateway_tests::artifacts::{self, workspace};
use gateway_tests::skip;

use super::{after, file};

/// The command line, with the program and the file that there are here.
fn start(unit: &str) -> String {
    let line = after(unit, "ExecStart=");
    let toml = workspace().join("docs/deploy/gateway.toml");
    let server = artifacts::server();
    assert!(line.starts_with("/usr/local/bin/gateway-server --config /etc/gateway/gateway.toml "), "{line}");
    line.replace("/usr/local/bin/gateway-server", server.to_str().unwrap())
        .replace("/etc/gateway/gateway.toml", toml.to_str().unwrap())
}

#[test]
fn systemd_takes_the_units() {
    if !skip::has("systemd_takes_the_units", "systemd-analyze") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let unit = file("gateway.service");
    // It looks whether the program is there.
    let unit = unit.replace(after(&unit, "ExecStart="), &start(&unit));
    std::fs::write(folder.path().join("gateway.service"), unit).unwrap();
    std::fs::write(folder.path().join("gateway.socket"), file("gateway.socket")).unwrap();
    for name in ["gateway.service", "gateway.socket"] {
        let mut verify = Command::new("systemd-analyze");
        let output = verify.args(["verify", "--man=no"]).arg(folder.path().join(name)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        // Of units of this machine it speaks too.
        let ours = said.lines().filter(|line| line.contains("gateway")).collect::<Vec<_>>();
        assert!(output.status.success() && ours.is_empty(), "{said}");
    }
}

/// With the sockets that systemd would hand over.
#[test]
fn the_service_runs_what_there_is() {
    let script = format!("export LISTEN_PID=$$ LISTEN_FDS=2; exec {} --check-config", start(&file("gateway.service")));
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"ok\n"[..]), "{output:?}");
}

#[test]
fn the_service_is_told_and_tells() {
    let unit = file("gateway.service");
    assert_eq!(after(&unit, "Type="), "notify");
    assert_eq!(after(&unit, "ExecReload="), "kill -HUP $MAINPID");
    // TERM to the master, and not to its workers.
    assert_eq!(after(&unit, "KillMode="), "mixed");
    assert!(after(&unit, "ExecStart=").contains(" --bind systemd ") && unit.contains("Requires=gateway.socket"));
}
