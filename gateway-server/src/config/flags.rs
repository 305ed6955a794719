//! The flags as they are typed.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::files::FileFlags;
use super::listen::ListenFlags;
use super::logs::LogFlags;
use super::mounts::MountFlags;
use super::processes::ProcessFlags;
use super::proxies::ProxyFlags;
use super::stats::StatsFlags;
use super::surroundings::SurroundingsFlags;
use crate::engine::Engine;
use crate::net::Address;

/// The flags that say what to do, not how: neither variables nor keys of a file
/// give them. All others are settings, and both are made of them by themselves.
pub(super) const COMMAND_LINE_ONLY: &[&str] =
    &["check", "check_config", "config", "engines", "help", "in_child", "list", "print_config", "version"];

const EXAMPLES: &str = "\
Examples:
  gateway-server libhello.so:app
  gateway-server --bind 0.0.0.0:80 --bind [::1]:80 ./libshop.so:app
  gateway-server --mount /api=libapi.so:app --mount /=libsite.so:app
  gateway-server --set greeting=Hi --engine single target/release/libcounter.so:app
  gateway-server --list libmulti.so
  gateway-server --check libhello.so:app
  gateway-server --config gateway.toml
  gateway-server reload /run/shop.pid

Settings:
  A flag wins over its variable, and that over the file of --config:
  --max-line 4KiB, GATEWAY_MAX_LINE=4KiB, max-line = \"4KiB\".
  MODULE:APP is GATEWAY_APP and app; [set] is a table; commas separate the
  values of a variable. --lint=false turns off what the file turns on.

Exit codes:
  0  a clean stop
  2  the command line is wrong, or names a module or an app that cannot be used
  1  anything else: the app could not be created, an address is taken, a crash";

/// The flags as they are typed.
#[derive(Debug, Parser)]
#[command(
    name = "gateway-server",
    version,
    about = "Serves a web application that was compiled to a shared library",
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    styles = Styles::styled().header(AnsiColor::Green.on_default().bold()).usage(AnsiColor::Green.on_default().bold()),
)]
pub struct Flags {
    #[command(subcommand)]
    pub(super) control: Option<Control>,

    #[command(flatten)]
    pub(super) mounts: MountFlags,

    #[command(flatten)]
    pub(super) serve: ServeFlags,

    /// Configure each app, or with PLACE:KEY=VALUE the one that is mounted there; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(super) set: Vec<(String, String)>,

    /// Refuse a module that others can write to, instead of warning
    #[arg(long)]
    pub(super) strict: bool,

    /// Read settings from a TOML file; GATEWAY_CONFIG names one as well
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Read all settings, say "ok" or what is wrong with them, and end
    #[arg(long, conflicts_with_all = ["check", "list", "print_config"])]
    pub(super) check_config: bool,

    /// Print all settings as a TOML file, each with where it comes from, and end
    #[arg(long, conflicts_with_all = ["check", "list"])]
    pub(super) print_config: bool,

    /// Load each module and create its app in a child process, say how that went, and end
    #[arg(long, conflicts_with_all = ["list", "ServeFlags", "ListenFlags", "ProxyFlags", "EngineFlags", "ProcessFlags", "LogFlags", "StatsFlags", "LimitFlags", "TimeFlags", "umask", "user", "group", "daemonize"])]
    pub(super) check: bool,

    /// Print the module's apps, versions and build, and end
    #[arg(long, conflicts_with_all = ["set", "mount", "app_dir", "static_folders", "FileFlags", "ServeFlags", "ListenFlags", "ProxyFlags", "EngineFlags", "ProcessFlags", "LogFlags", "StatsFlags", "LimitFlags", "TimeFlags", "umask", "user", "group", "daemonize"])]
    pub(super) list: bool,

    /// Print the engines, a line for each, and end
    #[arg(long, exclusive = true)]
    pub(super) engines: bool,

