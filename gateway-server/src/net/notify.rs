//! Tells a service manager how this process does (sd_notify(3)).

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where systemd says where to.
const VARIABLE: &str = "NOTIFY_SOCKET";

/// The way to a service manager.
///
/// ```
/// use gateway_server::net::Notifier;
/// if let Some(manager) = Notifier::from_env() {
///     manager.notify("STATUS=warming up");
/// }
/// ```
#[derive(Debug)]
pub struct Notifier {
    socket: UnixDatagram,
    manager: SocketAddr,
}

impl Notifier {
    /// The way to the manager that has started this process, if it wants to be
    /// told; one that cannot be told is said in the log.
    #[must_use]
    pub fn from_env() -> Option<Self> {
        let manager = std::env::var_os(VARIABLE).filter(|manager| !manager.is_empty())?;
        let notifier = Self::to(&manager);
        notifier.inspect_err(|error| tracing::warn!("{VARIABLE} is {}: {error}", manager.display())).ok()
    }

    /// Whether the manager ends this process unless it is told once in a while that
    /// it lives (sd_watchdog_enabled(3)). It is told each second.
    #[must_use]
    pub fn watchdog() -> bool {
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let is_meant = number("WATCHDOG_PID").is_none_or(|process| process == u64::from(std::process::id()));
        match number("WATCHDOG_USEC").filter(|_| is_meant) {
            None => false,
            Some(time) => {
                if time < 2_000_000 {
                    tracing::warn!("WatchdogSec is below 2 s: a sign of life may come too late");
                }
                true
            }
        }
    }

    fn to(manager: &OsStr) -> io::Result<Self> {
        let manager = match manager.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(manager)?,
            _ => {
                let text = "it is neither a path nor an abstract name";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
        };
        Ok(Self { socket: UnixDatagram::unbound()?, manager })
    }

    /// Tells it: `READY=1`, `STATUS=serving`, several in lines. A manager that
    /// does not hear must not stop a server.
    pub fn notify(&self, state: &str) {
        if let Err(error) = self.socket.send_to_addr(state.as_bytes(), &self.manager) {
            tracing::warn!("the service manager was not told {state:?}: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    /// What a manager is told that listens there.
    fn told(manager: &UnixDatagram, name: impl Into<OsString>) -> String {
        Notifier::to(&name.into()).unwrap().notify("READY=1\nSTATUS=serving");
        let mut message = [0; 64];
        let count = manager.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..count]).into_owned()
    }

    #[test]
    fn a_manager_is_told_by_path_and_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        assert_eq!(told(&by_path, path), "READY=1\nSTATUS=serving");
        let name = format!("gateway-notify-{}", std::process::id());
        let by_name = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        assert_eq!(told(&by_name, format!("@{name}")), "READY=1\nSTATUS=serving");
    }

    #[test]
    fn what_is_no_manager_is_said() {
        for name in ["notify", "vsock:2:1", &format!("/{}", "x".repeat(200))] {
            assert!(Notifier::to(name.as_ref()).is_err(), "{name}");
        }
        // Nobody is there: told in vain, and no more than that.
        Notifier::to("/no/such/manager".as_ref()).unwrap().notify("READY=1");
    }
}
