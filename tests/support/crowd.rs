//! A crowd of clients that counts: each request is made once, and whatever becomes
//! of it is known in the end. Some ask without a pause, each on a connection that is
//! kept; some connect anew for every request; some rest until the end.

mod asker;
mod tally;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use self::asker::Asker;
pub use self::tally::{Fault, Lost, Tally};
use crate::wait::until;

/// How many clients there are.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// They ask without a pause.
    pub busy: u64,
    /// They do so too, each time on a connection of its own.
    pub anew: u64,
    /// They rest; every other one has asked once before.
    pub idle: u64,
}

/// Clients that are at it until they are told to leave.
#[derive(Debug)]
pub struct Crowd {
    shared: Arc<Shared>,
    idle: Vec<Asker>,
    threads: Vec<JoinHandle<()>>,
}

/// What all of them know.
#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    done: AtomicBool,
    /// How often each that does not rest was answered.
    answered: Vec<AtomicU64>,
    tally: Mutex<Tally>,
    kills: Mutex<Kills>,
}

/// The processes that were killed, and how many of them are gone by now.
#[derive(Debug, Default)]
struct Kills {
    begun: Vec<u32>,
    over: usize,
}

impl Crowd {
    /// Begins, and waits until everybody was answered once.
    ///
    /// # Panics
    /// When somebody is not answered.
    #[must_use]
    pub fn gather(address: SocketAddr, size: Size) -> Self {
        let answered = (0..size.busy + size.anew).map(|_| AtomicU64::new(0)).collect();
        let shared = Arc::new(Shared {
            address,
            done: AtomicBool::new(false),
            answered,
            tally: Mutex::default(),
            kills: Mutex::default(),
        });
        let rests = |number| {
            let mut asker = Asker::connect(&shared, size.busy + size.anew + number).expect("the server accepts");
            if number % 2 == 0 {
                asker.who().expect("the server answers");
            }
            asker
        };
        let idle = (0..size.idle).map(rests).collect();
        let start = |number| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || if number < size.anew { shared.come_anew(number) } else { shared.stay(number) })
        };
        let threads = (0..size.busy + size.anew).map(start).collect();
        let crowd = Self { shared, idle, threads };
        crowd.go_on();
        crowd
    }

    /// Waits until everybody who does not rest has been answered a few times more.
    ///
    /// # Panics
    /// When somebody is not.
    pub fn go_on(&self) {
        let count = || self.shared.answered.iter().map(|count| count.load(SeqCst)).collect::<Vec<_>>();
        let before = count();
        let more = |now: &Vec<u64>| now.iter().zip(&before).all(|(now, before)| *now >= before + 4);
        until("everybody is answered", count, more);
    }

    /// Has a process killed: what is lost with it is no surprise.
    pub fn kills(&self, process: u32, kill: impl FnOnce()) {
        self.shared.kills().begun.push(process);
        kill();
        let mut kills = self.shared.kills();
        kills.over = kills.begun.len();
    }

    /// Ends: those that rest ask once, and all is told.
    ///
    /// # Panics
    /// When a client itself has failed.
    #[must_use]
    pub fn leave(mut self) -> Tally {
        self.shared.done.store(true, SeqCst);
        for thread in self.threads.drain(..) {
            thread.join().expect("a client goes to its end");
        }
        for mut asker in self.idle.drain(..) {
            let closed = asker.is_closed();
            let asked = if closed { Err(Fault::ClosedIdle) } else { asker.who().map_err(Fault::of) };
            let mut tally = self.shared.tally();
            match asked {
                Ok(()) => tally.rested += 1,
                Err(fault) => {
                    let lost = self.shared.lost(&asker, fault, "after a rest");
                    tally.lost.push(lost);
                }
            }
        }
        std::mem::take(&mut *self.shared.tally())
    }
}

/// Also of a test that fails.
impl Drop for Crowd {
    fn drop(&mut self) {
        self.shared.done.store(true, SeqCst);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

impl Shared {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kills(&self) -> MutexGuard<'_, Kills> {
        self.kills.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks one thing after the other, on one connection for as long as it lasts.
    fn stay(&self, number: u64) {
        let mut asker = None;
        while !self.done.load(SeqCst) {
            let next = asker.take().or_else(|| self.connect(number));
            asker = next.and_then(|asker| self.ask(asker, number));
        }
    }

    /// Asks one thing on each connection.
    fn come_anew(&self, number: u64) {
        while !self.done.load(SeqCst) {
            if let Some(mut asker) = self.connect(number) {
                asker.says_close = true;
                self.ask(asker, number);
            }
        }
    }

    /// A connection, on which nobody has asked anything.
    fn connect(&self, number: u64) -> Option<Asker> {
        match Asker::connect(self, number) {
            Ok(asker) => Some(asker),
            Err(error) => {
                let lost = Lost { fault: Fault::Refused(error.kind()), what: "connect".to_owned(), excused: false };
                self.tally().lost.push(lost);
                None
            }
        }
    }

    /// Asks once. The connection comes back if it stays.
    fn ask(&self, mut asker: Asker, number: u64) -> Option<Asker> {
        let asked = asker.ask();
        match &asked {
            Ok(answer) => {
                let mut tally = self.tally();
                tally.answered += 1;
                tally.anew += u64::from(asker.says_close);
                tally.told_to_close += u64::from(answer.closes && !asker.says_close);
                let longest = if asker.says_close { &mut tally.longest_anew } else { &mut tally.longest };
                *longest = answer.took.max(*longest);
                drop(tally);
                self.answered[usize::try_from(number).expect("they are few")].fetch_add(1, SeqCst);
            }
            Err((fault, what)) => {
                let lost = self.lost(&asker, fault.clone(), what);
                self.tally().lost.push(lost);
            }
        }
        asked.is_ok_and(|answer| !answer.closes).then_some(asker)
    }

    /// Whose worker was killed may lose what was asked; and who does not know its
    /// worker yet, if one was killed since.
    fn lost(&self, asker: &Asker, fault: Fault, what: &str) -> Lost {
        let kills = self.kills();
        let excused = match asker.workers {
            Some(workers) => workers.iter().any(|worker| kills.begun.contains(worker)),
            None => kills.begun.len() > asker.kills_before,
        };
        Lost { fault, what: what.to_owned(), excused }
    }

    fn open(&self) -> io::Result<TcpStream> {
        TcpStream::connect(self.address)
    }
}
