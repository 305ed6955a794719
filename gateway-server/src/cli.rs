//! The program: from the command line to an exit code.

mod control;
mod daemon;
mod inspect;
mod logs;
mod pid_file;
mod recent;
mod site;
mod stats;
mod status;
mod surroundings;
mod top;
mod upgrade;
mod workers;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gateway_spec::abi::guard;
use gateway_spec::{Body, Environ, Error, StartResponse, app_fn, escape};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level;
use tracing::Level;

use self::daemon::{Caller, Detached};
use self::logs::Logs;
use self::pid_file::PidFile;
use self::site::Loaded;
use self::upgrade::Start;
use crate::config::{Action, AppsConfig, Config, Control, Given, Inspect, Refused, Serve};
use crate::engine::{ENGINES, Factory, Stopper};
use crate::logs::{Form, Log};
use crate::net::{Bound, Identity, IdentityError, Listener, Notifier, forget_activation, raise_descriptor_limit};
use crate::server::{self, Manner, Server, ServerError};
use crate::stats::{Board, Journal};

/// Why the program ends with something else than 0.
enum Failure {
    /// The command line, or what it names: 2.
    Usage(String),
    /// Anything else: 1.
    Other(String),
}

impl Failure {
    /// The exit code, and the same for people.
    fn parts(&self) -> (u8, &str) {
        match self {
            Self::Usage(text) => (2, text),
            Self::Other(text) => (1, text),
        }
    }
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let start = Start::new();
    let given = match Given::read(std::env::args_os(), std::env::vars_os()) {
        Ok(given) => Ok(given),
        // clap prints help and its own errors, and exits with 0 or 2.
        Err(Refused::CommandLine(error)) => error.exit(),
        Err(Refused::Setting(text)) => Err(text),
    };
    let config = given.and_then(Given::enter).and_then(Given::check).map_err(Failure::Usage);
    let log = start_log(config.as_ref().ok());
    guard::escape_panics();
    // The addresses are known, and the app has started no threads yet.
    forget_activation();
    config.and_then(|config| run(config, &start, &log)).unwrap_or_else(|failure| {
        let (code, text) = failure.parts();
        complain(text);
        ExitCode::from(code)
    })
}

/// Says why the program ends. A standard error that cannot be written to must
/// not change how it ends; and nobody's file name moves the cursor.
fn complain(text: &str) {
    let lines: Vec<String> = text.lines().map(escape).collect();
    let _ = writeln!(std::io::stderr(), "gateway-server: {}", lines.join("\n"));
}

/// Lines go to standard error until it is known better, with colours where a terminal
/// shows them.
fn start_log(config: Option<&Config>) -> Arc<Log> {
    let how = config.and_then(|config| match config {
        Config::Apps(AppsConfig { action: Action::Serve(how), .. }) => Some(how),
        _ => None,
    });
    let (form, level) = how.map_or((Form::Text, Level::INFO), |how| (how.logs.form, how.logs.level));
    let is_shown = how.is_none_or(|how| how.surroundings.daemonize.is_none() && how.logs.file.is_none());
    let colours = form == Form::Text && is_shown && std::io::stderr().is_terminal();
    Log::start(if colours { Form::Colours } else { form }, level, recent::layer())
}

fn run(config: Config, start: &Start, log: &Log) -> Result<ExitCode, Failure> {
    let config = match &config {
        Config::Apps(config) => config,
        Config::Engines => return Ok(list_engines()),
        Config::Control(Control::Status { pidfile }) => return Ok(status::tell(pidfile)),
        Config::Control(Control::Top { address, once, token_file }) => {
            return top::show(address, *once, token_file.as_deref());
        }
        Config::Control(control) => return control::tell(control),
        Config::Fine => return Ok(say("ok")),
        Config::Print(page) => return Ok(say(page.trim_end())),
    };
    match &config.action {
        Action::Serve(how) => serve(config, how, start, log),
        Action::Inspect(_) => inspect::inspect_in_child(),
        Action::InspectHere(Inspect::List) => inspect::list(config),
        Action::InspectHere(Inspect::Check) => inspect::check(config),
    }
}

// ----- serve -----------------------------------------------------------------

fn serve(config: &AppsConfig, how: &Serve, start: &Start, log: &Log) -> Result<ExitCode, Failure> {
    surroundings::prepare(how)?;
    // Who takes over from a server that has detached itself is so already.
    let output = how.surroundings.daemonize.as_deref().filter(|_| !upgrade::takes_over());
    let caller = match daemon::detach(output)? {
        Detached::Caller(code) => return Ok(code),
        Detached::Server(caller) => Arc::new(caller),
    };
    let logs = Logs::open(how, log);
    logs.and_then(|logs| serve_here((config, how), start, &logs, &caller)).or_else(|failure| caller.fails(failure))
}

