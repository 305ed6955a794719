//! `leader`: leader/followers over edge-triggered epoll, one set per core. One
//! thread polls a loop and calls the app itself, so that nothing is handed over
//! on the fast path. Where calls turn out to block, polling goes to another
//! thread before each of them, so that a call that blocks holds nobody up.
//!
//! | file | purpose |
//! |---|---|
//! | `lead` | what the thread does that leads a loop |
//! | `turn` | one connection driven, by a leader or by a thread that was one |
//! | `client` | a connection: its place, its owner, its notes |
//! | `station` | a loop: what its leader has, and what others see of it |
//! | `pool` | the threads, the permits for calls, and who waits for one |
//! | `monitor` | notices a leader that is held up |
//!
//! ```text
//! leader:   poll, own a connection, lend the loop, drive it, regain the loop, settle it
//! follower: wait; when a call holds the leader up: seize the loop, and lead
//! the one who lost its loop: finish the connection, release it, wait as a follower
//! ```

mod client;
mod lead;
mod monitor;
mod pool;
mod station;
#[cfg(test)]
mod tests;
mod turn;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use self::monitor::Monitor;
use self::pool::{Order, Placed, Pool, Seat};
use self::station::Looped;
use self::turn::Job;
use super::accept::arrival;
use super::clock::Clock;
use super::crew::{Crew, MARGIN};
use super::vacant::Vacant;
use super::{Engine, HandOver, MANY, Outcome, Setup};
use crate::exchange::{Bodies, LINGER, Timeouts};
use crate::stats::Calls;

/// The registry's entry.
pub(super) const ENGINE: Engine = Engine {
    name: "leader",
    about: "a loop per core, and threads that take turns in leading it, so that a call that blocks holds nobody up",
    multithread: true,
    multiprocess: false,
    interleaves: true,
    bodies: Bodies::Admitted,
    connections: MANY,
    run,
};

/// The threads' common ground.
#[derive(Debug)]
struct Worker {
    setup: Arc<Setup>,
    crew: Arc<Crew>,
    loops: Box<[Looped]>,
    pool: Pool<Job>,
    monitor: Monitor,
    /// Whether a loop has had no room for a client.
    crowded: AtomicBool,
    /// No deadline is set to less than this from now.
    soonest: Duration,
    /// Loops that are not over.
    running: AtomicUsize,
    /// Connections that were left at the end.
    abandoned: AtomicUsize,
    /// Why a loop cannot go on.
    failure: Mutex<Option<io::Error>>,
}

fn run(setup: Setup) -> io::Result<Outcome> {
    let (setup, crew) = (Arc::new(setup), Crew::new()?);
    let worker = Arc::new(Worker::new(Arc::clone(&setup), Arc::clone(&crew))?);
    if let Err(error) = worker.begin() {
        worker.fail(error);
    } else {
        setup.serves(Calls::Most(u32::try_from(setup.calls()).unwrap_or(u32::MAX)));
    }
    while worker.runs() {
        // Either it is time to end, or a thread has: nobody needed it any more.
        if let super::accept::Arrival::Stop = arrival(&setup, false, Some(crew.ended()), None)? {
            break;
        }
        crew.clear();
    }
    let stuck = crew.wait(&setup.stop, setup.tuning.graceful.saturating_add(MARGIN))?;
    if let Some(error) = worker.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error);
    }
    if worker.running.load(SeqCst) > 0 {
        return Ok(stuck);
    }
    // A call whose client was told that it took too long has no connection any
    // more, and is inside still.
    Ok(Outcome { abandoned: worker.abandoned.load(SeqCst).max(stuck.abandoned) })
}

impl Worker {
    fn new(setup: Arc<Setup>, crew: Arc<Crew>) -> io::Result<Self> {
        let tuning = setup.tuning;
        let threads = setup.calls();
        let loops = tuning.loops.min(threads).min(tuning.connections).max(1);
        let share = |number| tuning.connections / loops + usize::from(number < tuning.connections % loops);
        let stations = (0..loops).map(|number| Looped::new(&setup, share(number))).collect::<io::Result<_>>()?;
        Ok(Self {
            crew,
            loops: stations,
            pool: Pool::new(threads, loops, tuning.idle),
            monitor: Monitor::default(),
            crowded: AtomicBool::new(false),
            soonest: soonest(&setup.service.timeouts, tuning.queue_timeout),
            running: AtomicUsize::new(loops),
            abandoned: AtomicUsize::new(0),
            failure: Mutex::new(None),
            setup,
        })
    }

    /// Has each loop led, and watched over. A server that lacks a thread now is one
    /// that would leave clients waiting for as long as it runs.
    fn begin(self: &Arc<Self>) -> io::Result<()> {
        // Before there is a monitor, which sees that nobody leads.
        for looped in &self.loops {
            looped.summon();
        }
        if self.setup.tuning.hand_over != HandOver::Never {
            self.start("monitor", |worker| worker.watch())?;
        }
        for number in 0..self.loops.len() {
            if let Placed::Start(order) = self.pool.summon(number) {
                self.employ(order).map_err(|(error, _)| error)?;
            }
        }
        Ok(())
    }

