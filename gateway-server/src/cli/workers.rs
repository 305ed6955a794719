//! Serving with workers under a master.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use signal_hook::consts::{SIGTERM, SIGUSR2};

use super::pid_file::PidFile;
use super::{Failure, announce, bound, complain, run_to_the_end, server_of};
use crate::config::{ModuleConfig, Serve};
use crate::engine::{Stop, Stopper};
use crate::net::{Bound, Listener, Notifier, Relay};
use crate::supervisor::{self, Link, Policy, Work};

/// Binds, then has workers serve until the end.
pub(super) fn supervise(config: &ModuleConfig, how: &Serve, policy: &Policy) -> Result<ExitCode, Failure> {
    let mut listeners = bound(how)?;
    listeners.iter_mut().for_each(Listener::share);
    let addresses = listeners.iter().filter_map(Listener::address).collect();
    let (relay, relayed) = Relay::new().map_err(|error| Failure::Other(error.to_string()))?;
    listeners.push(relayed);
    let notifier = Notifier::from_env();
    // Kept to the end.
    let _pid_file = PidFile::create(how.pidfile.as_deref())?;
    let mut worker = Worker { config, how, addresses, listeners, relay: Some(relay), notifier, stop: None };
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
    addresses: Vec<Bound>,
    listeners: Vec<Listener>,
    /// By which a worker that ends passes its clients on.
    relay: Option<Relay>,
    /// The master's.
    notifier: Option<Notifier>,
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

    fn serve(&mut self, link: Link) -> u8 {
        let link = Arc::new(link);
        match self.run(&link) {
            Ok(()) => 0,
            Err(Failure::Usage(text)) => tell(&link, 2, text),
            Err(Failure::Other(text)) => tell(&link, 1, text),
        }
    }

    fn serving(&mut self) {
        announce(&self.addresses);
        self.tell_manager("READY=1");
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

    fn run(&mut self, link: &Arc<Link>) -> Result<(), Failure> {
        let (mut server, module) = server_of(self.config, self.how)?;
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
