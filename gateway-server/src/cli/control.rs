//! `gateway-server reload` and the like: a server that runs is told something, and
//! what came of it is this program's exit code.

use std::process::ExitCode;

use super::{Failure, pid_file, say};
use crate::config::Control;
use crate::supervisor;

/// Tells it, and waits until it is done.
pub(super) fn tell(control: &Control) -> Result<ExitCode, Failure> {
    let (word, done, pidfile) = match control {
        Control::Reload { pidfile } => ("reload", "reloaded", pidfile),
        Control::Upgrade { pidfile } => ("upgrade", "upgraded", pidfile),
        Control::Stop { pidfile } => ("stop", "stopped", pidfile),
        Control::Status { .. } | Control::Top { .. } => return Err(Failure::Other("this tells nobody".to_owned())),
    };
    let Some(process) = pid_file::read(pidfile) else {
        let why =
            std::fs::metadata(pidfile).map_or_else(|error| error.to_string(), |_| "it names no process".to_owned());
        return Err(Failure::Usage(format!("{}: {why}; give the file of the server's --pidfile", pidfile.display())));
    };
    match supervisor::ask(process, word) {
        Ok(_) => Ok(say(done)),
        Err(why) => Err(Failure::Other(format!("not {done}: {why}"))),
    }
}
