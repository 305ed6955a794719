//! What the master does next: a table of workers, an event and the time come
//! in, actions come out. No process, no clock and no descriptor in it.

#[cfg(test)]
mod tests;
mod upgrade;
mod wear;

use std::time::{Duration, Instant};

use super::Failure;
use super::table::{Id, Mode, State, Table, Worker};
use super::vitals::Vitals;
use crate::stats::Restart;

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The master is ready to begin.
    Begin,
    /// Somebody wants something of the master.
    Command(Command),
    /// A worker has its app and serves.
    Ready(Id),
    /// A worker's process has ended, or could not be started at all.
    Ended(Id, End),
    /// How a worker does.
    Vitals(Id, Vitals),
    /// The program that is to take over serves.
    Succeeded,
    /// It has ended, or could not be started at all.
    NotSucceeded(End),
    /// Time has passed.
    Tick,
}

/// What the master is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Finish what runs, then end.
    Stop,
    /// End at once.
    Quit,
    /// New workers, then no more of the old ones.
    Reload,
    /// A new program, then no more of this one.
    Upgrade,
    /// One worker more.
    More,
    /// One worker fewer.
    Fewer,
}

/// How a worker's process has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    /// For the log: `exit code 1`, `signal 11 (SIGSEGV)`.
    pub(super) how: String,
    /// Whether it was a clean end.
    pub(super) clean: bool,
    /// What it has said why it cannot serve.
    pub(super) why: Option<Failure>,
    /// The requests that were running in it.
    pub(super) running: Vec<String>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A new worker, which stands in the table already.
    Start(Id),
    /// It finishes what runs, and lets clients that wait come once more.
    Drain(Id),
    /// It has each answer be the last of its connection.
    Part(Id),
    /// It finishes what runs, and ends, as all do.
    Stop(Id),
    /// It ends at once.
    Kill(Id),
    /// For people.
    Info(String),
    Warn(String),
    Error(String),
    /// All workers serve, for the first time.
    Serving,
    /// A reload has begun.
    Reloading,
    /// It is over; not well, if the new workers cannot serve.
    Reloaded(Result<(), String>),
    /// The program is started that is to take over.
    Upgrade,
    /// It is told to end.
    StopSuccessor,
    /// It has taken over; or not, and why.
    Upgraded(Result<(), String>),
    /// A command is not obeyed, and why.
    Refused(Command, &'static str),
    /// The end has begun.
    Stopping,
    /// Who has not begun to connect is not let in.
    Shut,
    /// The master ends; not well, if something went wrong.
    End(Result<(), Failure>),
}

/// A worker that has lived for so long has not failed at its start.
const SETTLED: Duration = Duration::from_secs(10);
/// The first wait before a worker is started again that has failed at once.
const FIRST: Duration = Duration::from_millis(100);
/// The longest.
const LONGEST: Duration = Duration::from_secs(10);
/// What those get who have begun to connect, and have not said anything.
const LAST: Duration = Duration::from_millis(200);
/// What a worker gets beyond the graceful time before it is killed.
const MARGIN: Duration = Duration::from_secs(2);

/// Takes an event in; answers what has to be done about it, in order.
pub(super) fn plan(table: &mut Table, event: Event, now: Instant) -> Vec<Action> {
    let mut todo = Vec::new();
    match event {
        Event::Begin => start_missing(table, now, &mut todo),
        Event::Command(command) => obey(table, command, now, &mut todo),
        Event::Ready(id) => ready(table, id, now, &mut todo),
        Event::Ended(id, end) => ended(table, id, &end, now, &mut todo),
        Event::Vitals(id, vitals) => wear::look(table, id, &vitals, now, &mut todo),
        Event::Succeeded => upgrade::succeeded(table, now, &mut todo),
        Event::NotSucceeded(end) => upgrade::not_succeeded(table, &end, now, &mut todo),
        Event::Tick => {}
    }
    tick(table, now, &mut todo);
    settle(table, now, &mut todo);
    if table.mode == Mode::Serving && !table.has_served && table.is_serving() {
        table.has_served = true;
        todo.push(Action::Serving);
    }
    todo
}