    /// This is the child that --check or --list has started
    #[arg(long, hide = true)]
    pub(super) in_child: bool,

    // Last: a heading goes on until the next one.
    #[command(flatten)]
    pub(super) files: FileFlags,

    #[command(flatten)]
    pub(super) listen: ListenFlags,

    #[command(flatten)]
    pub(super) proxies: ProxyFlags,

    #[command(flatten)]
    pub(super) engine: EngineFlags,

    #[command(flatten)]
    pub(super) processes: ProcessFlags,

    #[command(flatten)]
    pub(super) stats: StatsFlags,

    #[command(flatten)]
    pub(super) surroundings: SurroundingsFlags,

    #[command(flatten)]
    pub(super) logs: LogFlags,

    #[command(flatten)]
    pub(super) limits: LimitFlags,

    #[command(flatten)]
    pub(super) times: TimeFlags,
}

/// What a server that runs is told, by the file that its `--pidfile` names.
#[derive(Clone, Debug, Subcommand)]
pub enum Control {
    /// Have a server load its app anew, and wait until it has, or has not and why
    Reload {
        /// What its --pidfile names
        pidfile: PathBuf,
    },
    /// Have the program that is there now take over from a server, and wait until it has
    Upgrade {
        /// What its --pidfile names
        pidfile: PathBuf,
    },
    /// Stop a server, and wait until it has ended
    Stop {
        /// What its --pidfile names
        pidfile: PathBuf,
    },
    /// Say whether a server runs, since when, and with how many workers; ends with 0 if it does, with 3 if not
    Status {
        /// What its --pidfile names
        pidfile: PathBuf,
    },
    /// Show how a server does, again and again: what its --stats tells
    Top {
        /// Where its --stats is: 127.0.0.1:9000, unix:/run/shop/stats.sock
        #[arg(value_name = "ADDR")]
        address: Address,
        /// Show it once
        #[arg(long)]
        once: bool,
        /// What its --stats-token-file is, or one of the same content; GATEWAY_STATS_TOKEN_FILE names one as well
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
}

/// Where, and whether with a check.
#[derive(Debug, Args)]
pub(super) struct ServeFlags {
    /// Listen on ADDR: 127.0.0.1:8000, [::1]:8000, http:// or https:// before them, unix:/run/app.sock, fd://3 or systemd; uwsgi://, scgi:// or fastcgi:// before any of these; may be given several times; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8000")]
    pub(super) bind: Vec<Address>,

    /// Check app and server against the rules of the interface, request by request
    #[arg(long)]
    pub(super) lint: bool,
}

/// How many at once.
#[derive(Debug, Args)]
#[command(next_help_heading = "Engine")]
pub(super) struct EngineFlags {
    /// How clients are served: --engines lists the models
    #[arg(long, value_name = "NAME", default_value = "leader", value_parser = engine)]
    pub(super) engine: Engine,

    /// Serve at most N connections at once; others wait [default: fork 256, thread 1024, loops 16384]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) connections: Option<u32>,

    /// leader: how many threads poll at once [default: the cores of this process]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) loops: Option<u16>,

    /// leader: the most calls of the app at once [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) threads: Option<u16>,

    /// leader: let at most N requests wait for one of these calls to end; 503 beyond [default: as many as come]
    #[arg(long, value_name = "N")]
    pub(super) queue: Option<u32>,

    /// leader: let each of them wait for so long; then 503; 0s for ever [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(super) queue_timeout: Option<Duration>,

    /// leader: hand polling over once calls turn out to block, before each call, or never [default: auto]
    #[arg(long, value_name = "WHEN")]
    pub(super) hand_over: Option<HandOver>,

    /// epoll: tell of readiness as long as it lasts, or once when it comes [default: level]
    #[arg(long, value_name = "HOW")]
    pub(super) trigger: Option<Trigger>,

    /// coroutine: the stack of each; an app that needs more ends the server [default: 256KiB]
    #[arg(long, value_name = "SIZE", value_parser = stack)]
    pub(super) stack_size: Option<ByteSize>,

