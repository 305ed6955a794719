//! A coroutine per connection, all on one thread: each runs the blocking loop
//! on a stack of its own, and whoever would wait for its client lets the others
//! run. An app that reads its input, writes, or sleeps through its environ
//! suspends there, and does not know it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use corosensei::{Coroutine, CoroutineResult, Yielder};
use gateway_spec::AppFlags;
use gateway_spec::abi::guard::caught;

use super::blocking::serve;
use super::crew::alone;
use super::epoll::Set;
use super::event_loop::{self, Context, Step, Task, Wake};
use super::poller::Interest;
use super::socket::wait_one;
use super::waiter::{Alerts, PollWaiter, Waiter, Woken};
use super::{Engine, MANY, Outcome, Setup};
use crate::exchange::Bodies;
use crate::net::Endpoint;
use crate::sys::{GuardedStack, guard_range, tell_overflows};

/// The registry's entry.
pub(super) const ENGINE: Engine = Engine {
    name: "coroutine",
    about: "one thread and a coroutine per connection, which lets others run while it waits",
    multithread: false,
    multiprocess: false,
    interleaves: true,
    bodies: Bodies::Live,
    connections: MANY,
    run,
};

fn run(setup: Setup) -> io::Result<Outcome> {
    tell_overflows()?;
    alone(setup, |setup| event_loop::run::<_, Fibre>(setup, Set::<false>::new()?))
}

/// What a coroutine suspends for.
#[derive(Clone, Copy, Debug)]
enum Ask {
    /// Its socket.
    Socket { interest: Interest, deadline: Option<Instant>, stop: bool },
    /// Its turn in an app that takes one call at a time.
    Turn,
    /// Nothing, but others have waited long enough.
    Others,
}

/// What it is resumed with; an error ends the connection.
type Answer = io::Result<Woken>;

/// One connection's coroutine.
struct Fibre {
    stream: Rc<TcpStream>,
    /// None once it has returned.
    coroutine: Option<Coroutine<Answer, Ask, (), GuardedStack>>,
    ask: Ask,
    /// The guard below its stack.
    guard: Range<usize>,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// What the coroutines of the loop's thread share.
#[derive(Default)]
struct Pool {
    /// Stacks to be used again.
    stacks: Vec<GuardedStack>,
    /// Whether a call is running in an app that takes one at a time.
    taken: bool,
    /// Who waits for that, by key.
    queue: VecDeque<usize>,
    /// Whose turn has come.
    granted: Option<usize>,
    /// The same, until its coroutine is woken.
    next: Option<usize>,
}

/// The most stacks that are kept.
const KEPT: usize = 64;
/// The most steps of one connection before the others have their turn.
const SHARE: u32 = 16;
/// How often a coroutine that is left is told so: each time it may wait again.
const TOLD: usize = 64;

impl Task for Fibre {
    fn new(context: &mut Context<'_>, key: usize, stream: TcpStream, endpoint: Endpoint) -> io::Result<Self> {
        let kept = POOL.with_borrow_mut(|pool| pool.stacks.pop());
        let stack = kept.map_or_else(|| GuardedStack::new(context.setup.tuning.stack_size), Ok)?;
        let guard = stack.guard();
        let (setup, stream) = (Arc::clone(context.setup), Rc::new(stream));
        let socket = Rc::clone(&stream);
        let coroutine = Coroutine::with_stack(stack, move |yielder: &Yielder<Answer, Ask>, _: Answer| {
            let mut waiter = Suspender::new(&setup, yielder, key);
            // A mistake of the server's ends this connection and no other.
            let outcome = caught(|| {
                serve(&setup, &socket, endpoint, &mut waiter);
                Ok(())
            });
            if let Err(error) = outcome {
                tracing::error!("a connection was dropped: {error}");
            }
        });
        let ask = Ask::Socket { interest: Interest::Read, deadline: None, stop: true };
        Ok(Self { stream, coroutine: Some(coroutine), ask, guard })
    }

    fn go(&mut self, context: &mut Context<'_>, wake: Wake) -> Step {
        let answer = match (wake, self.ask) {
            (Wake::Abandon, _) => return self.abandon(),
            (Wake::Ready, _) => Ok(Woken { ready: true, ..Woken::default() }),
            (Wake::Stop, Ask::Socket { stop: true, .. }) => Ok(Woken { stop: true, ..Woken::default() }),
            (Wake::Stop, _) => return self.step(),
            // Only its turn wakes it.
            (Wake::Late, Ask::Turn) => return Step::Park,
            (Wake::Late, _) => Ok(Woken::default()),
        };
        let step = self.resume(answer);
        context.again.extend(POOL.with_borrow_mut(|pool| pool.next.take()));
        step
    }

    fn deadline(&self) -> Option<Instant> {
        match self.ask {
            Ask::Socket { deadline, .. } => deadline,
            Ask::Turn | Ask::Others => None,
        }
    }

    fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// It says so itself: see [`Lingering`](super::stop::Lingering).
    fn is_answered(&self) -> bool {
        false
    }
}

impl Fibre {
    fn resume(&mut self, answer: Answer) -> Step {
        let Some(coroutine) = &mut self.coroutine else { return Step::Close };
        guard_range(self.guard.clone());
        let result = coroutine.resume(answer);
        guard_range(0..0);
        match result {
            CoroutineResult::Yield(ask) => {
                self.ask = ask;
                self.step()
            }
            CoroutineResult::Return(()) => {
                let stack = self.coroutine.take().map(Coroutine::into_stack);
                POOL.with_borrow_mut(|pool| pool.keep(stack));
                Step::Close
            }
        }
    }

    fn step(&self) -> Step {
        match self.ask {
            Ask::Socket { interest, .. } => Step::Wait(interest),
            Ask::Turn => Step::Park,
            Ask::Others => Step::Again,
        }
    }

    /// Tells the app at each of its waits that the client is gone, until it
    /// returns; one that goes on regardless is left suspended.
    fn abandon(&mut self) -> Step {
        for _ in 0..TOLD {
            if matches!(self.ask, Ask::Turn) || self.coroutine.is_none() {
                break;
            }
            self.resume(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Step::Close
    }
}

impl Drop for Fibre {
    fn drop(&mut self) {
        // Dropping a suspended one would unwind frames of the app, which may be
        // of any language.
        if let Some(suspended) = self.coroutine.take().filter(Coroutine::started) {
            std::mem::forget(suspended);
        }
    }
}

impl Pool {
    fn keep(&mut self, stack: Option<GuardedStack>) {
        if self.stacks.len() < KEPT {
            self.stacks.extend(stack);
        }
    }

    /// Takes the turn, or a place in the queue.
    fn take(&mut self, key: usize) -> bool {
        if self.taken {
            self.queue.push_back(key);
            return false;
        }
        self.taken = true;
        true
    }

    /// Whether the turn of `key` has come.
    fn has_come(&mut self, key: usize) -> bool {
        self.granted.take_if(|granted| *granted == key).is_some()
    }

    /// Gives the turn to whoever is next.
    fn give(&mut self) {
        self.granted = self.queue.pop_front();
        self.next = self.granted;
        self.taken = self.granted.is_some();
    }
}

/// A coroutine, which waits by suspending.
struct Suspender<'a> {
    setup: &'a Setup,
    yielder: &'a Yielder<Answer, Ask>,
    key: usize,
    /// The app takes one call at a time.
    exclusive: bool,
    /// The app must not be suspended.
    unsuspendable: bool,
    has_turn: bool,
    /// Steps since it has let others run.
    steps: u32,
    /// Inside an app that must not be suspended.
    stays: bool,
}

impl<'a> Suspender<'a> {
    fn new(setup: &'a Setup, yielder: &'a Yielder<Answer, Ask>, key: usize) -> Self {
        let flags = setup.service.app.flags();
        let (exclusive, unsuspendable) = (!flags.has(AppFlags::CONCURRENT), flags.has(AppFlags::NO_SUSPEND));
        Self { setup, yielder, key, exclusive, unsuspendable, has_turn: false, steps: 0, stays: false }
    }
}

impl Waiter for Suspender<'_> {
    fn wait(
        &mut self,
        stream: &TcpStream,
        interest: Interest,
        deadline: Option<Instant>,
        alerts: Alerts,
    ) -> io::Result<Woken> {
        // A panic that is on its way is the thread's: nobody else may run. (A
        // module has its own; there, gateway-spec refuses.)
        if self.stays || thread::panicking() {
            return PollWaiter::new(&self.setup.stop, &[]).wait(stream, interest, deadline, alerts);
        }
        self.steps = 0;
        let mut woken = Woken { stop: true, ..Woken::default() };
        if !(alerts.stop && self.setup.stop.is_seen()) {
            woken = self.yielder.suspend(Ask::Socket { interest, deadline, stop: alerts.stop })?;
        }
        if woken.stop {
            woken.ready = wait_one(stream, interest.flags(), Some(Instant::now()))?;
        }
        Ok(woken)
    }

    fn enter(&mut self, call: bool) {
        self.stays = self.unsuspendable;
        if call && self.exclusive {
            self.has_turn = true;
            if !POOL.with_borrow_mut(|pool| pool.take(self.key)) {
                while !POOL.with_borrow_mut(|pool| pool.has_come(self.key)) {
                    // Only woken for its turn, or for nothing.
                    let _ = self.yielder.suspend(Ask::Turn);
                }
            }
        }
    }

    fn step(&mut self) -> io::Result<()> {
        self.steps += 1;
        if self.steps >= SHARE && !self.stays && !thread::panicking() {
            self.steps = 0;
            self.yielder.suspend(Ask::Others)?;
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.stays = false;
        if std::mem::take(&mut self.has_turn) {
            POOL.with_borrow_mut(Pool::give);
        }
    }
}

impl Drop for Suspender<'_> {
    fn drop(&mut self) {
        // A mistake of the server's must not keep the turn.
        self.leave();
    }
}