    /// Starts a thread.
    fn start(self: &Arc<Self>, name: &str, work: impl FnOnce(&Arc<Self>) + Send + 'static) -> io::Result<()> {
        let worker = Arc::clone(self);
        self.crew.start(name, move || {
            let _watch = Watch(&worker);
            work(&worker);
        })
    }

    /// Finds a thread to lead a loop whose leader is held up.
    fn summon(self: &Arc<Self>, number: usize) {
        let is_first = self.loops[number].summon();
        // Whoever is on the way may be one that could not be started.
        self.place(if is_first { self.pool.summon(number) } else { self.pool.retry() });
    }

    /// Gives a permit back.
    fn release(self: &Arc<Self>) {
        self.place(self.pool.release());
    }

    /// Shows how many requests wait for a call to end.
    fn show_queue(&self) {
        self.setup.service.board.iter().for_each(|board| board.set_queued(self.pool.queued()));
    }

    fn place(self: &Arc<Self>, placed: Placed<Job>) {
        if let Some(board) = &self.setup.service.board {
            board.seat().set_busy(self.pool.is_scarce());
            self.show_queue();
        }
        match placed {
            Placed::Done => {}
            Placed::Kept => self.loops.iter().for_each(Looped::poke),
            Placed::Start(order) => {
                if let Err((error, order)) = self.employ(order) {
                    self.setup.shed(&error);
                    self.place(order.map_or(Placed::Done, |order| self.pool.postpone(order)));
                    // It tries again.
                    self.monitor.attend();
                }
            }
        }
    }

    /// Starts a thread for an order; gives that back where none can be started.
    fn employ(self: &Arc<Self>, order: Order<Job>) -> Result<(), (io::Error, Option<Order<Job>>)> {
        // Handed over by a place that stays where the thread cannot start.
        let order = Arc::new(Mutex::new(Some(order)));
        let theirs = Arc::clone(&order);
        let take = |order: &Mutex<Option<Order<Job>>>| order.lock().unwrap_or_else(PoisonError::into_inner).take();
        let started = self.start("worker", move |worker| {
            if let Some(order) = take(&theirs) {
                worker.serve(order);
            }
        });
        started.map_err(|error| (error, take(&order)))
    }

    /// What a thread does, from its first order to its last.
    fn serve(self: &Arc<Self>, mut order: Order<Job>) {
        let seat = Seat::new();
        let mut hand = Hand { clock: Clock::new(), vacant: Vacant::new(&self.setup.service), is_bored: false };
        loop {
            let (number, permit) = match order {
                Order::Lead(number) => (number, self.lead(number, self.loops[number].seize(), &mut hand)),
                Order::Join(number) => (number, self.lead(number, self.join(number, &mut hand), &mut hand)),
                Order::Run(Job { number, key, owned, .. }) => {
                    (number, self.finish((number, key, owned), None, &mut hand))
                }
                Order::End => return,
            };
            let (next, placed) = self.pool.next(permit);
            self.place(placed);
            order = match next {
                Some(order) => order,
                None if self.loops[number].is_shared() && !hand.is_bored => Order::Join(number),
                None => self.pool.sit(&seat),
            };
            hand.is_bored = false;
        }
    }

    fn runs(&self) -> bool {
        self.running.load(SeqCst) > 0
    }

    /// A loop is over.
    fn end(&self, abandoned: usize) {
        self.abandoned.fetch_add(abandoned, SeqCst);
        // After a failure none runs, whoever ends.
        if self.running.fetch_update(SeqCst, SeqCst, |running| running.checked_sub(1)) == Ok(1) {
            self.dismiss();
        }
    }

    /// Ends the threads that wait.
    fn dismiss(&self) {
        self.pool.end();
        self.monitor.wake();
        // Nobody reads what they are poked by any more.
        self.loops.iter().for_each(Looped::poke);
    }

    /// A loop cannot go on.
    fn fail(&self, error: io::Error) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        self.running.store(0, SeqCst);
        self.dismiss();
    }
}

/// What a thread has of its own.
#[derive(Debug)]
struct Hand {
    clock: Clock,
    vacant: Vacant,
    /// Whether it has polled with others for nothing.
    is_bored: bool,
}

/// Ends everything when a thread ends by a mistake of the server's.
struct Watch<'a>(&'a Worker);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(io::Error::other("a thread that serves has panicked"));
        }
    }
}

/// How long a call may take before it counts as one that blocks.
const TICK: Duration = Duration::from_millis(1);

/// How long a loop stays in the blocking mode after the last such call.
const MEMORY: Duration = Duration::from_millis(100);

/// The shortest deadline there is. Not those of no time at all, which say that
/// nobody waits: who looked so soon would look all the time.
fn soonest(timeouts: &Timeouts, queue: Option<Duration>) -> Duration {
    let all = [timeouts.head, timeouts.keep_alive, timeouts.body_grace, timeouts.write];
    let all = all.into_iter().chain(timeouts.call).chain(queue).filter(|time| !time.is_zero());
    all.fold(LINGER, Duration::min).max(TICK)
}

/// Nanoseconds since the first time that anybody asked.
fn nanoseconds(now: Instant) -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    now.saturating_duration_since(*START.get_or_init(Instant::now)).as_nanos() as u64
}
