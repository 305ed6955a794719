//! The program: from the command line to an exit code.

mod control;
mod daemon;
mod pid_file;
mod surroundings;
mod upgrade;
mod workers;

use std::io::{IsTerminal as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gateway_spec::abi::guard;
use gateway_spec::abi::host::Host;
use gateway_spec::lint::facts::ModuleFacts;
use gateway_spec::lint::{self, Lint};
use gateway_spec::loader::{self, LoadError, OpenModule, Options};
use gateway_spec::{App, Body, Config as AppConfig, Environ, Error, StartResponse, app_fn, escape};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level;

use self::daemon::{Caller, Detached};
use self::pid_file::PidFile;
use self::upgrade::Start;
use crate::config::{Action, Config, Given, Inspect, ModuleConfig, Refused, Serve};
use crate::engine::{ENGINES, Factory, Stopper};
use crate::net::{Bound, Identity, IdentityError, Listener, Notifier, forget_activation, raise_descriptor_limit};
use crate::server::{self, Manner, Server, ServerError};

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
    start_log(!config.as_ref().is_ok_and(daemon::is_wanted) && std::io::stderr().is_terminal());
    guard::escape_panics();
    // The addresses are known, and the app has started no threads yet.
    forget_activation();
    config.and_then(|config| run(config, &start)).unwrap_or_else(|failure| {
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

/// Log lines go to standard error, and nowhere where that cannot be written to; `GATEWAY_LOG=debug` shows more.
fn start_log(colours: bool) {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .with_env_var("GATEWAY_LOG")
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .init();
}

fn run(config: Config, start: &Start) -> Result<ExitCode, Failure> {
    let config = match &config {
        Config::Module(config) => config,
        Config::Engines => return Ok(list_engines()),
        Config::Control(control) => return control::tell(control),
        Config::Fine => return Ok(say("ok")),
        Config::Print(page) => return Ok(say(page.trim_end())),
    };
    match &config.action {
        Action::Serve(how) => serve(config, how, start),
        Action::Inspect(_) => inspect_in_child(),
        Action::InspectHere(Inspect::List) => list(config),
        Action::InspectHere(Inspect::Check) => check(config),
    }
}

// ----- serve -----------------------------------------------------------------

fn serve(config: &ModuleConfig, how: &Serve, start: &Start) -> Result<ExitCode, Failure> {
    surroundings::prepare(how)?;
    // Who takes over from a server that has detached itself is so already.
    let log = how.surroundings.daemonize.as_deref().filter(|_| !upgrade::takes_over());
    let caller = match daemon::detach(log)? {
        Detached::Caller(code) => return Ok(code),
        Detached::Server(caller) => Arc::new(caller),
    };
    serve_here(config, how, start, &caller).or_else(|failure| caller.fails(failure))
}

fn serve_here(config: &ModuleConfig, how: &Serve, start: &Start, caller: &Arc<Caller>) -> Result<ExitCode, Failure> {
    raise_descriptor_limit();
    if let Some(policy) = &how.workers {
        return workers::supervise(config, how, policy, start, caller);
    }
    // What takes rights comes before the app, which may have fewer.
    let listeners = bound(how)?;
    let pid_file = PidFile::create(how.pidfile.as_deref(), None)?;
    let identity = identity(how)?;
    surroundings::give_up_rights(how)?;
    let (server, module) = server_of(config, how, identity)?;
    let mut server = server.listeners(listeners);
    if let Some(notifier) = Notifier::from_env() {
        server = server.notifier(notifier);
    }
    // After create: an app must not keep its own handlers.
    let stopper = server.stopper()?;
    stop_on_signals(&stopper)?;
    let (addresses, caller) = (server.addresses(), Arc::clone(caller));
    let server = server.on_ready(move || announce(&addresses, &caller));
    run_to_the_end(server, &module, pid_file)?;
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

/// Loads the module, creates the app, and makes the server of both, which
/// listens nowhere yet.
fn server_of(config: &ModuleConfig, how: &Serve, identity: Option<Identity>) -> Result<(Server, OpenModule), Failure> {
    let run_once = server::is_run_once(how.engine, how.keep_alive_requests);
    let multiprocess = how.workers.is_some_and(|policy| policy.workers > 1);
    let manner = Manner { engine: how.engine, run_once, multiprocess };
    let module = open(config)?;
    let host = if how.lint { server::linting_host } else { server::host }(&manner);
    let create = creator(config, module.clone(), Arc::clone(&host), how.lint);
    let mut server = if how.create_in_child {
        module.entry(None)?;
        let factory = Factory::new(move || create().map_err(Error::app));
        Server::hosting(Arc::new(app_fn(only_in_children)), host, how.engine).create_in_child(factory)
    } else {
        Server::hosting(create()?, host, how.engine)
    };
    if multiprocess {
        server = server.multiprocess();
    }
    if let Some(identity) = identity {
        server = server.identity(identity);
    }
    Ok((configured(server, how), module))
}

fn run_to_the_end(server: Server, module: &OpenModule, pid_file: Option<PidFile>) -> Result<(), Failure> {
    let outcome = server.run()?;
    if outcome.abandoned > 0 {
        complain(&format!("connections that did not end in time: {}", outcome.abandoned));
        drop(pid_file);
        // An app's call is still running: nothing of it may be torn down.
        low_level::exit(1);
    }
    if let Err(error) = module.module().shutdown() {
        tracing::warn!("the module was not shut down: {error}");
    }
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

fn options(config: &ModuleConfig) -> Options {
    Options { strict: config.strict, base: config.base.clone() }
}

fn open(config: &ModuleConfig) -> Result<OpenModule, Failure> {
    let module = loader::open(&config.target, &options(config))?;
    for warning in module.warnings() {
        tracing::warn!("{warning}");
    }
    Ok(module)
}

/// What creates the app, now or in each child.
fn creator(
    config: &ModuleConfig,
    module: OpenModule,
    host: Arc<Host>,
    lint: bool,
) -> impl Fn() -> Result<Arc<dyn App>, LoadError> + Send + Sync + 'static {
    let settings = config.settings.clone();
    move || {
        let settings = AppConfig::from_pairs(settings.iter().cloned());
        let app = module.create(Arc::clone(&host), &settings)?;
        Ok(if lint { Arc::new(Lint::new(app)) } else { Arc::new(app) })
    }
}

/// The app of a parent whose children create theirs.
fn only_in_children<'r>(_: Environ<'r>, _: &mut dyn StartResponse<'r>) -> gateway_spec::Result<Body<'r>> {
    Err(Error::State("the app is created in each child".into()))
}

// ----- inspect ---------------------------------------------------------------

/// How the child says that it came to its end: a module that calls `exit(0)`
/// must not pass for a good one.
const DONE: u8 = 77;

/// Runs this program again: constructors of the module run before any check of
/// it, and a crash there must be told, not shared.
fn inspect_in_child() -> Result<ExitCode, Failure> {
    let other = |error: std::io::Error| Failure::Other(format!("cannot start a child process: {error}"));
    let program = std::env::current_exe().map_err(other)?;
    let arguments = std::env::args_os().skip(1);
    let status = Command::new(program).arg("--in-child").args(arguments).status().map_err(other)?;
    if let Some(signal) = status.signal() {
        let name = low_level::signal_name(signal).unwrap_or("unknown");
        return Err(Failure::Other(format!(
            "the module crashed while it was loaded or created: signal {signal} ({name})"
        )));
    }
    match status.code() {
        Some(code) if code == i32::from(DONE) => Ok(ExitCode::SUCCESS),
        Some(0) | None => Err(Failure::Other("the module ended the process while it was loaded or created".to_owned())),
        Some(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
    }
}

fn check(config: &ModuleConfig) -> Result<ExitCode, Failure> {
    let module = open(config)?;
    let entry = module.entry(None)?;
    drop(creator(config, module.clone(), server::host(&Manner::default()), false)()?);
    let info = module.module();
    for violation in lint::check_module(&ModuleFacts::of(info)) {
        println_quiet(&format!("warning: {violation}"));
    }
    println_quiet(&format!("ok: {}:{} ({} {})", module.path().display(), entry.name(), info.name(), info.version()));
    Ok(ExitCode::from(DONE))
}

fn list_engines() -> ExitCode {
    let width = ENGINES.iter().map(|engine| engine.name.len()).max().unwrap_or(0);
    for engine in ENGINES {
        println_quiet(&format!("{:width$}  {}", engine.name, engine.about));
    }
    ExitCode::SUCCESS
}

fn list(config: &ModuleConfig) -> Result<ExitCode, Failure> {
    let module = open(config)?;
    let info = module.module();
    let (major, minor) = info.abi();
    let mut text = format!("{}\n", module.path().display());
    text += &format!("  module   {} {}\n", info.name(), info.version());
    text += &format!("  abi      {major}.{minor}\n");
    text += &format!("  built    {}\n", info.built_with());
    if info.panic_aborts() {
        text += "  note     a panic in this module ends the server\n";
    }
    text += "  apps\n";
    let width = info.names().iter().map(|name| name.len()).max().unwrap_or(0);
    for app in info.apps() {
        text += format!("    {:width$}  {}", app.name(), first_sentence(&app.doc())).trim_end();
        text += "\n";
    }
    println_quiet(text.trim_end());
    Ok(ExitCode::from(DONE))
}

/// The first sentence of a text, on one line and safe for a terminal.
fn first_sentence(doc: &str) -> String {
    let paragraph: Vec<&str> = doc.trim().lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    escape(paragraph.split_inclusive(". ").next().unwrap_or_default().trim())
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

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Create { .. } | LoadError::CreatePanicked { .. } => Self::Other(error.to_string()),
            _ => Self::Usage(error.to_string()),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::first_sentence;

    #[test]
    fn a_doc_shows_as_its_first_sentence() {
        assert_eq!(first_sentence(" Counts. More\n of it.\n"), "Counts.");
        assert_eq!(first_sentence(" Counts the\n bytes\n\n More."), "Counts the bytes");
        assert_eq!(first_sentence("\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(first_sentence(""), "");
    }
}
