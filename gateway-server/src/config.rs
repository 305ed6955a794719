//! Command line -> raw flags -> [`Config`], checked and immutable.

use clap::Parser;
use clap::builder::styling::{AnsiColor, Styles};
use gateway_spec::loader::Target;

use crate::engine::Engine;
use crate::net::Address;

const EXAMPLES: &str = "\
Examples:
  gateway-server libhello.so:app
  gateway-server --bind 0.0.0.0:80 --bind [::1]:80 ./libshop.so:app
  gateway-server --set greeting=Hi --engine single target/release/libcounter.so:app
  gateway-server --list libmulti.so
  gateway-server --check libhello.so:app

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
    styles = Styles::styled().header(AnsiColor::Green.on_default().bold()).usage(AnsiColor::Green.on_default().bold()),
)]
pub struct Flags {
    /// The module's file and the app in it; the app may be left out where there is one, or one named `app`
    #[arg(value_name = "MODULE:APP")]
    target: String,

    /// Listen on ADDR, as in 127.0.0.1:8000 or [::1]:8000; may be given several times; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8000")]
    bind: Vec<Address>,

    /// How clients are served: single (one connection at a time) or thread (a thread per connection)
    #[arg(long, value_name = "NAME", default_value = "thread", value_parser = engine)]
    engine: Engine,

    /// Configure the app; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,

    /// Check app and server against the rules of the interface, request by request
    #[arg(long)]
    lint: bool,

    /// Refuse a module that others can write to, instead of warning
    #[arg(long)]
    strict: bool,

    /// Load the module and create the app in a child process, say how that went, and end
    #[arg(long, conflicts_with_all = ["list", "bind", "engine", "lint"])]
    check: bool,

    /// Print the module's apps, versions and build, and end
    #[arg(long, conflicts_with_all = ["bind", "engine", "lint", "set"])]
    list: bool,

    /// This is the child that --check or --list has started
    #[arg(long, hide = true)]
    in_child: bool,
}

/// What is to be done, checked.
#[derive(Debug)]
pub struct Config {
    /// The module and the app.
    pub target: Target,
    /// The app's configuration.
    pub settings: Vec<(String, String)>,
    /// Whether a module that others can write to is refused.
    pub strict: bool,
    /// What to do with it.
    pub action: Action,
}

/// What to do with a module.
#[derive(Debug)]
pub enum Action {
    /// Serve its app.
    Serve {
        /// Where.
        addresses: Vec<Address>,
        /// How.
        engine: Engine,
        /// Whether to lint.
        lint: bool,
    },
    /// Look at it in a child process.
    Inspect(Inspect),
    /// Look at it in this process, which is that child.
    InspectHere(Inspect),
}

/// What to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspect {
    /// Load it and create the app.
    Check,
    /// List its apps.
    List,
}

impl Flags {
    /// Checks what clap cannot.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn check(self) -> Result<Config, String> {
        if let Some((key, _)) = repeated(&self.set) {
            return Err(format!("--set {key} is given twice"));
        }
        if self.in_child && !self.list && !self.check {
            return Err("--in-child belongs to --check and --list".to_owned());
        }
        let twice = self.bind.iter().enumerate().find(|(at, address)| self.bind[..*at].contains(address));
        if let Some((_, address)) = twice.filter(|(_, address)| !address.takes_a_free_port()) {
            return Err(format!("--bind {address} is given twice"));
        }
        let inspect = if self.list { Inspect::List } else { Inspect::Check };
        let action = match (self.list || self.check, self.in_child) {
            (false, _) => Action::Serve { addresses: self.bind, engine: self.engine, lint: self.lint },
            (true, false) => Action::Inspect(inspect),
            (true, true) => Action::InspectHere(inspect),
        };
        Ok(Config { target: Target::parse(&self.target), settings: self.set, strict: self.strict, action })
    }
}

fn repeated(list: &[(String, String)]) -> Option<&(String, String)> {
    list.iter().enumerate().find(|(at, (key, _))| list[..*at].iter().any(|(known, _)| known == key)).map(|(_, it)| it)
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