/// When there is something to do though nothing happens.
pub(super) fn due(table: &Table) -> Option<Instant> {
    let deadlines = table.workers.iter().filter_map(|worker| deadline(table, worker));
    // At the end nobody is started any more, whatever was waited for.
    let is_short = table.mode != Mode::Ending && table.is_short();
    let start = if is_short { table.not_before } else { None };
    let leave = if let Mode::Leaving(until) | Mode::Shut(until) = table.mode { Some(until) } else { None };
    deadlines.chain(start).chain(leave).chain(upgrade::deadline(table)).min()
}

// ----- commands ----------------------------------------------------------------

fn obey(table: &mut Table, command: Command, now: Instant, todo: &mut Vec<Action>) {
    match command {
        Command::Quit => {
            begin_end(table, todo);
            kill_all(table, now, todo);
            end_if_alone(table, todo);
        }
        Command::Upgrade => upgrade::begin(table, now, todo),
        // That another program has taken over is nobody's impatience.
        Command::Stop if std::mem::take(&mut table.has_left) => stop(table, now, todo),
        // Told twice: somebody does not want to wait.
        Command::Stop if table.mode == Mode::Ending => kill_all(table, now, todo),
        Command::Stop if matches!(table.mode, Mode::Leaving(_) | Mode::Shut(_)) || table.policy.pre_stop.is_zero() => {
            stop(table, now, todo);
        }
        Command::Stop => begin_leave(table, now, todo),
        _ if matches!(table.mode, Mode::Ending | Mode::Leaving(_) | Mode::Shut(_)) => {}
        Command::Reload if table.mode == Mode::Serving => begin_reload(table, now, todo),
        // What has changed since the reload began is seen by the next one.
        Command::Reload => table.reload_again = true,
        Command::More => {
            table.want += 1;
            todo.push(Action::Info(format!("workers: {}", table.want)));
            start_missing(table, now, todo);
        }
        Command::Fewer if table.want == 1 => todo.push(Action::Warn("there is one worker, which stays".to_owned())),
        Command::Fewer => {
            table.want -= 1;
            todo.push(Action::Info(format!("workers: {}", table.want)));
            let newest = table.workers.iter_mut().rev().find(|worker| !worker.is_ending() && !worker.worn);
            if let Some(worker) = newest {
                end_worker(worker, true, now, todo);
            }
        }
    }
}

fn begin_end(table: &mut Table, todo: &mut Vec<Action>) {
    let before = std::mem::replace(&mut table.mode, Mode::Ending);
    if !matches!(before, Mode::Ending | Mode::Leaving(_) | Mode::Shut(_)) {
        say_end(before, todo);
    }
}

fn say_end(before: Mode, todo: &mut Vec<Action>) {
    if let Mode::Upgrading(_) = before {
        todo.push(Action::StopSuccessor);
    }
    todo.push(Action::Stopping);
}

fn stop(table: &mut Table, now: Instant, todo: &mut Vec<Action>) {
    begin_end(table, todo);
    for worker in &mut table.workers {
        // Nobody may be left to take the clients that it would pass on.
        if worker.state == State::Draining {
            todo.push(Action::Part(worker.id));
        }
        end_worker(worker, false, now, todo);
    }
    end_if_alone(table, todo);
}

/// Serves on for those who have not heard that it ends.
fn begin_leave(table: &mut Table, now: Instant, todo: &mut Vec<Action>) {
    let until = now.checked_add(table.policy.pre_stop).unwrap_or(now);
    say_end(std::mem::replace(&mut table.mode, Mode::Leaving(until)), todo);
    let serving = table.workers.iter().filter(|worker| worker.state == State::Ready);
    todo.extend(serving.map(|worker| Action::Part(worker.id)));
}

fn kill_all(table: &mut Table, now: Instant, todo: &mut Vec<Action>) {
    for worker in table.workers.iter_mut().filter(|worker| !matches!(worker.state, State::Killed)) {
        worker.set(State::Killed, now);
        todo.push(Action::Kill(worker.id));
    }
}

/// Has a worker end when its requests are answered; a `patient` one waits for
/// one more of each client, so that no request meets a close.
fn end_worker(worker: &mut Worker, patient: bool, now: Instant, todo: &mut Vec<Action>) {
    if !worker.is_ending() {
        worker.set(State::Draining, now);
        todo.push(if patient { Action::Drain(worker.id) } else { Action::Stop(worker.id) });
    }
}

