//! The threads of the engine: who waits for work, how many calls may run at
//! once, and what waits for one of them to end.
//!
//! A call takes a permit. A loop whose calls are quick keeps one for good, so
//! that a call costs it no lock; it gives that back once calls block, or when
//! somebody waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::sys::atomic::{
    AtomicBool, AtomicU64, Condvar, Mutex, MutexGuard,
    Ordering::{Relaxed, SeqCst},
};

/// What a thread does next.
#[derive(Debug)]
pub(super) enum Order<J> {
    /// It leads the loop of this number.
    Lead(usize),
    /// It does this, for which a permit is taken.
    Run(J),
    /// It polls the loop of this number with others.
    Join(usize),
    /// It ends.
    End,
}

/// Where a thread waits for its order.
#[derive(Debug)]
pub(super) struct Seat<J> {
    order: Mutex<Option<Order<J>>>,
    given: Condvar,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Pool<J> {
    roster: Mutex<Roster<J>>,
    /// How many jobs wait for a permit.
    queued: AtomicU64,
    /// Whether an order waits for a thread that is free.
    kept: AtomicBool,
    /// How long a thread waits for an order before it ends.
    patience: Duration,
}

/// Who is there.
#[derive(Debug)]
struct Roster<J> {
    /// Who waits; the last one is the warmest.
    waiting: Vec<Arc<Seat<J>>>,
    /// How many threads there are.
    threads: usize,
    /// How many there may be.
    most: usize,
    permits: usize,
    jobs: VecDeque<J>,
    /// Loops for which nobody was there.
    leads: VecDeque<usize>,
    over: bool,
}

/// What has to be done about an order.
#[derive(Debug)]
pub(super) enum Placed<J> {
    /// Somebody has it, or will come for it.
    Done,
    /// A new thread has to be started for it.
    Start(Order<J>),
    /// It is kept for whoever is free next: for a loop that has a permit and
    /// nothing to do, or for a thread that polls with others. They have to hear
    /// of that.
    Kept,
}

impl<J> Pool<J> {
    /// For `calls` at once, and `loops` threads more that only poll.
    pub(super) fn new(calls: usize, loops: usize, patience: Duration) -> Self {
        let roster = Roster {
            waiting: Vec::new(),
            threads: 0,
            most: calls + loops,
            permits: calls,
            jobs: VecDeque::new(),
            leads: VecDeque::new(),
            over: false,
        };
        Self { roster: Mutex::new(roster), queued: AtomicU64::new(0), kept: AtomicBool::new(false), patience }
    }

    fn roster(&self) -> MutexGuard<'_, Roster<J>> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether jobs wait for a permit.
    pub(super) fn is_scarce(&self) -> bool {
        self.queued() > 0
    }

    /// How many do.
    pub(super) fn queued(&self) -> u64 {
        self.queued.load(Relaxed)
    }

    /// Takes a permit, unless others wait for one.
    pub(super) fn acquire(&self) -> bool {
        let mut roster = self.roster();
        let free = roster.permits > 0 && roster.jobs.is_empty();
        roster.permits -= usize::from(free);
        free
    }

    /// Gives a permit back, to whoever waits for one.
    #[must_use]
    pub(super) fn release(&self) -> Placed<J> {
        let mut roster = self.roster();
        roster.permits += 1;
        self.dispatch(&mut roster)
    }

    /// Finds a permit for a job, and a thread, or lets it wait.
    #[must_use]
    pub(super) fn enqueue(&self, job: J) -> Placed<J> {
        let mut roster = self.roster();
        roster.jobs.push_back(job);
        // Under the lock: of two that come at once, one is the first to wait.
        let first = !self.is_scarce();
        match self.dispatch(&mut roster) {
            Placed::Done if first && !roster.jobs.is_empty() => Placed::Kept,
            placed => placed,
        }
    }

    /// How many jobs wait.
    pub(super) fn waiting(&self) -> usize {
        self.roster().jobs.len()
    }

    /// Takes the job back that has waited longest, if it `is_late`.
    pub(super) fn withdraw(&self, is_late: impl FnOnce(&mut J) -> bool) -> Option<J> {
        let mut roster = self.roster();
        let job = if roster.jobs.front_mut().is_some_and(is_late) { roster.jobs.pop_front() } else { None };
        self.tell(&roster);
        job
    }

    /// Finds a thread for a loop.
    #[must_use]
    pub(super) fn summon(&self, number: usize) -> Placed<J> {
        let mut roster = self.roster();
        let placed = roster.place(Order::Lead(number));
        self.tell(&roster);
        placed
    }

    /// A thread could not be started for this: whoever is free takes it, who may
    /// have gone to wait meanwhile.
    #[must_use]
    pub(super) fn postpone(&self, order: Order<J>) -> Placed<J> {
        let mut roster = self.roster();
        roster.threads -= 1;
        let placed = match roster.waiting.pop() {
            Some(seat) => {
                seat.give(order);
                Placed::Done
            }
            None => roster.keep(order),
        };
        self.tell(&roster);
        placed
    }

