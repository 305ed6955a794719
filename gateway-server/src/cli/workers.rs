//! Serving with workers under a master.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use rustix::process::{Pid, getpid};
use rustix::time::{ClockId, clock_gettime};
use signal_hook::consts::{SIGTERM, SIGUSR2};

use super::daemon::Caller;
use super::pid_file::PidFile;
use super::surroundings;
use super::{Failure, announce, bound, complain, run_to_the_end, server_of};
use crate::config::{ModuleConfig, Serve};
use crate::engine::{Stop, Stopper};
use crate::net::{Bound, Listener, Notifier, Relay};
use crate::stats::Board;
use crate::supervisor::{self, Link, Policy, Work};

/// Binds, then has workers serve until the end.
pub(super) fn supervise(
    config: &ModuleConfig,
    how: &Serve,
    policy: &Policy,
    caller: &Caller,
) -> Result<ExitCode, Failure> {
    let mut listeners = bound(how)?;
    listeners.iter_mut().for_each(Listener::share);
    let addresses = listeners.iter().filter_map(Listener::address).collect();
    let (relay, relayed) = Relay::new().map_err(|error| Failure::Other(error.to_string()))?;
    listeners.push(relayed);
    let notifier = Notifier::from_env();
    let is_watched = Notifier::watchdog();
    // Kept to the end.
    let _pid_file = PidFile::create(how.pidfile.as_deref())?;
    let (relay, master) = (Some(relay), getpid());
    let mut worker =
        Worker { config, how, caller, addresses, listeners, relay, notifier, is_watched, master, stop: None };
    supervisor::run(policy, &mut worker).map_err(|failure| match failure.code {
        2 => Failure::Usage(failure.text),
        _ => Failure::Other(failure.text),
    })?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// What a worker does.
struct Worker<'a> {
    config: &'a ModuleConfig,
    how: &'a Serve,
    /// The master's.
    caller: &'a Caller,
    addresses: Vec<Bound>,
    listeners: Vec<Listener>,
    /// By which a worker that ends passes its clients on.
    relay: Option<Relay>,
    /// The master's.
    notifier: Option<Notifier>,
    /// Whether the manager waits for a sign of life.
    is_watched: bool,
    master: Pid,
    stop: Option<(Stop, Stopper)>,
}

impl Work for Worker<'_> {
    fn settle(&mut self) -> io::Result<()> {
        let (stop, stopper) = Stop::new()?;
        stopper.stop_on(SIGTERM)?;
        stopper.leave_on(SIGUSR2)?;
        self.stop = Some((stop, stopper));
        Ok(())
    }

    fn serve(&mut self, link: Link, board: Arc<Board>) -> u8 {
        self.caller.leave();
        let link = Arc::new(link);
        match self.run(&link, board) {
            Ok(()) => 0,
            Err(Failure::Usage(text)) => tell(&link, 2, text),
            Err(Failure::Other(text)) => tell(&link, 1, text),
        }
    }

    fn serving(&mut self) {
        announce(&self.addresses, self.caller);
        self.tell_manager("READY=1");
    }

    fn reloading(&mut self) {
        // systemd orders messages by it.
        let time = clock_gettime(ClockId::Monotonic);
        let microseconds = time.tv_sec * 1_000_000 + time.tv_nsec / 1000;
        self.tell_manager(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    fn reloaded(&mut self) {
        self.tell_manager("READY=1");
    }

    fn alive(&mut self) {
        if self.is_watched {
            self.tell_manager("WATCHDOG=1");
        }
    }

    fn stopping(&mut self) {
        self.tell_manager("STOPPING=1");
    }
}

impl Worker<'_> {
    /// Tells the service manager, where there is one.
    fn tell_manager(&self, what: &str) {
        if let Some(notifier) = &self.notifier {
            notifier.notify(what);
        }
    }

    fn run(&mut self, link: &Arc<Link>, board: Arc<Board>) -> Result<(), Failure> {
        // The master keeps its rights, for the next worker and the next address.
        if surroundings::give_up_rights(self.how)? {
            supervisor::end_with(self.master).map_err(|error| Failure::Other(error.to_string()))?;
        }
        let (mut server, module) = server_of(self.config, self.how)?;
        server = server.board(board);
        if let Some(ends) = self.stop.take() {
            server = server.stopped_by(ends);
        }
        if let Some(relay) = self.relay.take() {
            server = server.relay(relay);
        }
        let link = Arc::clone(link);
        let server = server.listeners(std::mem::take(&mut self.listeners)).on_ready(move || link.ready());
        run_to_the_end(server, &module, None)
    }
}

/// Says why this worker cannot serve: its master repeats it. One that has served
/// says it itself.
fn tell(link: &Link, code: u8, text: String) -> u8 {
    if link.was_ready() {
        complain(&text);
    } else {
        link.failed(&supervisor::Failure { code, text });
    }
    code
}
