//! Serving with workers under a master.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use rustix::process::{Pid, getpid};
use rustix::time::{ClockId, clock_gettime};
use signal_hook::consts::{SIGTERM, SIGUSR2, SIGWINCH};

use super::daemon::Caller;
use super::logs::Logs;
use super::pid_file::PidFile;
use super::upgrade::{Gift, Predecessor, Start};
use super::{Failure, announce, complain, identity, run_to_the_end, server_of, site};
use super::{recent, stats, surroundings};
use crate::config::{AppsConfig, Serve};
use crate::engine::{Stop, Stopper};
use crate::net::{Address, Bound, Listener, Listening, Notifier, Relay};
use crate::server;
use crate::stats::{Board, Boards};
use crate::supervisor::{self, Link, Policy, Watched, Work};
use crate::sys::Shared;

/// Binds, then has workers serve until the end. Where it takes over from another
/// program, that one is told whether it can.
pub(super) fn supervise(
    (config, how): (&AppsConfig, &Serve),
    policy: &Policy,
    start: &Start,
    (logs, caller): (&Logs<'_>, &Caller),
) -> Result<ExitCode, Failure> {
    if how.stats.is_some() {
        recent::keep().map_err(|error| Failure::Other(error.to_string()))?;
    }
    let mut predecessor = Predecessor::from_env()?;
    let mut run = || {
        let mut worker = Worker::new((config, how), start, (logs, caller), &mut predecessor)?;
        supervisor::run(policy, &mut worker).map_err(|failure| match failure.code {
            2 => Failure::Usage(failure.text),
            _ => Failure::Other(failure.text),
        })
    };
    let outcome = run();
    if let (Err(failure), Some(Predecessor { link, .. })) = (&outcome, &predecessor) {
        let (code, text) = failure.parts();
        link.failed(&supervisor::Failure { code, text: text.to_owned() });
    }
    outcome?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// What a worker does, and what its master does for it.
struct Worker<'a> {
    config: &'a AppsConfig,
    how: &'a Serve,
    listeners: Vec<(Address, Listener)>,
    /// Where operators are told how it does.
    stats: Option<(Address, Listener)>,
    /// By which a worker that ends passes its clients on, and another takes them.
    relay: Option<(Relay, Listener)>,
    stop: Option<(Stop, Stopper)>,
    /// Tells workers that all end, not one: nobody is let in any more.
    all_end: Arc<Shared>,
    // The master's.
    watched: Vec<Watched>,
    caller: &'a Caller,
    logs: &'a Logs<'a>,
    master: Pid,
    notifier: Option<Notifier>,
    /// Whether the manager waits for a sign of life.
    is_watched: bool,
    start: &'a Start,
    predecessor: &'a mut Option<Predecessor>,
    /// Kept to the end.
    pid_file: Option<PidFile>,
}

impl<'a> Worker<'a> {
    fn new(
        (config, how): (&'a AppsConfig, &'a Serve),
        start: &'a Start,
        (logs, caller): (&'a Logs<'a>, &'a Caller),
        predecessor: &'a mut Option<Predecessor>,
    ) -> Result<Self, Failure> {
        let other = |error: io::Error| Failure::Other(error.to_string());
        let watched = site::watched(config, how.watch)?;
        let relay = predecessor.as_ref().map_or_else(Relay::new, Predecessor::relay).map_err(other)?;
        if let Some(stats) = &how.stats {
            // Better now than in the process that needs it.
            stats::gate(stats, None)?;
        }
        let (listeners, stats) = listeners(how, predecessor.as_mut())?;
        // Who takes over does so once it serves.
        let pid_file = match predecessor {
            None => PidFile::create(how.pidfile.as_deref(), None)?,
            Some(_) => None,
        };
        Ok(Self {
            config,
            how,
            listeners,
            stats,
            relay: Some(relay),
            stop: None,
            all_end: Arc::new(Shared::new(1).map_err(other)?),
            notifier: Notifier::from_env(),
            is_watched: Notifier::watchdog(),
            watched,
            caller,
            logs,
            master: getpid(),
            start,
            predecessor,
            pid_file,
        })
    }

    fn all_listeners(&mut self) -> impl Iterator<Item = &mut Listener> {
        self.listeners.iter_mut().chain(&mut self.stats).map(|(_, listener)| listener)
    }

    /// Tells the service manager, where there is one.
    fn tell_manager(&self, what: &str) {
        if let Some(notifier) = &self.notifier {
            notifier.notify(what);
        }
    }

    fn run(&mut self, link: &Arc<Link>, board: Arc<Board>) -> Result<(), Failure> {
        let identity = identity(self.how)?;
        // The master keeps its rights, for the next worker and the next address.
        if surroundings::give_up_rights(self.how)? {
            supervisor::end_with(self.master).map_err(|error| Failure::Other(error.to_string()))?;
        }
        let (mut server, loaded) = server_of(self.config, self.how, identity)?;
        server = server.board(Arc::clone(&board));
        if self.how.stats.is_some() {
            server = server.timed();
        }
        if let Some(ends) = self.stop.take() {
            server = server.stopped_by(ends);
        }
        let mut listeners: Vec<Listener> = self.listeners.drain(..).map(|(_, listener)| listener).collect();
        if let Some((relay, relayed)) = self.relay.take() {
            server = server.relay(relay);
            listeners.push(relayed);
        }
        let link = Arc::clone(link);
        let server = server.listeners(listeners).on_ready(move || link.ready());
        run_to_the_end(server, &loaded, None, (self.logs, Some(&board)))
    }
}

type Listeners = Vec<(Address, Listener)>;

/// Listens at all addresses, or takes over who does already; and at the one for
/// operators.
fn listeners(
    how: &Serve,
    mut predecessor: Option<&mut Predecessor>,
) -> Result<(Listeners, Option<(Address, Listener)>), Failure> {
    let mut listen = |address: &Address, how: &Listening| {
        let there = predecessor.as_mut().map(|predecessor| predecessor.listener(address, how)).transpose();
        let there = there.map_err(|error| Failure::Other(format!("cannot take {address} over: {error}")))?;
        let mut listener = there.flatten().map_or_else(|| server::bind(address, how), Ok)?;
        listener.share();
        Ok((address.clone(), listener))
    };
    let listeners =
        how.addresses.iter().map(|address| listen(address, &how.listening)).collect::<Result<_, Failure>>()?;
    let stats = how.stats.as_ref().map(|stats| listen(&stats.address, &stats.listening)).transpose()?;
    if let Some(predecessor) = predecessor {
        predecessor.leave_the_rest();
    }
    Ok((listeners, stats))
}

impl Work for Worker<'_> {
    fn watched(&self) -> &[Watched] {
        &self.watched
    }

    fn settle(&mut self, number: u64) -> io::Result<()> {
        self.logs.of_worker(number);
        let (stop, stopper) = Stop::new()?;
        stopper.stop_on(SIGTERM)?;
        stopper.leave_on(SIGUSR2)?;
        stopper.part_on(SIGWINCH)?;
        self.logs.anew_on_signal()?;
        self.stop = Some((stop.ends_with(Arc::clone(&self.all_end)), stopper));
        Ok(())
    }

    fn serve(&mut self, link: Link, board: Arc<Board>) -> u8 {
        self.caller.leave();
        // Whether it has taken over is its master's to say.
        *self.predecessor = None;
        let link = Arc::new(link);
        match self.run(&link, board) {
            Ok(()) => 0,
            Err(Failure::Usage(text)) => tell(&link, 2, text),
            Err(Failure::Other(text)) => tell(&link, 1, text),
        }
    }

    /// Until this program serves, that of the one before answers at the address: it
    /// knows who does.
    fn has_onlooker(&self) -> bool {
        self.stats.is_some() && self.predecessor.is_none()
    }

    fn look_on(&mut self, boards: Arc<Boards>) -> u8 {
        self.caller.leave();
        *self.predecessor = None;
        // The addresses are not its own.
        self.listeners.clear();
        self.relay = None;
        let (Some(stats), Some((_, listener)), Some(ends)) = (&self.how.stats, self.stats.take(), self.stop.take())
        else {
            return 1;
        };
        match stats::serve((self.how, stats), listener, ends, boards, self.master) {
            Ok(()) => 0,
            Err(failure) => {
                let (code, text) = failure.parts();
                complain(text);
                code
            }
        }
    }

    fn serving(&mut self) {
        let addresses: Vec<Bound> = self.listeners.iter().filter_map(|(_, listener)| listener.address()).collect();
        announce(&addresses, self.caller);
        if let Some(bound) = self.stats.as_ref().and_then(|(_, listener)| listener.address()) {
            tracing::info!("figures for operators at {bound}");
        }
        if let Some(predecessor) = self.predecessor.take() {
            match PidFile::create(self.how.pidfile.as_deref(), Some(predecessor.process)) {
                Ok(file) => self.pid_file = file,
                Err(failure) => tracing::warn!("{}", failure.parts().1),
            }
            let stays = !self.how.listening.vacuum;
            self.all_listeners().for_each(|listener| listener.leave_file(stays));
            predecessor.link.ready();
        }
        self.tell_manager("READY=1");
    }

    fn upgrade(&mut self, link: Link) -> io::Result<Pid> {
        let Some((relay, relayed)) = &self.relay else { return Err(io::Error::other("a worker upgrades nothing")) };
        let relay = (relay, relayed);
        let listeners = self.listeners.iter().chain(&self.stats).collect();
        self.start.again(&Gift { link: &link, relay, listeners })
    }

    fn upgraded(&mut self, by: Pid) {
        self.all_listeners().for_each(|listener| listener.leave_file(true));
        self.tell_manager(&format!("MAINPID={}", by.as_raw_nonzero()));
    }

    fn log_anew(&mut self) -> bool {
        self.logs.anew()
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

    fn shut(&mut self) {
        self.listeners.iter().for_each(|(_, listener)| listener.shut());
    }

    fn ending(&mut self) {
        self.all_end[0].store(1, Relaxed);
    }

    fn stopping(&mut self) {
        self.tell_manager("STOPPING=1");
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