    /// fork: create the app once, or in each child: for apps that start threads [default: parent]
    #[arg(long, value_name = "WHERE")]
    pub(super) fork_create: Option<ForkCreate>,
}

/// How much a client may send.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits (sizes as 512B, 64KiB, 1GiB)")]
pub(super) struct LimitFlags {
    /// The request line; 414 beyond
    #[arg(long, value_name = "SIZE", default_value = "8KiB", value_parser = size)]
    pub(super) max_line: ByteSize,

    /// The request line and all header fields; 431 beyond
    #[arg(long, value_name = "SIZE", default_value = "32KiB", value_parser = size)]
    pub(super) max_head: ByteSize,

    /// Header fields; 431 beyond; at most 256
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) max_fields: u16,

    /// A request body; 413 beyond
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = size)]
    pub(super) max_body: ByteSize,

    /// A request body that is kept until it is complete, on engines that do so; 413 beyond
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = size)]
    pub(super) max_spool: ByteSize,

    /// Where such bodies are kept beyond 64 KiB [default: the folder for temporary files]
    #[arg(long, value_name = "DIR")]
    pub(super) spool_dir: Option<PathBuf>,

    /// Requests of one connection; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) keep_alive_requests: u64,

    /// Header names with an underscore, which CGI cannot tell from a hyphen
    #[arg(long, value_name = "WHAT", default_value = "drop")]
    pub(super) underscore_headers: Underscores,
}

/// How long a client may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Time limits (as 500ms, 10s, 2m)")]
pub(super) struct TimeFlags {
    /// From a head's first byte, or the connection's start, to its end; 408 beyond
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub(super) head_timeout: Duration,

    /// Before a body has to come at --body-rate; 408 beyond
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub(super) body_timeout: Duration,

    /// What a body has to bring per second after that
    #[arg(long, value_name = "SIZE", default_value = "512B", value_parser = size)]
    pub(super) body_rate: ByteSize,

    /// Between two requests; 0s closes after each
    #[arg(long, value_name = "TIME", default_value = "75s", value_parser = humantime::parse_duration)]
    pub(super) keep_alive_timeout: Duration,

    /// Without any progress of a response
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub(super) write_timeout: Duration,

    /// leader: for one call of the app; 504 beyond, or a cut where it has begun to answer [default: none]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) request_timeout: Option<Duration>,

    /// What running requests get at the end
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub(super) graceful_timeout: Duration,
}

/// `--hand-over`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum HandOver {
    Auto,
    Always,
    Never,
}

/// `--trigger`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Trigger {
    Level,
    Edge,
}

/// `--fork-create`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ForkCreate {
    Parent,
    Child,
}

/// `--underscore-headers`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Underscores {
    /// Leave the header out
    Drop,
    /// Answer 400
    Refuse,
    /// Let it stand in the header list, never as HTTP_...
    Allow,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

fn engine(name: &str) -> Result<Engine, String> {
    Engine::named(name).ok_or_else(|| format!("known engines: {}", Engine::names()))
}

pub(super) fn size(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text.parse().map_err(|_| "write a size as 512B, 64KiB or 1GiB".to_owned())?;
    if size.as_u64() == 0 { Err("a size of 0 lets nobody in".to_owned()) } else { Ok(size) }
}

fn stack(text: &str) -> Result<ByteSize, String> {
    let stack = size(text)?;
    // Less than that is taken by the server itself; more than a process has
    // room for helps nobody.
    if (ByteSize::kib(64)..=ByteSize::gib(1)).contains(&stack) {
        Ok(stack)
    } else {
        Err("a stack has from 64KiB to 1GiB".to_owned())
    }
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| format!("{error}: write a time as 500ms or 10s"))?;
    if time.is_zero() { Err("a time of 0 lets nobody in".to_owned()) } else { Ok(time) }
}
