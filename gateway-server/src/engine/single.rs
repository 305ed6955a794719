//! One connection at a time, in order: the simplest server there is. While one
//! client is served, the others wait in the listener's queue; a connection
//! that is idle makes room when another client waits.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use super::accept::{Arrival, arrival, take};
use super::blocking::serve;
use super::crew::alone;
use super::waiter::PollWaiter;
use super::{Engine, Outcome, Setup};
use crate::exchange::Bodies;
use crate::stats::Calls;

/// The registry's entry.
pub(super) const ENGINE: Engine = Engine {
    name: "single",
    about: "one connection at a time, in order",
    multithread: false,
    multiprocess: false,
    interleaves: false,
    bodies: Bodies::Live,
    connections: 1,
    run,
};

fn run(setup: Setup) -> io::Result<Outcome> {
    alone(setup, serve_all)
}

fn serve_all(setup: &Arc<Setup>) -> io::Result<Outcome> {
    let others: Vec<BorrowedFd<'_>> = setup.listeners.iter().map(|listener| listener.as_fd()).collect();
    let pulse = setup.pulse();
    setup.serves(Calls::Most(1));
    loop {
        match arrival(setup, true, None, pulse.as_ref())? {
            Arrival::Stop => return Ok(Outcome::default()),
            Arrival::Other => {}
            Arrival::Clients(listeners) => {
                for listener in listeners {
                    if let Some((stream, origin)) = take(setup, listener)? {
                        let _guest = setup.guest(&origin);
                        serve(setup, &stream, origin, &mut PollWaiter::new(&setup.stop, &others).felt(pulse.as_ref()));
                    }
                }
            }
        }
    }
}