// ----- workers come -------------------------------------------------------------

/// Starts what is missing, unless workers have failed just now.
fn start_missing(table: &mut Table, now: Instant, todo: &mut Vec<Action>) {
    if table.mode == Mode::Ending || table.not_before.is_some_and(|time| now < time) {
        return;
    }
    table.not_before = None;
    while table.is_short() {
        todo.push(Action::Start(table.add(now)));
    }
}

fn ready(table: &mut Table, id: Id, now: Instant, todo: &mut Vec<Action>) {
    let Some(worker) = table.get(id) else { return };
    if worker.state != State::Starting {
        return;
    }
    worker.set(State::Ready, now);
    let generation = worker.generation;
    if let Mode::Leaving(_) | Mode::Shut(_) = table.mode {
        return todo.push(Action::Part(id));
    }
    let is_newest = table.mode == Mode::Reloading && generation == table.generation;
    if is_newest && table.policy.one_by_one && !table.is_serving() {
        retire_one(table, now, todo);
    }
}

/// As many serve as are wanted, whatever has led to it: one is ready, or fewer are
/// wanted. Those whose places they have taken go.
fn settle(table: &mut Table, now: Instant, todo: &mut Vec<Action>) {
    if table.mode == Mode::Reloading && table.is_serving() {
        finish_reload(table, now, todo);
    }
    if matches!(table.mode, Mode::Serving | Mode::Upgrading(_)) && table.is_serving() {
        wear::retire_worn(table, now, todo);
    }
}

// ----- reload --------------------------------------------------------------------

fn begin_reload(table: &mut Table, now: Instant, todo: &mut Vec<Action>) {
    todo.push(Action::Info(
        "reloading: new workers are started, the old ones serve on until they are ready".to_owned(),
    ));
    todo.push(Action::Reloading);
    table.mode = Mode::Reloading;
    table.reload_again = false;
    table.generation += 1;
    table.not_before = None;
    start_missing(table, now, todo);
}

fn retire_one(table: &mut Table, now: Instant, todo: &mut Vec<Action>) {
    let newest = table.generation;
    let old = table.workers.iter_mut().find(|worker| worker.generation < newest && !worker.is_ending());
    if let Some(worker) = old {
        end_worker(worker, true, now, todo);
    }
}

fn finish_reload(table: &mut Table, now: Instant, todo: &mut Vec<Action>) {
    let newest = table.generation;
    for worker in table.workers.iter_mut().filter(|worker| worker.generation < newest && !worker.is_ending()) {
        end_worker(worker, true, now, todo);
    }
    table.mode = Mode::Serving;
    todo.push(Action::Info("reloaded: the new workers serve".to_owned()));
    todo.push(Action::Reloaded(Ok(())));
    table.deeds.reloads[0] += 1;
    if table.reload_again {
        begin_reload(table, now, todo);
    }
}

/// The new app cannot serve: the old one does.
fn abandon_reload(table: &mut Table, why: &str, now: Instant, todo: &mut Vec<Action>) {
    let newest = table.generation;
    for worker in table.workers.iter_mut().filter(|worker| worker.generation == newest) {
        end_worker(worker, true, now, todo);
    }
    table.mode = Mode::Serving;
    todo.push(Action::Error(format!("not reloaded, the old workers serve on: {why}")));
    todo.push(Action::Reloaded(Err(why.to_owned())));
    table.deeds.reloads[1] += 1;
    // Old ones that were retired one by one are not there any more.
    table.fall_back();
    start_missing(table, now, todo);
    if table.reload_again {
        begin_reload(table, now, todo);
    }
}

// ----- workers go -----------------------------------------------------------------

