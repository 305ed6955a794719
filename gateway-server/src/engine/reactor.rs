//! Which of many connections has something to do, one after the other: what is
//! ready, who goes on, whose deadline has passed, who has just come, and the
//! end. What a connection does then is its engine's part.

mod accepting;
mod event;
mod patience;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use slab::Slab;

use self::accepting::{Accepting, client};
pub(super) use self::event::{Event, Step, Wake};
use self::patience::Patience;
use super::clock::Clock;
use super::poller::{Interest, Poller, Ready};
use super::timers::Timers;
use super::{PASS, Setup};
use crate::exchange::Resting;
use crate::net::{Origin, Stream};
use crate::stats::Pulse;

/// The most clients that are accepted before those there are have their turn.
const ACCEPTS: usize = 64;
/// The key of the word to end.
const STOP: usize = 0;
/// The key of what others poke it by; listeners follow, then connections.
const POKE: usize = 1;
/// The key of the first listener.
const LISTENERS: usize = 2;

/// What the reactor has to know of a connection.
pub(super) trait Connection {
    /// Its socket.
    fn socket(&self) -> BorrowedFd<'_>;
}

#[derive(Debug)]
struct Entry<T> {
    task: T,
    /// What its socket is watched for.
    interest: Option<Interest>,
    /// When its timer comes up.
    timer: Option<Instant>,
    /// Whether it stands in the list of those that go on. Once is enough: a
    /// poller may tell of it at each turn besides.
    again: bool,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Reactor<P, T> {
    pub(super) setup: Arc<Setup>,
    poller: P,
    /// The key of the first connection.
    first: usize,
    tasks: Slab<Entry<T>>,
    /// The most connections.
    most: usize,
    /// What the last wait brought; those before `seen` had their turn.
    ready: Vec<Ready>,
    seen: usize,
    /// How many more clients are accepted before the next wait.
    accepts: usize,
    /// Who is woken by anything but the poller.
    woken: VecDeque<(usize, Wake)>,
    again: Vec<usize>,
    timers: Timers,
    patience: Patience,
    pulse: Option<Pulse>,
    accepting: Accepting,
    /// Clients who were there when it was time to end.
    last: VecDeque<(Stream, Origin)>,
    /// When clients are closed who may come once more until then.
    close_at: Option<Instant>,
    /// When it is tried again to pass on those who could not be.
    pass_at: Option<Instant>,
    /// When those that still run are left.
    deadline: Option<Instant>,
}

impl<P: Poller, T: Connection> Reactor<P, T> {
    /// Watches the listeners, for at most so many connections at once.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn new(setup: Arc<Setup>, poller: P, most: usize) -> io::Result<Self> {
        let pulse = setup.pulse();
        let mut new = Self {
            first: LISTENERS + setup.listeners.len(),
            setup,
            poller,
            tasks: Slab::new(),
            most,
            ready: Vec::new(),
            seen: 0,
            accepts: ACCEPTS,
            woken: VecDeque::new(),
            again: Vec::new(),
            timers: Timers::default(),
            patience: Patience::default(),
            pulse,
            accepting: Accepting::Full,
            last: VecDeque::new(),
            close_at: None,
            pass_at: None,
            deadline: None,
        };
        new.poller.register(new.setup.stop.as_fd(), STOP, Interest::Word)?;
        new.open()?;
        Ok(new)
    }

