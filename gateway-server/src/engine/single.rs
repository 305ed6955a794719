//! One connection at a time, in order: the simplest server there is. While one
//! client is served, the others wait in the listener's queue; a connection
//! that is idle makes room when another client waits.
//!
//! The connections have a thread of their own, so that the first one can keep
//! the graceful time when the app hangs.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

use super::accept::{Arrival, arrival, take};
use super::blocking::serve;
use super::crew::Crew;
use super::{Engine, Outcome, Setup};

/// The registry's entry.
pub(super) const ENGINE: Engine =
    Engine { name: "single", about: "one connection at a time, in order", multithread: false, run };

fn run(setup: &Arc<Setup>) -> io::Result<Outcome> {
    let crew = Crew::new()?;
    let failure = Arc::new(Mutex::new(None));
    let (server, place) = (Arc::clone(setup), Arc::clone(&failure));
    crew.start("connections", move || {
        if let Err(error) = serve_all(&server) {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    })?;
    // Either it is time to end, or the thread has ended by itself.
    arrival(setup, false, Some(crew.ended()))?;
    let outcome = crew.wait(setup)?;
    match failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(error) => Err(error),
        None => Ok(outcome),
    }
}

fn serve_all(setup: &Setup) -> io::Result<()> {
    let others: Vec<BorrowedFd<'_>> = setup.listeners.iter().map(|listener| listener.as_fd()).collect();
    loop {
        match arrival(setup, true, None)? {
            Arrival::Stop => return Ok(()),
            Arrival::Other => {}
            Arrival::Clients(listeners) => {
                for listener in listeners {
                    if let Some((stream, endpoint)) = take(setup, listener)? {
                        serve(setup, &stream, endpoint, &others);
                    }
                }
            }
        }
    }
}