fn ended(table: &mut Table, id: Id, end: &End, now: Instant, todo: &mut Vec<Action>) {
    let Some(worker) = table.remove(id) else { return };
    let why = end.why.clone().unwrap_or_else(|| Failure::of(format!("its process ended with {}", end.how)));
    let running = match end.running.as_slice() {
        [] => String::new(),
        lines => format!("; running: {}", lines.join(", ")),
    };
    match worker.state {
        State::Killed if running.is_empty() => {}
        State::Killed => todo.push(Action::Error(format!("{worker} is gone{running}"))),
        // One that could not even start has nothing to finish.
        State::Draining if end.clean || end.why.is_some() => {}
        State::Draining => {
            todo.push(Action::Error(format!("{worker} ended with {} while it finished{running}", end.how)));
        }
        _ if table.mode == Mode::Ending => {}
        State::Starting => return failed_to_start(table, &worker, why, now, todo),
        State::Ready if end.clean => {
            todo.push(Action::Info(format!("{worker} has ended; another takes its place")));
            table.count(Restart::Left);
        }
        State::Ready => {
            table.count(Restart::Crashed);
            todo.push(Action::Error(format!("{worker} ended with {}; another takes its place{running}", end.how)));
            back_off(table, &worker, now);
        }
    }
    if table.mode == Mode::Ending { end_if_alone(table, todo) } else { start_missing(table, now, todo) }
}

fn end_if_alone(table: &mut Table, todo: &mut Vec<Action>) {
    if table.workers.is_empty() {
        todo.push(Action::End(table.failure.take().map_or(Ok(()), Err)));
    }
}

fn failed_to_start(table: &mut Table, worker: &Worker, why: Failure, now: Instant, todo: &mut Vec<Action>) {
    if table.mode == Mode::Reloading && worker.generation == table.generation {
        return abandon_reload(table, &why.text, now, todo);
    }
    if !table.has_served {
        // It would be the same the next time.
        table.mode = Mode::Ending;
        table.failure = Some(why);
        for worker in &mut table.workers {
            end_worker(worker, false, now, todo);
        }
        return end_if_alone(table, todo);
    }
    table.count(Restart::Failed);
    todo.push(Action::Error(format!("{worker} could not start: {}; it is tried again", why.text)));
    back_off(table, worker, now);
    start_missing(table, now, todo);
}

/// Waits with the next start, longer each time that a worker has not lived long.
fn back_off(table: &mut Table, worker: &Worker, now: Instant) {
    let lived = now.saturating_duration_since(worker.since);
    if worker.state == State::Ready && lived >= SETTLED {
        table.failures = 0;
        return;
    }
    table.failures = table.failures.saturating_add(1);
    let wait = FIRST.saturating_mul(1 << (table.failures - 1).min(16)).min(LONGEST);
    table.not_before = now.checked_add(wait);
}

// ----- time ------------------------------------------------------------------------

/// When a worker has taken too long for what it does.
fn deadline(table: &Table, worker: &Worker) -> Option<Instant> {
    let allowed = match worker.state {
        State::Starting => table.policy.start_timeout,
        State::Draining => table.policy.graceful.saturating_add(MARGIN),
        State::Ready | State::Killed => return None,
    };
    worker.since.checked_add(allowed)
}

fn tick(table: &mut Table, now: Instant, todo: &mut Vec<Action>) {
    let late: Vec<Id> = table
        .workers
        .iter()
        .filter(|worker| deadline(table, worker).is_some_and(|deadline| deadline <= now))
        .map(|worker| worker.id)
        .collect();
    for id in late {
        let Some(worker) = table.get(id) else { continue };
        let was = worker.state;
        worker.set(State::Killed, now);
        let worker = worker.clone();
        todo.push(Action::Kill(id));
        match was {
            State::Starting => {
                todo.push(Action::Error(format!("{worker} was not ready in time and is killed")));
                failed_to_start(table, &worker, Failure::of("the app was not ready in time".to_owned()), now, todo);
            }
            _ => todo.push(Action::Warn(format!("{worker} did not finish in time and is killed"))),
        }
    }
    match table.mode {
        Mode::Leaving(until) if until <= now => {
            table.mode = Mode::Shut(now.checked_add(LAST).unwrap_or(now));
            todo.push(Action::Shut);
        }
        Mode::Shut(until) if until <= now => stop(table, now, todo),
        _ => {}
    }
    if upgrade::deadline(table).is_some_and(|time| time <= now) {
        todo.push(Action::StopSuccessor);
        let end = End { how: "no word".to_owned(), ..End::default() };
        upgrade::not_succeeded(table, &end, now, todo);
    }
    if table.not_before.is_some_and(|time| time <= now) {
        start_missing(table, now, todo);
    }
}