    /// Watches what others wake this by.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn poked_by(&mut self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.poller.register(fd, POKE, Interest::Word)
    }

    /// What there is to do; waits for it. The clock is read once per wait.
    ///
    /// # Errors
    /// A listener that is broken, or the system's.
    pub(super) fn next(&mut self, clock: &mut Clock) -> io::Result<Event> {
        loop {
            match self.next_at_once(clock)? {
                Some(event) => return Ok(event),
                None => self.wait(clock, Duration::MAX)?,
            }
        }
    }

    /// What there is to do, if there is anything.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub(super) fn next_at_once(&mut self, clock: &mut Clock) -> io::Result<Option<Event>> {
        loop {
            match self.take() {
                Some((key, wake)) if key >= self.first => return Ok(Some(Event::Task(key, wake))),
                Some((key, _)) => {
                    if let Some(event) = self.look_after(key)? {
                        return Ok(Some(event));
                    }
                }
                None if !self.last.is_empty() => return Ok(self.last.pop_front().map(client)),
                None if self.is_over() => return Ok(Some(Event::Over)),
                None if self.again.is_empty() => return Ok(None),
                // No longer than to see who else is ready: who was to go on may
                // have ended since.
                None => self.wait(clock, Duration::ZERO)?,
            }
        }
    }

    /// Does what is the reactor's own to do for a key that is no connection's.
    #[inline(never)]
    fn look_after(&mut self, key: usize) -> io::Result<Option<Event>> {
        match key {
            STOP => self.stop()?,
            POKE => return Ok(Some(Event::Poked)),
            _ if self.accepting == Accepting::Open && self.tasks.len() >= self.most => {
                self.close(Accepting::Full);
                return Ok(Some(Event::Full));
            }
            _ => return Ok(self.accept(key)?.map(client)),
        }
        Ok(None)
    }

    /// Whether there is nothing to do before the next wait.
    pub(super) fn is_drained(&self) -> bool {
        self.seen == self.ready.len() && self.woken.is_empty() && self.again.is_empty() && self.last.is_empty()
    }

    /// Takes what somebody else has waited for.
    ///
    /// # Errors
    /// A listener cannot be watched again.
    pub(super) fn inject(&mut self, ready: Ready, clock: &Clock) -> io::Result<()> {
        if self.seen == self.ready.len() {
            self.ready.clear();
            self.seen = 0;
        }
        self.accepts = ACCEPTS;
        self.ready.push(ready);
        self.expire(clock.now().instant)
    }

    /// When there is something to do though nobody is ready.
    pub(super) fn due(&self) -> Option<Instant> {
        let timer = self.timers.next();
        if self.deadline.is_none() && self.accepting == Accepting::Open {
            return timer;
        }
        let pause = match self.accepting {
            Accepting::Paused(until) => Some(until),
            _ => None,
        };
        [timer, pause, self.pass_at, self.close_at, self.deadline].into_iter().flatten().min()
    }

    /// Who is next of those that the last wait brought.
    fn take(&mut self) -> Option<(usize, Wake)> {
        if let Some(&Ready { key, hangup }) = self.ready.get(self.seen) {
            self.seen += 1;
            return Some((key, if hangup { Wake::Hangup } else { Wake::Ready }));
        }
        self.woken.pop_front()
    }

    /// Whether all have ended that were served, or the graceful time is over.
    pub(super) fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| self.tasks.is_empty() || Instant::now() >= deadline)
    }

    fn wait(&mut self, clock: &mut Clock, most: Duration) -> io::Result<()> {
        let now = clock.now().instant;
        let mut due = self.due();
        if due.is_some_and(|due| due <= now) {
            self.expire(now)?;
            due = self.due();
        }
        for key in self.again.drain(..) {
            if let Some(entry) = self.tasks.get_mut(key - self.first) {
                entry.again = false;
                self.woken.push_back((key, Wake::Ready));
            }
        }
        let timeout = match due {
            _ if most.is_zero() || !self.woken.is_empty() => Some(Duration::ZERO),
            Some(due) => Some(self.patience.until(due, now, !self.ready.is_empty())),
            None => None,
        };
        self.ready.clear();
        (self.seen, self.accepts) = (0, ACCEPTS);
        self.rest();
        self.poller.wait(&mut self.ready, timeout)?;
        if let Some(pulse) = &self.pulse {
            pulse.work();
        }
        clock.refresh();
        Ok(())
    }

    /// Says that nobody works here now.
    pub(super) fn rest(&self) {
        if let Some(pulse) = &self.pulse {
            pulse.rest();
        }
    }

    // ----- connections -------------------------------------------------------

    /// Takes a connection in, which `make` gives for its key; it is woken at
    /// once. One that cannot be served is dropped: shed, and said.
    pub(super) fn add(&mut self, is_relayed: bool, make: impl FnOnce(&Arc<Setup>, usize) -> io::Result<T>) {
        let key = self.first + self.tasks.vacant_key();
        match make(&self.setup, key) {
            Ok(task) => {
                self.tasks.insert(Entry { task, interest: None, timer: None, again: false });
                self.setup.arrives(is_relayed);
                self.woken.push_back((key, Wake::Ready));
            }
            Err(error) => self.setup.shed(&error),
        }
    }

    /// A connection, if it has not ended, and what it shares with the others.
    pub(super) fn task(&mut self, key: usize) -> Option<(&mut T, &Arc<Setup>)> {
        let entry = self.tasks.get_mut(key - self.first)?;
        Some((&mut entry.task, &self.setup))
    }

    /// Takes all connections out, at the end.
    pub(super) fn drain(&mut self) -> Vec<T> {
        self.setup.depart(self.tasks.len());
        self.tasks.drain().map(|entry| entry.task).collect()
    }

    /// Lets a connection go on after the others, though its socket may not be
    /// ready.
    pub(super) fn again(&mut self, key: usize) {
        if let Some(entry) = self.tasks.get_mut(key - self.first)
            && !std::mem::replace(&mut entry.again, true)
        {
            self.again.push(key);
        }
    }

    /// Sees to what a connection needs next, and to it that it is woken by its
    /// deadline; [`Step::Close`] is left to [`remove`](Self::remove).
    ///
    /// # Errors
    /// Its socket cannot be watched: it would never be woken again.
    #[inline]
    pub(super) fn settle(&mut self, key: usize, step: Step, deadline: Option<Instant>) -> io::Result<Option<&mut T>> {
        let Some(entry) = self.tasks.get_mut(key - self.first) else { return Ok(None) };
        match step {
            Step::Wait(interest) if entry.interest == Some(interest) => {}
            Step::Wait(interest) => {
                if let Err(error) = self.poller.register(entry.task.socket(), key, interest) {
                    self.setup.shed(&error);
                    return Err(error);
                }
                entry.interest = Some(interest);
            }
            Step::Park => {
                self.poller.deregister(entry.task.socket(), key);
                entry.interest = None;
            }
            Step::Again => {
                if !std::mem::replace(&mut entry.again, true) {
                    self.again.push(key);
                }
            }
            Step::Close => {}
        }
        self.timers.arm(key, &mut entry.timer, deadline);
        Ok(Some(&mut entry.task))
    }

    /// Sees to it that a connection is woken by its deadline.
    pub(super) fn arm(&mut self, key: usize, deadline: Option<Instant>) {
        if let Some(entry) = self.tasks.get_mut(key - self.first) {
            self.timers.arm(key, &mut entry.timer, deadline);
        }
    }

    /// Takes a connection out, before its socket is closed.
    ///
    /// # Errors
    /// The listeners cannot be watched again.
    pub(super) fn remove(&mut self, key: usize) -> io::Result<T> {
        let entry = self.tasks.remove(key - self.first);
        self.setup.depart(1);
        self.poller.closing(entry.task.socket(), key);
        if self.accepting == Accepting::Full {
            self.open()?;
        }
        Ok(entry.task)
    }

    /// Wakes those whose deadline has passed.
    fn expire(&mut self, now: Instant) -> io::Result<()> {
        while let Some((at, key)) = self.timers.due(now) {
            // Others are left over from what has moved or ended.
            if let Some(entry) = self.tasks.get_mut(key - self.first)
                && entry.timer == Some(at)
            {
                entry.timer = None;
                self.woken.push_back((key, Wake::Late));
            }
        }
        if matches!(self.accepting, Accepting::Paused(until) if until <= now) {
            self.come_back(now)?;
        }
        if self.close_at.is_some_and(|time| time <= now) {
            self.close_at = None;
            self.wake_all(Wake::Stop);
        }
        if self.pass_at.is_some_and(|time| time <= now) {
            self.pass_at = None;
            self.wake_all(Wake::Leave);
        }
        Ok(())
    }

    // ----- the end -------------------------------------------------------------

    fn stop(&mut self) -> io::Result<()> {
        // Some pollers only guess that it is ready.
        if self.accepting == Accepting::Ended || !self.setup.stop.is_told() {
            return Ok(());
        }
        self.take_last();
        self.close(Accepting::Ended);
        self.poller.deregister(self.setup.stop.as_fd(), STOP);
        self.setup.close();
        let now = Instant::now();
        self.deadline = now.checked_add(self.setup.tuning.graceful);
        if self.setup.stop.is_draining() {
            self.close_at = now.checked_add(self.setup.tuning.drain());
        }
        self.wake_all(match (self.setup.stop.is_leaving(), self.close_at) {
            (true, _) => Wake::Leave,
            (false, Some(_)) => Wake::Drain,
            (false, None) => Wake::Stop,
        });
        Ok(())
    }

    /// Passes a client on that waits between two requests: `false` where that
    /// cannot be now, and is tried again. Its connection is over here then.
    #[cold]
    pub(super) fn pass(&mut self, key: usize, resting: &Resting) -> bool {
        // One that could not be stands for all: there may be many.
        if self.pass_at.is_some() {
            return false;
        }
        let Some(entry) = self.tasks.get_mut(key - self.first) else { return false };
        // Before it is another's: a socket that is closed here and open elsewhere
        // would still be told of.
        self.poller.deregister(entry.task.socket(), key);
        entry.interest = None;
        let is_passed = self.setup.pass(entry.task.socket(), resting);
        if !is_passed {
            self.pass_at = Instant::now().checked_add(PASS);
        }
        is_passed
    }

    fn wake_all(&mut self, wake: Wake) {
        let first = self.first;
        self.woken.extend(self.tasks.iter().map(|(place, _)| (first + place, wake)));
    }
}
