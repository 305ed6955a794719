//! A coroutine per connection, all on one thread: each runs the blocking loop
//! on a stack of its own, and whoever would wait for its client lets the others
//! run. An app that reads its input, writes, or sleeps through its environ
//! suspends there, and does not know it.

mod pool;
mod suspender;

use std::io;
use std::ops::Range;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use corosensei::{Coroutine, CoroutineResult, Yielder};
use gateway_spec::abi::guard::caught;

use self::pool::POOL;
use self::suspender::Suspender;
use super::blocking::serve;
use super::crew::alone;
use super::epoll::Set;
use super::event_loop::{self, Context, Task};
use super::poller::Interest;
use super::reactor::{Connection, Step, Wake};
use super::waiter::Woken;
use super::{Engine, MANY, Outcome, Setup};
use crate::exchange::{Bodies, Resting};
use crate::net::{Origin, Stream};
use crate::stats::Calls;
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
    stream: Rc<Stream>,
    /// None once it has returned.
    coroutine: Option<Coroutine<Answer, Ask, (), GuardedStack>>,
    ask: Ask,
    /// The guard below its stack.
    guard: Range<usize>,
}

/// How often a coroutine that is left is told so: each time it may wait again.
const TOLD: usize = 64;

impl Connection for Fibre {
    fn socket(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Task for Fibre {
    const CALLS: Calls = Calls::Any;

    fn new(context: &mut Context<'_>, key: usize, stream: Stream, origin: Origin) -> io::Result<Self> {
        let kept = POOL.with_borrow_mut(|pool| pool.stacks.pop());
        let stack = kept.map_or_else(|| GuardedStack::new(context.setup.tuning.stack_size), Ok)?;
        let guard = stack.guard();
        let (setup, stream) = (Arc::clone(context.setup), Rc::new(stream));
        let socket = Rc::clone(&stream);
        let coroutine = Coroutine::with_stack(stack, move |yielder: &Yielder<Answer, Ask>, _: Answer| {
            let mut waiter = Suspender::new(&setup, yielder, key);
            // A mistake of the server's ends this connection and no other.
            let outcome = caught(|| {
                serve(&setup, &socket, origin, &mut waiter);
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
            (Wake::Ready | Wake::Hangup, _) => Ok(Woken { ready: true, ..Woken::default() }),
            (Wake::Stop | Wake::Drain | Wake::Leave, Ask::Socket { stop: true, .. }) => {
                Ok(Woken { stop: true, ..Woken::default() })
            }
            (Wake::Stop | Wake::Drain | Wake::Leave, _) => return self.step(),
            // Only its turn wakes it.
            (Wake::Late, Ask::Turn) => return Step::Park,
            (Wake::Late, _) => Ok(Woken::default()),
        };
        let step = self.resume(answer);
        context.again.extend(POOL.with_borrow_mut(|pool| pool.next.take()));
        step
    }

    fn deadline(&self, _: &Context<'_>) -> Option<Instant> {
        match self.ask {
            Ask::Socket { deadline, .. } => deadline,
            Ask::Turn | Ask::Others => None,
        }
    }

    /// It says so itself: see [`Lingering`](super::stop::Lingering).
    fn is_answered(&self) -> bool {
        false
    }

    /// It passes itself on.
    fn resting(&self) -> Option<&Resting> {
        None
    }

    /// Tells the app at each of its waits that the client is gone, until it
    /// returns; one that goes on regardless is left suspended.
    fn end(&mut self) {
        for _ in 0..TOLD {
            if matches!(self.ask, Ask::Turn) || self.coroutine.is_none() {
                break;
            }
            self.resume(Err(io::ErrorKind::ConnectionReset.into()));
        }
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
