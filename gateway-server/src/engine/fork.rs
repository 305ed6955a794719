//! A process per connection: the model of the first web servers. The parent
//! accepts, forks, closes its copy and goes on; a child serves its connection
//! and ends. A crash takes one client with it and nobody else.

use std::io;
use std::sync::Arc;

use gateway_spec::{App, Error, app_fn};
use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};
use signal_hook::consts::{SIGCHLD, SIGINT, SIGTERM};
use signal_hook::low_level;

use super::accept::{Arrival, arrival, take};
use super::blocking::serve;
use super::children::Children;
use super::waiter::PollWaiter;
use super::{Engine, Factory, Outcome, Setup};
use crate::exchange::{Bodies, Service};
use crate::net::{Origin, Stream};
use crate::stats::Calls;
use crate::sys::{Forked, empty_signal, fork, reset_signal, threads};

/// The registry's entry.
pub(super) const ENGINE: Engine = Engine {
    name: "fork",
    about: "a process per connection",
    multithread: false,
    multiprocess: true,
    interleaves: false,
    bodies: Bodies::Live,
    connections: 256,
    run,
};

fn run(setup: Setup) -> io::Result<Outcome> {
    let count = threads()?;
    if count != 1 {
        return Err(io::Error::other(format!(
            "the engine fork needs a process with one thread, and this one has {count}: the app has started some; \
             create it in each child with --fork-create child, or choose another engine"
        )));
    }
    let (parent, mut children) = (getpid(), Children::new()?);
    let pulse = setup.pulse();
    setup.serves(Calls::EachClient);
    loop {
        let open = children.count() < setup.tuning.connections;
        match arrival(&setup, open, Some(children.ended()), pulse.as_ref())? {
            Arrival::Stop => return children.wait(&setup),
            Arrival::Other => children.reap(&setup)?,
            Arrival::Clients(listeners) => {
                let mut clients = Vec::new();
                for listener in listeners {
                    if children.count() + clients.len() < setup.tuning.connections {
                        clients.extend(take(&setup, listener)?);
                    }
                }
                while let Some((stream, origin)) = clients.pop() {
                    match fork(|| leave_the_parent(parent)) {
                        Ok(Forked::Parent(child)) => {
                            setup.arrives(origin.is_relayed);
                            children.add(child, origin.endpoint.client().escape_ascii().to_string());
                        }
                        Ok(Forked::Child) => {
                            drop((clients, children));
                            serve_as_child(setup, stream, origin);
                        }
                        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => return Err(error),
                        Err(error) => setup.shed(&error),
                    }
                }
            }
        }
    }
}

/// Serves one connection, and ends the process.
fn serve_as_child(mut setup: Setup, stream: Stream, origin: Origin) -> ! {
    // Its copies would keep the addresses taken for as long as it lives.
    setup.listeners.clear();
    let own = setup.factory.take().map(|factory| create(&factory));
    if let Some(app) = &own {
        setup.service = Arc::new(Service { app: Arc::clone(app), ..Service::clone(&setup.service) });
    }
    serve(&setup, &stream, origin, &mut PollWaiter::new(&setup.stop, &[]));
    // An app of the parent's is the parent's to end.
    if let Some(app) = own {
        app.shutdown();
        drop((setup, app));
    }
    // Not `exit`: what the parent has registered or buffered is the parent's.
    low_level::exit(0)
}

/// This child's own app. Where it cannot be created, each request is told so.
fn create(factory: &Factory) -> Arc<dyn App> {
    factory.create().unwrap_or_else(|error| {
        let text = error.to_string();
        Arc::new(app_fn(move |_, _| Err(Error::app(text.clone()))))
    })
}

/// Gives up what belongs to the parent: its signal handlers, which write to its
/// pipes, and a life beyond its own.
fn leave_the_parent(parent: Pid) -> io::Result<()> {
    reset_signal(SIGCHLD)?;
    // A terminal and a service manager send them to everybody: the parent tells
    // its children to end well, over the pipe that they share.
    empty_signal(SIGINT)?;
    empty_signal(SIGTERM)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before that line.
    if getppid() != Some(parent) {
        low_level::exit(1);
    }
    Ok(())
}
