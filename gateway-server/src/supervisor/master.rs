//! Turns what happens into events, and actions into what happens.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, getpid, kill_process};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use signal_hook::low_level;

use super::bond::end_with;
use super::control::Control;
use super::files::Files;
use super::link::{Heard, Link};
use super::onlooker::Onlooker;
use super::plan::{Action, Command, End, Event, due, plan};
use super::process::{DRAIN, PART, Process, end, how, reap};
use super::table::{Id, Mode, State, Table};
use super::vitals::Watch;
use super::{Failure, Policy, Work};
use crate::stats::{Board, Boards, Crowd, clock};
use crate::sys::{Forked, fork};

/// What the master listens to.
const SIGNALS: [i32; 9] = [SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGCHLD];

/// How often the workers are looked at.
const OFTEN: Duration = Duration::from_secs(1);

/// Boards for more workers than twice those that were asked for: at a reload there
/// are old and new ones, and TTIN adds some.
const SPARE: usize = 32;

type Signals = SignalDelivery<UnixStream, SignalOnly>;

/// Starts workers and watches over them, until it is told to end or none can
/// serve. The process must have one thread.
///
/// # Errors
/// Why no worker can serve, or the system's reason.
pub fn run(policy: &Policy, work: &mut impl Work) -> Result<(), Failure> {
    let broken = |error: io::Error| Failure::of(error.to_string());
    let mut master = Master::new(policy, work).map_err(broken)?;
    let outcome = master.run().unwrap_or_else(|error| Err(broken(error)));
    master.onlooker.bury();
    outcome
}

/// Who cannot be asked is told by signals.
fn control() -> Option<Control> {
    let control = Control::new();
    control.inspect_err(|error| tracing::warn!("`gateway-server reload` cannot reach this server: {error}")).ok()
}

/// How things stand, for who asks: a word and a value in each line.
fn status(table: &Table, boards: &Boards) -> String {
    let state = match table.mode {
        Mode::Serving if !table.has_served => "starting",
        Mode::Serving => "serving",
        Mode::Reloading => "reloading",
        Mode::Upgrading(_) => "upgrading",
        Mode::Leaving(_) | Mode::Shut(_) | Mode::Ending => "ending",
    };
    let ready = table.workers.iter().filter(|worker| worker.state == State::Ready).count();
    let since = clock().saturating_sub(boards.begun()) / 1_000_000_000;
    format!(
        "state {state}\nversion {}\nprocess {}\nseconds {since}\nworkers {ready} of {}\nrequests {}\n",
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
        table.want,
        boards.requests()
    )
}

struct Master<'a, W> {
    table: Table,
    processes: Vec<Process>,
    /// What has happened and was not looked at.
    events: VecDeque<Event>,
    /// None in a worker.
    signals: Option<Signals>,
    work: &'a mut W,
    /// When the workers are looked at again.
    look_at: Instant,
    control: Option<Control>,
    /// What the workers say to each other.
    crowd: Arc<Crowd>,
    /// What they show.
    boards: Arc<Boards>,
    files: Option<Files>,
    /// Who tells others of all this.
    onlooker: Onlooker,
    /// The program that is to take over.
    successor: Option<(Pid, Heard)>,
}

impl<'a, W: Work> Master<'a, W> {
    fn new(policy: &Policy, work: &'a mut W) -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        let signals = SignalDelivery::with_pipe(read, write, SignalOnly, SIGNALS)?;
        let files = Files::new(work.watched())?;
        let (table, events) = (Table::new(*policy), VecDeque::from([Event::Begin]));
        Ok(Self {
            table,
            processes: Vec::new(),
            events,
            signals: Some(signals),
            work,
            look_at: Instant::now(),
            control: control(),
            crowd: Crowd::new()?,
            boards: Arc::new(Boards::new(2 * policy.workers + SPARE)?),
            files,
            onlooker: Onlooker::default(),
            successor: None,
        })
    }

    /// Sees to everything, to the end.
    fn run(&mut self) -> io::Result<Result<(), Failure>> {
        self.look_after();
        loop {
            let event = self.next()?;
            for action in plan(&mut self.table, event, Instant::now()) {
                if let Action::End(outcome) = action {
                    return Ok(outcome);
                }
                self.act(action);
            }
            self.show();
        }
    }

    /// Shows how things stand.
    fn show(&self) {
        self.boards.ledger().write(&self.table.shown());
        for worker in &self.table.workers {
            let process = self.processes.iter().find(|process| process.id == worker.id);
            process.iter().for_each(|process| process.watch.stand(worker.state));
        }
    }

    // ----- what happens --------------------------------------------------------

