//! What is written down: opened with the rights that this process begins with, and
//! opened anew when it is told to.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::process::geteuid;
use signal_hook::consts::SIGUSR1;

use super::Failure;
use crate::config::{Identity, Serve};
use crate::logs::{AccessLog, Log};
use crate::stats::{Board, Counters};
use crate::sys::Outlet;

/// The log and the access log of a server.
#[derive(Debug)]
pub(super) struct Logs<'a> {
    how: &'a Serve,
    log: &'a Log,
    /// The files among them.
    files: Vec<(&'a Path, Arc<Outlet>)>,
    access: Option<Arc<Outlet>>,
}

impl<'a> Logs<'a> {
    /// Opens them. Lines go there from now on.
    ///
    /// # Errors
    /// Names the one that cannot be written.
    pub(super) fn open(how: &'a Serve, log: &'a Log) -> Result<Self, Failure> {
        let mut logs = Self { how, log, files: Vec::new(), access: None };
        // Standard output and error go to that of --daemonize already.
        if let Some(path) = how.surroundings.daemonize.as_deref() {
            log.go_to(logs.open_file("log", path, true)?);
        } else {
            log.go_to(Arc::new(Outlet::stderr()));
        }
        if let Some(path) = how.logs.file.as_deref() {
            log.go_to(logs.open_file("log", path, false)?);
        }
        if let Some(access) = &how.logs.access {
            logs.access = Some(match access.file.as_deref() {
                Some(path) => logs.open_file("access log", path, false)?,
                None => Arc::new(Outlet::stdout()),
            });
        }
        Ok(logs)
    }

    fn open_file(&mut self, what: &str, path: &'a Path, has_streams: bool) -> Result<Arc<Outlet>, Failure> {
        let cannot = |error| Failure::Other(format!("cannot write the {what} {}: {error}", path.display()));
        // Wherever the app goes.
        let absolute = std::path::absolute(path).map_err(cannot)?;
        let outlet = Arc::new(Outlet::file(&absolute, has_streams).map_err(cannot)?);
        own(&outlet, self.how.surroundings.identity.as_ref());
        self.files.push((path, Arc::clone(&outlet)));
        Ok(outlet)
    }

    /// In the master: opens the files anew; `false` where there are none.
    pub(super) fn anew(&self) -> bool {
        let identity = self.how.surroundings.identity.as_ref();
        for (path, outlet) in &self.files {
            match outlet.anew(|outlet| own(outlet, identity)) {
                Ok(()) => tracing::info!("the log was opened anew: {}", path.display()),
                Err(error) => tracing::error!("{} cannot be opened anew: {error}", path.display()),
            }
        }
        if self.files.is_empty() {
            tracing::warn!("there is no log to be opened anew: none goes to a file");
        }
        !self.files.is_empty()
    }

    /// Who serves opens them anew when the signal for it comes.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn anew_on_signal(&self) -> io::Result<()> {
        self.files.iter().try_for_each(|(_, outlet)| outlet.anew_on(SIGUSR1))
    }

    /// Lines are those of a worker from now on.
    pub(super) fn of_worker(&self, number: u64) {
        self.log.of_worker(number);
    }

    /// This process says no more of what it serves.
    pub(super) fn end(&self) {
        self.log.tell_lost();
    }

    /// Who writes the access log of this process, where there is one.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn access_log(&self, board: Option<&Arc<Board>>) -> Result<Option<Arc<AccessLog>>, Failure> {
        let (Some(access), Some(outlet)) = (&self.how.logs.access, &self.access) else { return Ok(None) };
        let counters = board.map_or_else(Counters::new, |board| Counters::shown(Arc::clone(board)));
        let direct = self.how.engine.multiprocess;
        let log = AccessLog::new(access.format.clone(), Arc::clone(outlet), direct, counters);
        log.map(Some).map_err(|error| Failure::Other(error.to_string()))
    }
}

/// Gives a file to who serves, who opens it anew. Who may not is no fault: it may be
/// writable already.
fn own(outlet: &Outlet, identity: Option<&Identity>) {
    if let Some(identity) = identity.filter(|_| geteuid().is_root() && outlet.is_file())
        && let Err(error) = identity.own(outlet)
    {
        tracing::warn!("the log cannot be given to {identity}: {error}");
    }
}
