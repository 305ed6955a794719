//! The engine's pool of threads, with threads that do nothing else.
#![allow(dead_code, reason = "not each part of it has a rule of its own")]

mod models;
#[path = "../../gateway-server/src/engine/leader/pool.rs"]
mod pool;

use std::sync::{Arc, Mutex as Plain, MutexGuard, PoisonError};
use std::time::Duration;

use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use loom::thread::{JoinHandle, spawn};

use self::pool::{Order, Placed, Pool, Seat};
use crate::sys::atomic::{Condvar, Mutex};

/// For ever, and not at all: see the condition variable of these models.
const PATIENT: Duration = Duration::MAX;
const IMPATIENT: Duration = Duration::ZERO;

/// How threads wait that have nothing to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Idle {
    /// Each for an order of its own, so long.
    Sit(Duration),
    /// All for the same events, of which one is that they are poked.
    Poll,
}

/// A number that threads wait for.
struct Count {
    value: Mutex<usize>,
    changed: Condvar,
}

impl Count {
    fn new() -> Self {
        Self { value: Mutex::new(0), changed: Condvar::new() }
    }

    fn set(&self, change: impl Fn(&mut usize)) {
        change(&mut self.value.lock().unwrap());
        self.changed.notify_all();
    }

    /// Waits until it is at least so much, and changes it.
    fn wait(&self, least: usize, change: impl Fn(&mut usize)) {
        let mut value = self.changed.wait_while(self.value.lock().unwrap(), |value| *value < least).unwrap();
        change(&mut value);
    }
}

/// What threads are there for.
struct Worker {
    pool: Pool<usize>,
    /// How many calls may run at once, and how many do.
    calls: usize,
    running: AtomicUsize,
    /// How many orders have to be done before the pool is ended, and are.
    orders: usize,
    done: Count,
    /// What a loop is poked by.
    poked: Count,
    idle: Idle,
    /// How many threads cannot be started, of the next.
    refused: Plain<usize>,
    threads: Plain<Vec<JoinHandle<()>>>,
}

/// What is for the model's own use: no rule depends on when it is touched.
fn plain<T>(what: &Plain<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    /// For so many calls at once, one loop, and so many orders.
    fn new(calls: usize, orders: usize, idle: Idle) -> Arc<Self> {
        let patience = if let Idle::Sit(patience) = idle { patience } else { IMPATIENT };
        Arc::new(Self {
            pool: Pool::new(calls, 1, patience),
            idle,
            calls,
            running: AtomicUsize::new(0),
            orders,
            done: Count::new(),
            poked: Count::new(),
            refused: Plain::new(0),
            threads: Plain::default(),
        })
    }

    fn place(self: &Arc<Self>, placed: Placed<usize>) {
        let order = match placed {
            Placed::Done => return,
            Placed::Kept => return self.poke(),
            Placed::Start(order) => order,
        };
        let refused = *plain(&self.refused);
        if refused > 0 {
            *plain(&self.refused) = refused - 1;
            return self.place(self.pool.postpone(order));
        }
        let worker = Arc::clone(self);
        let thread = spawn(move || worker.serve(order));
        plain(&self.threads).push(thread);
    }

    /// What a thread does, from its first order to its last.
    fn serve(self: &Arc<Self>, mut order: Order<usize>) {
        let seat = Seat::new();
        loop {
            let permit = match order {
                Order::Lead(_) | Order::Join(_) => self.lead(),
                Order::Run(_) => self.call(),
                Order::End => return,
            };
            self.did();
            let mut next = self.next(permit);
            while self.idle == Idle::Poll && next.is_none() {
                self.poll();
                next = self.next(false);
            }
            order = next.unwrap_or_else(|| self.pool.sit(&seat));
        }
    }

    fn next(self: &Arc<Self>, permit: bool) -> Option<Order<usize>> {
        let (next, placed) = self.pool.next(permit);
        self.place(placed);
        next
    }

    /// Polls with others, until an order is kept. One of them is woken by a poke,
    /// leads, takes it back, and begins to poll again.
    fn poll(&self) {
        while !self.pool.has_kept() {
            self.poked.wait(1, |poked| *poked -= 1);
        }
    }

    /// A loop is led for as long as there is anything to do. No permit is left.
    fn lead(&self) -> bool {
        self.done.wait(self.orders - 1, |_| ());
        false
    }

    /// A call, whose permit is left.
    fn call(&self) -> bool {
        let others = self.running.fetch_add(1, SeqCst);
        assert!(others < self.calls, "more calls than permits");
        self.running.fetch_sub(1, SeqCst);
        true
    }

    /// An order is done; the last one ends those who wait. Where one is lost
    /// nobody does, and the checker says that all wait.
    fn did(&self) {
        let last = {
            let mut done = self.done.value.lock().unwrap();
            *done += 1;
            *done == self.orders
        };
        self.done.changed.notify_all();
        if last {
            self.pool.end();
            // Nobody takes this back.
            self.poked.set(|poked| *poked = 100);
        }
    }

    fn poke(&self) {
        self.poked.set(|poked| *poked = (*poked).max(1));
    }

    /// A loop that has a permit of its own and nothing to do but to listen. It
    /// takes the poke back before it looks what for, as the engine's does.
    fn listen(self: &Arc<Self>) {
        let mut permit = true;
        while permit {
            self.poked.wait(1, |poked| *poked = 0);
            let over = *self.done.value.lock().unwrap() == self.orders;
            if over || self.pool.is_scarce() {
                permit = false;
                self.place(self.pool.release());
            }
        }
    }

    /// Waits until all threads have ended. Then all is as it was.
    fn join(&self) {
        loop {
            let Some(thread) = plain(&self.threads).pop() else { break };
            thread.join().unwrap();
        }
        assert_eq!(*self.done.value.lock().unwrap(), self.orders, "an order was lost");
        assert!(!self.pool.is_scarce());
        assert!((0..self.calls).all(|_| self.pool.acquire()), "a permit was lost");
        assert!(!self.pool.acquire(), "there are more permits than before");
    }
}
