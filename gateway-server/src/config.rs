//! Command line, environment and file -> raw flags -> [`Config`], checked and
//! immutable.
//!
//! `flags` is the one definition. A `setting` is a flag that has a variable and
//! a key too; `environment` and `file` read these, and `given` lays the command
//! line over them. `print` and [`mod@reference`] write settings down.

mod app_settings;
mod environment;
mod file;
mod files;
mod flags;
mod given;
mod identity;
mod listen;
mod logs;
mod mounts;
mod print;
mod processes;
mod proxies;
pub mod reference;
mod setting;
mod source;
mod stats;
mod surroundings;

use std::path::PathBuf;

use self::flags::{EngineFlags, ForkCreate, HandOver, LimitFlags, TimeFlags, Trigger, Underscores};
use self::listen::ListenFlags;
use self::processes::{ProcessFlags, cores};
use self::stats::StatsFlags;
use crate::engine::{self, Engine, QUEUE_TIMEOUT, THREADS};
use crate::exchange::{Proxies, Timeouts};
use crate::net::{Address, IdentityFiles, Listening};
use crate::protocol::{Limits, UnderscoreHeaders};
use crate::supervisor::Policy;

pub use self::app_settings::AppSettings;
pub use self::flags::{Control, Flags};
pub use self::given::{Given, Refused};
pub use self::identity::Identity;
pub use self::logs::{Access, Logs};
pub use self::mounts::{Content, Module, Mount, StaticFolder};
pub use self::setting::command;
pub use self::stats::Stats;

/// What is to be done, checked.
#[derive(Debug)]
pub enum Config {
    /// Something with apps.
    Apps(AppsConfig),
    /// List the engines.
    Engines,
    /// Tell a server that runs something.
    Control(Control),
    /// Say that the configuration is one.
    Fine,
    /// Print this, which is the configuration.
    Print(String),
}

/// What is to be done with apps.
#[derive(Debug)]
pub struct AppsConfig {
    /// What is served, and where: no place twice.
    pub mounts: Vec<Mount>,
    /// What apps are configured with.
    pub settings: AppSettings,
    /// Whether a module that others can write to is refused.
    pub strict: bool,
    /// What to do with it.
    pub action: Action,
}

/// What to do with them.
#[derive(Debug)]
pub enum Action {
    /// Serve them.
    Serve(Box<Serve>),
    /// Look at them in a child process.
    Inspect(Inspect),
    /// Look at them in this process, which is that child.
    InspectHere(Inspect),
}

/// How to serve.
#[derive(Debug)]
pub struct Serve {
    /// Where.
    pub addresses: Vec<Address>,
    /// How to listen there.
    pub listening: Listening,
    /// What the process has about it.
    pub surroundings: Surroundings,
    /// What is written down.
    pub logs: Logs,
    /// The certificate and its key, where TLS is spoken.
    pub tls: Option<IdentityFiles>,
    /// Whether to lint.
    pub lint: bool,
    /// Whether a change of a module's file is a reload.
    pub watch: bool,
    /// Where operators are told how it does, where they are.
    pub stats: Option<Stats>,
    /// Under a master, where there is one.
    pub workers: Option<Policy>,
    /// Where the process's id is written.
    pub pidfile: Option<PathBuf>,
    /// The concurrency model.
    pub engine: Engine,
    /// The most connections, where it is said.
    pub connections: Option<usize>,
    /// How `epoll` is told.
    pub trigger: engine::Trigger,
    /// A coroutine's stack, in bytes, where it is said.
    pub stack_size: Option<usize>,
    /// How many loops `leader` has, where it is said.
    pub loops: Option<usize>,
    /// The most calls at once of `leader`, where it is said.
    pub threads: Option<usize>,
    /// How many requests may wait for a call of `leader` to end, where it is said.
    pub queue: Option<usize>,
    /// How long each may.
    pub queue_timeout: Option<std::time::Duration>,
    /// When `leader` hands polling over.
    pub hand_over: engine::HandOver,
    /// Whether each child of `fork` creates the app.
    pub create_in_child: bool,
    /// How much a client may send.
    pub limits: Limits,
    /// The most requests of a connection; 0 for no limit.
    pub keep_alive_requests: u64,
    /// Whose word is taken about who a client is.
    pub proxies: Proxies,
    /// Where large bodies are kept.
    pub spool_dir: Option<PathBuf>,
    /// How long a client may take.
    pub timeouts: Timeouts,
    /// How long running requests may take at the end.
    pub graceful: std::time::Duration,
}