fn serve_here(
    (config, how): (&AppsConfig, &Serve),
    start: &Start,
    logs: &Logs<'_>,
    caller: &Arc<Caller>,
) -> Result<ExitCode, Failure> {
    raise_descriptor_limit();
    if let Some(policy) = &how.workers {
        return workers::supervise((config, how), policy, start, (logs, caller));
    }
    // What takes rights comes before the app, which may have fewer.
    let listeners = bound(how)?;
    let pid_file = PidFile::create(how.pidfile.as_deref(), None)?;
    let identity = identity(how)?;
    surroundings::give_up_rights(how)?;
    let (server, loaded) = server_of(config, how, identity)?;
    let mut server = server.listeners(listeners);
    if let Some(notifier) = Notifier::from_env() {
        server = server.notifier(notifier);
    }
    // After create: an app must not keep its own handlers.
    let stopper = server.stopper()?;
    stop_on_signals(&stopper)?;
    logs.anew_on_signal().map_err(ServerError::from)?;
    let (addresses, caller) = (server.addresses(), Arc::clone(caller));
    let server = server.on_ready(move || announce(&addresses, &caller));
    run_to_the_end(server, &loaded, pid_file, (logs, None))?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Listens at all addresses.
fn bound(how: &Serve) -> Result<Vec<Listener>, ServerError> {
    how.addresses.iter().map(|address| server::bind(address, &how.listening)).collect()
}

/// Reads the certificate and its key. Before the rights are given up that it may
/// take, and in each process that serves: a reload brings new ones.
fn identity(how: &Serve) -> Result<Option<Identity>, Failure> {
    Ok(how.tls.as_ref().map(Identity::load).transpose()?)
}

/// Loads the modules, creates the apps, and makes the server of all, which
/// listens nowhere yet.
fn server_of(config: &AppsConfig, how: &Serve, identity: Option<Identity>) -> Result<(Server, Loaded), Failure> {
    let run_once = server::is_run_once(how.engine, how.keep_alive_requests);
    let multiprocess = how.workers.is_some_and(|policy| policy.workers > 1);
    let manner = Manner { engine: how.engine, run_once, multiprocess };
    let loaded = Loaded::open(config)?;
    let host = if how.lint { server::linting_host } else { server::host }(&manner);
    let mut server = if how.create_in_child {
        loaded.check()?;
        let (loaded, host_of_children, lint) = (loaded.clone(), Arc::clone(&host), how.lint);
        let create = move || loaded.create(&host_of_children, lint).map_err(|failure| Error::app(failure.parts().1));
        let server = Server::hosting(Arc::new(app_fn(only_in_children)), host, how.engine);
        server.create_in_child(Factory::new(create))
    } else {
        Server::hosting(loaded.create(&host, how.lint)?, host, how.engine)
    };
    if multiprocess {
        server = server.multiprocess();
    }
    if let Some(identity) = identity {
        server = server.identity(identity);
    }
    Ok((configured(server, how), loaded))
}

fn run_to_the_end(
    mut server: Server,
    loaded: &Loaded,
    pid_file: Option<PidFile>,
    logs: (&Logs<'_>, Option<&Arc<Board>>),
) -> Result<(), Failure> {
    let (logs, board) = logs;
    let access_log = logs.access_log(board)?;
    if let Some(log) = &access_log {
        log.begin().map_err(ServerError::from)?;
        server = server.journal(Arc::clone(log) as Arc<dyn Journal>);
    }
    let outcome = server.run();
    access_log.iter().for_each(|log| log.end());
    logs.end();
    let outcome = outcome?;
    if outcome.abandoned > 0 {
        complain(&format!("connections that did not end in time: {}", outcome.abandoned));
        drop(pid_file);
        // An app's call is still running: nothing of it may be torn down.
        low_level::exit(1);
    }
    loaded.shutdown();
    Ok(())
}

fn configured(server: Server, how: &Serve) -> Server {
    let mut server = server
        .listening(how.listening)
        .proxies(how.proxies.clone())
        .limits(how.limits)
        .timeouts(how.timeouts)
        .keep_alive_requests(how.keep_alive_requests)
        .graceful(how.graceful)
        .trigger(how.trigger)
        .hand_over(how.hand_over)
        .queue(how.queue, how.queue_timeout);
    if let Some(most) = how.connections {
        server = server.connections(most);
    }
    if let Some(count) = how.loops {
        server = server.loops(count);
    }
    if let Some(most) = how.threads {
        server = server.threads(most);
    }
    if let Some(bytes) = how.stack_size {
        server = server.stack_size(bytes);
    }
    match &how.spool_dir {
        Some(dir) => server.spool_dir(dir),
        None => server,
    }
}

/// One line for each listener, on standard output, for people and scripts.
fn announce(addresses: &[Bound], caller: &Caller) {
    let lines: String = addresses.iter().map(|address| format!("listening on {address}\n")).collect();
    let mut out = std::io::stdout().lock();
    // A closed standard output must not stop the server.
    let _ = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
    caller.serves(&lines);
}

/// The first TERM or INT stops gracefully, the second at once.
fn stop_on_signals(stopper: &Stopper) -> Result<(), ServerError> {
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&again))?;
        signal_hook::flag::register(signal, Arc::clone(&again))?;
        stopper.stop_on(signal)?;
    }
    Ok(())
}

/// The app of a parent whose children create theirs.
fn only_in_children<'r>(_: Environ<'r>, _: &mut dyn StartResponse<'r>) -> gateway_spec::Result<Body<'r>> {
    Err(Error::State("the app is created in each child".into()))
}

// ----- words ------------------------------------------------------------------

fn list_engines() -> ExitCode {
    let width = ENGINES.iter().map(|engine| engine.name.len()).max().unwrap_or(0);
    for engine in ENGINES {
        println_quiet(&format!("{:width$}  {}", engine.name, engine.about));
    }
    ExitCode::SUCCESS
}

fn say(text: &str) -> ExitCode {
    println_quiet(text);
    ExitCode::SUCCESS
}

/// Prints; a reader that has left is no error.
fn println_quiet(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

// ----- failures --------------------------------------------------------------

impl From<IdentityError> for Failure {
    fn from(error: IdentityError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Address(_) | ServerError::Engine(_) | ServerError::NoAddress => Self::Usage(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}
