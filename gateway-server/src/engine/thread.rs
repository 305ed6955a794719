//! A thread per connection, up to a cap: beyond it, clients wait in the
//! listener's queue.

use std::io;
use std::sync::Arc;

use super::accept::{Arrival, arrival, take};
use super::blocking::serve;
use super::crew::Crew;
use super::waiter::PollWaiter;
use super::{Engine, Outcome, Setup};
use crate::exchange::Bodies;
use crate::net::{Origin, Stream};
use crate::stats::Calls;

/// The registry's entry.
pub(super) const ENGINE: Engine = Engine {
    name: "thread",
    about: "a thread per connection",
    multithread: true,
    multiprocess: false,
    interleaves: true,
    bodies: Bodies::Live,
    connections: 1024,
    run,
};

fn run(setup: Setup) -> io::Result<Outcome> {
    let (setup, crew) = (Arc::new(setup), Crew::new()?);
    let pulse = setup.pulse();
    setup.serves(Calls::EachClient);
    loop {
        let open = crew.alive() < setup.tuning.connections;
        match arrival(&setup, open, Some(crew.ended()), pulse.as_ref())? {
            Arrival::Stop => return crew.wait(&setup.stop, setup.tuning.graceful),
            Arrival::Other => crew.clear(),
            Arrival::Clients(listeners) => {
                for listener in listeners {
                    if crew.alive() < setup.tuning.connections
                        && let Some((stream, origin)) = take(&setup, listener)?
                    {
                        start(&crew, &setup, stream, origin);
                    }
                }
            }
        }
    }
}

/// Starts a thread for a connection. Where none can be had the connection is
/// dropped: shed, and said.
fn start(crew: &Arc<Crew>, setup: &Arc<Setup>, stream: Stream, origin: Origin) {
    let theirs = Arc::clone(setup);
    let work = move || {
        let _guest = theirs.guest(&origin);
        serve(&theirs, &stream, origin, &mut PollWaiter::new(&theirs.stop, &[]));
    };
    if let Err(error) = crew.start("connection", work) {
        setup.shed(&error);
    }
}