/// What the process has about it, but for its folder: see [`Given::enter`].
#[derive(Debug)]
pub struct Surroundings {
    /// The permissions that new files do not get, where they are said.
    pub umask: Option<u32>,
    /// Whose it is once the addresses are bound, where that is said.
    pub identity: Option<Identity>,
    /// The log of a server that goes on by itself, where it does.
    pub daemonize: Option<PathBuf>,
}

/// What to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspect {
    /// Load all modules and create the apps.
    Check,
    /// List the apps of a module.
    List,
}

impl Flags {
    /// Checks what clap cannot; the folder is that of the file which has given a
    /// flag, by its id.
    ///
    /// # Errors
    /// A sentence for the user.
    fn check(self, folder: impl Fn(&str) -> Option<PathBuf>) -> Result<Config, String> {
        if let Some(control) = self.control {
            return Ok(Config::Control(control));
        }
        if self.engines {
            return Ok(Config::Engines);
        }
        if self.in_child && !self.list && !self.check {
            return Err("--in-child belongs to --check and --list".to_owned());
        }
        let mut mounts = self.mounts.check(self.files, folder)?;
        if self.list {
            // That of MODULE: a file for serving may name others.
            mounts.truncate(1);
        }
        let inspect = if self.list { Inspect::List } else { Inspect::Check };
        let (settings, strict) = (AppSettings::check(self.set, &mounts)?, self.strict);
        let action = match (self.list || self.check, self.in_child) {
            (false, _) => {
                let serve = (self.serve.bind, self.listen, self.serve.lint, self.stats);
                let about = (self.proxies.check()?, self.surroundings.check()?, self.logs.check()?);
                Action::Serve(Box::new(serving(serve, about, self.engine, &self.processes, self.limits, &self.times)?))
            }
            (true, false) => Action::Inspect(inspect),
            (true, true) => Action::InspectHere(inspect),
        };
        Ok(Config::Apps(AppsConfig { mounts, settings, strict, action }))
    }
}