    /// The next thing that happens.
    fn next(&mut self) -> io::Result<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let now = Instant::now();
            if self.files.as_mut().is_some_and(|files| files.have_changed(now)) {
                tracing::info!("what is served has changed");
                return Ok(Event::Command(Command::Reload));
            }
            if now >= self.look_at {
                self.look_after();
            } else if !self.wait()? {
                return Ok(Event::Tick);
            } else {
                self.look()?;
            }
        }
    }

    /// Waits until something happens; `false` when it is time for something.
    fn wait(&self) -> io::Result<bool> {
        let changes = self.files.as_ref().and_then(Files::due);
        let due = due(&self.table).into_iter().chain(changes).fold(self.look_at, Instant::min);
        let left = Timespec::try_from(due.saturating_duration_since(Instant::now())).ok();
        let signals = self.signals.iter().map(|signals| signals.get_read().as_fd());
        // One that has said that it serves says no more; its end is told by a signal.
        let quiet = self.processes.iter().filter(|process| !process.heard.was_ready());
        let all = signals.chain(quiet.map(|process| process.heard.as_fd()));
        let all = all.chain(self.control.iter().flat_map(Control::fds));
        let all = all.chain(self.files.iter().map(|files| files.as_fd()));
        let all = all.chain(self.successor.iter().map(|(_, heard)| heard.as_fd()));
        let mut fds: Vec<PollFd<'_>> = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        match poll(&mut fds, left.as_ref()) {
            Ok(count) => Ok(count > 0),
            Err(Errno::INTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    fn look(&mut self) -> io::Result<()> {
        for process in &mut self.processes {
            if process.heard.listen() {
                self.events.push_back(Event::Ready(process.id));
            }
        }
        self.files.iter_mut().for_each(|files| files.look(Instant::now()));
        if self.successor.as_mut().is_some_and(|(_, heard)| heard.listen()) {
            self.events.push_back(Event::Succeeded);
        }
        let is_busy = self.table.mode == Mode::Reloading;
        let status = || status(&self.table, &self.boards);
        let commands = self.control.as_mut().map(|control| control.listen(is_busy, status)).unwrap_or_default();
        self.events.extend(commands.into_iter().map(Event::Command));
        let told: Vec<i32> = self.signals.as_mut().map(|signals| signals.pending().collect()).unwrap_or_default();
        for signal in told {
            match signal {
                SIGCHLD => self.bury()?,
                SIGTERM | SIGINT => self.events.push_back(Event::Command(Command::Stop)),
                SIGQUIT => self.events.push_back(Event::Command(Command::Quit)),
                SIGHUP => self.events.push_back(Event::Command(Command::Reload)),
                SIGUSR2 => self.events.push_back(Event::Command(Command::Upgrade)),
                SIGTTIN => self.events.push_back(Event::Command(Command::More)),
                SIGTTOU => self.events.push_back(Event::Command(Command::Fewer)),
                // SIGUSR1: all that is left.
                _ => self.log_anew(),
            }
        }
        Ok(())
    }

    fn log_anew(&mut self) {
        if self.work.log_anew() {
            self.processes.iter().for_each(|process| process.signal(Signal::USR1));
            self.onlooker.signal(Signal::USR1);
        }
    }

    /// Sees how the workers do that serve.
    fn look_after(&mut self) {
        let now = Instant::now();
        self.look_at = now + OFTEN;
        let (mut is_alive, most) = (false, self.table.policy.wear.stuck.unwrap_or(Duration::MAX));
        for process in self.processes.iter_mut().filter(|process| process.heard.was_ready()) {
            let vitals = process.watch.look(process.pid, now);
            is_alive |= vitals.stuck < most;
            self.events.push_back(Event::Vitals(process.id, vitals));
        }
        if is_alive {
            self.work.alive();
        }
        self.have_onlooker();
    }

    /// Takes leave of all that have ended: one signal may stand for several.
    /// Children that are nobody's workers come to a process whose id is 1.
    fn bury(&mut self) -> io::Result<()> {
        while let Some((pid, status)) = reap()? {
            if let Some(place) = self.processes.iter().position(|process| process.pid == pid) {
                let mut process = self.processes.remove(place);
                self.events.push_back(Event::Ended(process.id, end(status, &mut process)));
                process.watch.leave();
            }
            if self.onlooker.ends(pid) && self.onlooker.is_missing() {
                tracing::error!("the process of --stats ended with {}; another takes its place", how(status));
            }
            if let Some((_, mut heard)) = self.successor.take_if(|(successor, _)| *successor == pid) {
                let end = End { how: how(status), why: heard.failure(), ..End::default() };
                self.events.push_back(Event::NotSucceeded(end));
            }
        }
        Ok(())
    }

    // ----- what is done ----------------------------------------------------------

    fn act(&mut self, action: Action) {
        match action {
            Action::Start(id) => self.start(id),
            Action::Drain(id) => self.signal(id, DRAIN),
            Action::Part(id) => self.signal(id, PART),
            Action::Stop(id) => {
                self.work.ending();
                self.signal(id, Signal::TERM);
            }
            Action::Kill(id) => self.signal(id, Signal::KILL),
            Action::Info(text) => tracing::info!("{text}"),
            Action::Warn(text) => tracing::warn!("{text}"),
            Action::Error(text) => tracing::error!("{text}"),
            Action::Serving => {
                self.work.serving();
                self.have_onlooker();
            }
            Action::Reloading => self.work.reloading(),
            Action::Reloaded(outcome) => {
                self.work.reloaded();
                self.answer(Command::Reload, &outcome);
            }
            Action::Upgrade => self.upgrade(),
            Action::Upgraded(outcome) => {
                if let Some((successor, _)) = self.successor.take_if(|_| outcome.is_ok()) {
                    self.work.upgraded(successor);
                    self.onlooker.dismiss();
                }
                self.answer(Command::Upgrade, &outcome);
            }
            Action::StopSuccessor => {
                if let Some((successor, _)) = self.successor.take() {
                    let _ = kill_process(successor, Signal::TERM);
                }
            }
            Action::Refused(command, why) => self.control.iter_mut().for_each(|control| control.refuse(command, why)),
            Action::Shut => self.work.shut(),
            Action::Stopping => {
                tracing::info!("stopping");
                self.work.stopping();
            }
            // The loop's own to see to.
            Action::End(_) => {}
        }
    }

    fn answer(&mut self, command: Command, outcome: &Result<(), String>) {
        self.control.iter_mut().for_each(|control| control.answer(command, outcome));
    }

    fn upgrade(&mut self) {
        let started = Heard::new().and_then(|(heard, link)| Ok((self.work.upgrade(link)?, heard)));
        match started {
            Ok(successor) => self.successor = Some(successor),
            Err(error) => {
                let why = Some(Failure::of(error.to_string()));
                self.events.push_back(Event::NotSucceeded(End { why, ..End::default() }));
            }
        }
    }

    fn signal(&self, id: Id, signal: Signal) {
        if let Some(process) = self.processes.iter().find(|process| process.id == id) {
            process.signal(signal);
        }
    }

    fn start(&mut self, id: Id) {
        let started = Heard::new().and_then(|(heard, link)| {
            let board = self.boards.take(self.crowd.seat(id.0))?;
            let master = getpid();
            let (signals, work) = (&mut self.signals, &mut *self.work);
            let forked = fork(|| {
                // Its handlers write to the master's pipe.
                *signals = None;
                end_with(master)?;
                work.settle(id.0)
            })?;
            match forked {
                Forked::Parent(pid) => {
                    board.introduce(id.0, pid.as_raw_nonzero().get().unsigned_abs(), clock());
                    Ok(Process { id, pid, heard, watch: Watch::new(board) })
                }
                Forked::Child => {
                    drop(heard);
                    self.become_worker(link, board)
                }
            }
        });
        match started {
            Ok(process) => self.processes.push(process),
            Err(error) => {
                let why = Some(Failure::of(format!("no process can be started: {error}")));
                let end = End { how: "no process".to_owned(), clean: false, why, running: Vec::new() };
                self.events.push_back(Event::Ended(id, end));
            }
        }
    }

    /// Starts who looks on, if it is missing; where that cannot be, it is tried again in
    /// a while.
    fn have_onlooker(&mut self) {
        if !self.onlooker.is_missing() || !self.work.has_onlooker() {
            return;
        }
        let master = getpid();
        let (signals, work) = (&mut self.signals, &mut *self.work);
        let forked = fork(|| {
            *signals = None;
            end_with(master)?;
            work.settle(0)
        });
        match forked {
            Ok(Forked::Parent(pid)) => self.onlooker.begins(pid),
            Ok(Forked::Child) => {
                self.leave_the_master();
                let code = self.work.look_on(Arc::clone(&self.boards));
                low_level::exit(code.into())
            }
            Err(error) => tracing::error!("no process can be started for --stats: {error}"),
        }
    }

    /// Gives up what the master has of its other processes, in one of them.
    fn leave_the_master(&mut self) {
        self.processes.clear();
        (self.control, self.files, self.successor) = (None, None, None);
    }

    /// Serves as a worker, and ends the process.
    fn become_worker(&mut self, link: Link, board: Arc<Board>) -> ! {
        self.leave_the_master();
        let code = self.work.serve(link, board);
        // Not `exit`: what the master has registered or buffered is the master's.
        low_level::exit(code.into())
    }
}