    /// Looks for a thread again for what is kept: there may be one to start now.
    #[must_use]
    pub(super) fn retry(&self) -> Placed<J> {
        if !self.has_kept() {
            return Placed::Done;
        }
        let mut roster = self.roster();
        // Where all are there, one of them is about to be free.
        if roster.over || roster.threads == roster.most {
            return Placed::Done;
        }
        self.order(&mut roster).map_or(Placed::Done, |order| roster.place(order))
    }

    /// Gives a permit to the job that has waited longest.
    fn dispatch(&self, roster: &mut Roster<J>) -> Placed<J> {
        let job = if roster.permits > 0 { roster.jobs.pop_front() } else { None };
        let placed = job.map_or(Placed::Done, |job| {
            roster.permits -= 1;
            roster.place(Order::Run(job))
        });
        self.tell(roster);
        placed
    }

    /// Lets those know who look without the lock.
    fn tell(&self, roster: &Roster<J>) {
        self.queued.store(roster.jobs.len() as u64, Relaxed);
        let kept = !roster.leads.is_empty() || roster.permits > 0 && !roster.jobs.is_empty();
        self.kept.store(kept || roster.over, SeqCst);
    }

    /// Whether an order waits for a thread that is free.
    pub(super) fn has_kept(&self) -> bool {
        self.kept.load(SeqCst)
    }

    /// The next order of a thread that has nothing to do any more, and may have
    /// a permit left, if there is one.
    pub(super) fn next(&self, permit: bool) -> (Option<Order<J>>, Placed<J>) {
        let mut roster = self.roster();
        roster.permits += usize::from(permit);
        let order = self.order(&mut roster);
        // A permit that it does not need itself is somebody else's.
        let placed = if let Some(Order::Lead(_)) = order { self.dispatch(&mut roster) } else { Placed::Done };
        (order, placed)
    }

    /// Waits for an order, but not for ever.
    pub(super) fn sit(&self, seat: &Arc<Seat<J>>) -> Order<J> {
        let mut roster = self.roster();
        if let Some(order) = self.order(&mut roster) {
            return order;
        }
        roster.waiting.push(Arc::clone(seat));
        drop(roster);
        self.wait(seat)
    }

    /// What waits for a thread.
    fn order(&self, roster: &mut Roster<J>) -> Option<Order<J>> {
        let order = roster.order();
        self.tell(roster);
        order
    }

    fn wait(&self, seat: &Arc<Seat<J>>) -> Order<J> {
        let order = seat.order.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = seat.given.wait_timeout_while(order, self.patience, |order| order.is_none());
        let (mut order, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(order) = order.take() {
            return order;
        }
        drop(order);
        // It may be given one just now.
        let mut roster = self.roster();
        let before = roster.waiting.len();
        roster.waiting.retain(|other| !Arc::ptr_eq(other, seat));
        if roster.waiting.len() < before {
            roster.threads -= 1;
            return Order::End;
        }
        drop(roster);
        let order = seat.order.lock().unwrap_or_else(PoisonError::into_inner);
        let given = seat.given.wait_while(order, |order| order.is_none());
        given.unwrap_or_else(PoisonError::into_inner).take().unwrap_or(Order::End)
    }

    /// Ends the threads that wait, and those that would.
    pub(super) fn end(&self) {
        let mut roster = self.roster();
        roster.over = true;
        self.tell(&roster);
        for seat in std::mem::take(&mut roster.waiting) {
            seat.give(Order::End);
        }
    }
}

impl<J> Roster<J> {
    /// Finds somebody for an order.
    fn place(&mut self, order: Order<J>) -> Placed<J> {
        if let Some(seat) = self.waiting.pop() {
            seat.give(order);
            return Placed::Done;
        }
        if self.threads < self.most {
            self.threads += 1;
            return Placed::Start(order);
        }
        // All threads are there, and one of them is about to be free: there are
        // more of them than permits and loops can keep busy.
        self.keep(order)
    }

    /// What waits for a thread.
    fn order(&mut self) -> Option<Order<J>> {
        if self.over {
            return Some(Order::End);
        }
        if let Some(number) = self.leads.pop_front() {
            return Some(Order::Lead(number));
        }
        if self.permits == 0 {
            return None;
        }
        let job = self.jobs.pop_front()?;
        self.permits -= 1;
        Some(Order::Run(job))
    }

    /// Keeps an order for whoever is free next.
    fn keep(&mut self, order: Order<J>) -> Placed<J> {
        match order {
            Order::Lead(number) => self.leads.push_back(number),
            Order::Run(job) => {
                self.permits += 1;
                self.jobs.push_front(job);
            }
            Order::Join(_) | Order::End => {}
        }
        Placed::Kept
    }
}

impl<J> Seat<J> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { order: Mutex::new(None), given: Condvar::new() })
    }

    fn give(&self, order: Order<J>) {
        *self.order.lock().unwrap_or_else(PoisonError::into_inner) = Some(order);
        self.given.notify_one();
    }
}