fn serving(
    (addresses, listen, lint, stats): (Vec<Address>, ListenFlags, bool, StatsFlags),
    (proxies, surroundings, logs): (Proxies, Surroundings, Logs),
    engine: EngineFlags,
    processes: &ProcessFlags,
    limits: LimitFlags,
    times: &TimeFlags,
) -> Result<Serve, String> {
    let mut expanded = Vec::new();
    for address in addresses {
        expanded.extend(address.expanded().map_err(|error| format!("--bind {error}"))?);
    }
    let addresses = expanded;
    if let Some(address) = repeated(addresses.iter().filter(|address| !address.takes_a_free_port()).map(Address::place))
    {
        return Err(format!("--bind {address} is given twice"));
    }
    let listening = listen.check();
    let tls = listen.identity(&addresses)?;
    check_engine(&engine, processes, times)?;
    if let Some(dir) = &limits.spool_dir {
        // Better now than at the first large upload.
        tempfile::tempfile_in(dir).map_err(|error| format!("--spool-dir {}: {error}", dir.display()))?;
    }
    // A client that is told to stay and finds the connection closed would have
    // to send its request again.
    let stays = !times.keep_alive_timeout.is_zero();
    let threads = engine.threads.map_or(THREADS, usize::from);
    let workers = processes.policy(times.graceful_timeout, threads)?;
    let stats = stats.check(&addresses, workers.is_some())?;
    let shared = workers.filter(|_| engine.engine.name == "leader").map(|policy| (cores() / policy.workers).max(1));
    Ok(Serve {
        addresses,
        listening,
        surroundings,
        logs,
        tls,
        lint,
        watch: processes.watch,
        stats,
        workers,
        pidfile: processes.pidfile.clone(),
        engine: engine.engine,
        connections: engine.connections.map(|most| most as usize),
        trigger: match engine.trigger {
            None | Some(Trigger::Level) => engine::Trigger::Level,
            Some(Trigger::Edge) => engine::Trigger::Edge,
        },
        stack_size: engine.stack_size.map(|size| size.as_u64() as usize),
        loops: engine.loops.map(usize::from).or(shared),
        threads: engine.threads.map(usize::from),
        queue: engine.queue.map(|most| most as usize),
        queue_timeout: Some(engine.queue_timeout.unwrap_or(QUEUE_TIMEOUT)).filter(|time| !time.is_zero()),
        hand_over: match engine.hand_over {
            None | Some(HandOver::Auto) => engine::HandOver::Auto,
            Some(HandOver::Always) => engine::HandOver::Always,
            Some(HandOver::Never) => engine::HandOver::Never,
        },
        create_in_child: engine.fork_create == Some(ForkCreate::Child),
        proxies,
        keep_alive_requests: if stays { limits.keep_alive_requests } else { 1 },
        timeouts: timeouts(times),
        graceful: times.graceful_timeout,
        limits: limits_of(&limits),
        spool_dir: limits.spool_dir,
    })
}

/// A flag of one engine means nothing to another.
fn check_engine(flags: &EngineFlags, processes: &ProcessFlags, times: &TimeFlags) -> Result<(), String> {
    let engine = flags.engine.name;
    for (flag, given, owner) in [
        ("--loops", flags.loops.is_some(), "leader"),
        ("--threads", flags.threads.is_some(), "leader"),
        ("--queue", flags.queue.is_some(), "leader"),
        ("--queue-timeout", flags.queue_timeout.is_some(), "leader"),
        ("--hand-over", flags.hand_over.is_some(), "leader"),
        ("--max-late-calls", processes.max_late_calls.is_some(), "leader"),
        ("--request-timeout", times.request_timeout.is_some(), "leader"),
        ("--trigger", flags.trigger.is_some(), "epoll"),
        ("--stack-size", flags.stack_size.is_some(), "coroutine"),
        ("--fork-create", flags.fork_create.is_some(), "fork"),
    ] {
        if given && engine != owner {
            return Err(format!("{flag} belongs to --engine {owner}; the engine is {engine}"));
        }
    }
    if engine == "single" && flags.connections.is_some_and(|most| most > 1) {
        return Err("--engine single serves one connection at a time: leave --connections out".to_owned());
    }
    Ok(())
}

fn limits_of(flags: &LimitFlags) -> Limits {
    let bytes = |size: bytesize::ByteSize| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
    Limits {
        line: bytes(flags.max_line),
        head: bytes(flags.max_head),
        fields: usize::from(flags.max_fields),
        body: flags.max_body.as_u64(),
        spool: flags.max_spool.as_u64(),
        underscore: match flags.underscore_headers {
            Underscores::Drop => UnderscoreHeaders::Drop,
            Underscores::Refuse => UnderscoreHeaders::Refuse,
            Underscores::Allow => UnderscoreHeaders::Allow,
        },
    }
}

fn timeouts(flags: &TimeFlags) -> Timeouts {
    Timeouts {
        head: flags.head_timeout,
        keep_alive: flags.keep_alive_timeout,
        body_grace: flags.body_timeout,
        body_rate: flags.body_rate.as_u64(),
        write: flags.write_timeout,
        call: flags.request_timeout,
    }
}

/// The first of a list that stands in it again.
fn repeated<T: PartialEq>(list: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = Vec::new();
    for item in list {
        if seen.contains(&item) {
            return Some(item);
        }
        seen.push(item);
    }
    None
}
