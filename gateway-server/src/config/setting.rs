//! A setting: a flag that can also be a variable, and a key of the file. All
//! about it is read from the one definition of the flags.

use std::any::TypeId;
use std::error::Error as _;
use std::num::{IntErrorKind, ParseIntError};
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _};

use super::flags::{COMMAND_LINE_ONLY, Flags};
use super::mounts::{MountedFolder, MountedModule};

/// What the variables of settings begin with.
pub(super) const PREFIX: &str = "GATEWAY_";

/// The command line, help and all: what else there is to read about the
/// settings (documents, completions) is rendered from it.
#[must_use]
pub fn command() -> Command {
    Flags::command().mut_args(|arg| {
        let is_switch = arg.get_value_parser().type_id() == TypeId::of::<bool>();
        if !is_switch || !is_setting(&arg) {
            return arg;
        }
        // What a file switches on, the command line can switch off: --lint=false.
        let is_stated = !arg.get_default_values().is_empty();
        let switch = arg
            .action(ArgAction::Set)
            .value_parser(BoolishValueParser::new())
            .value_name("BOOL")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .hide_possible_values(true);
        if is_stated { switch } else { switch.default_value("false").hide_default_value(true) }
    })
}

fn is_setting(arg: &Arg) -> bool {
    !COMMAND_LINE_ONLY.contains(&arg.get_id().as_str())
}

/// What a setting's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Switch,
    Path,
    /// The module and the app in it: `path:app`.
    App,
    /// The same, and where it is mounted: `/api=path:app`.
    Mount,
    /// A folder, and where it is mounted: `/apps=folder`.
    Folder,
    /// Keys with values: a table in the file.
    Pairs,
    /// Anything else: text or a number, as the flag's parser has it.
    Plain,
}

/// A flag that is a setting.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) arg: Arg,
}

impl Setting {
    /// All settings, in the order of their definition.
    pub(super) fn all(command: &Command) -> Vec<Self> {
        let settings = command.get_arguments().filter(|arg| is_setting(arg));
        settings.map(|arg| Self { arg: arg.clone() }).collect()
    }

    pub(super) fn id(&self) -> &str {
        self.arg.get_id().as_str()
    }

    /// Its key in the file: the flag without hyphens before it.
    pub(super) fn key(&self) -> &str {
        self.arg.get_long().unwrap_or("app")
    }

    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key().to_ascii_uppercase().replace('-', "_"))
    }

    /// As it is typed on the command line, without a value.
    pub(super) fn flag(&self) -> String {
        self.arg.get_long().map_or_else(|| self.value_name(), |long| format!("--{long}"))
    }

    pub(super) fn value_name(&self) -> String {
        self.arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default()
    }

    /// Whether it may be given several times.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.arg.get_action(), ArgAction::Append)
    }

    pub(super) fn kind(&self) -> Kind {
        let kind = self.arg.get_value_parser().type_id();
        if self.arg.is_positional() {
            Kind::App
        } else if kind == TypeId::of::<bool>() {
            Kind::Switch
        } else if kind == TypeId::of::<PathBuf>() {
            Kind::Path
        } else if kind == TypeId::of::<MountedModule>() {
            Kind::Mount
        } else if kind == TypeId::of::<MountedFolder>() {
            Kind::Folder
        } else if kind == TypeId::of::<(String, String)>() {
            Kind::Pairs
        } else {
            Kind::Plain
        }
    }

    /// The values that it has where nothing is said.
    pub(super) fn defaults(&self) -> Vec<String> {
        self.arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect()
    }

    /// What its help says: the meaning, and the default where that is no value.
    pub(super) fn help(&self) -> (String, Option<String>) {
        let help = self.arg.get_help().map(ToString::to_string).unwrap_or_default();
        match help.strip_suffix(']').and_then(|help| help.rsplit_once(" [default: ")) {
            Some((meaning, default)) => (meaning.to_owned(), Some(default.to_owned())),
            None => (help, None),
        }
    }

    /// Whether a switch is on, by a value that was checked.
    pub(super) fn is_on(&self, value: &str) -> bool {
        self.parse(value).is_ok_and(|matches| matches.get_one("value") == Some(&true))
    }

    /// Asks the flag's own parser.
    ///
    /// # Errors
    /// What is wrong with the value, and what to write.
    pub(super) fn check(&self, value: &str) -> Result<(), String> {
        match self.parse(value) {
            Ok(_) if value.is_empty() && self.kind() == Kind::App => Err("write a value".to_owned()),
            Ok(_) => Ok(()),
            Err(_) if self.kind() == Kind::Switch => Err("write true or false".to_owned()),
            Err(error) => Err(reason(&error)),
        }
    }

    fn parse(&self, value: &str) -> Result<ArgMatches, clap::Error> {
        let arg = Arg::new("value").value_parser(self.arg.get_value_parser().clone());
        Command::new("value").no_binary_name(true).arg(arg).try_get_matches_from(["--", value])
    }
}

/// The part of clap's message that does not speak of a flag.
fn reason(error: &clap::Error) -> String {
    if let Some(source) = error.source() {
        let digits = source.downcast_ref::<ParseIntError>().map(ParseIntError::kind);
        let is_number = !matches!(digits, Some(IntErrorKind::InvalidDigit | IntErrorKind::Empty));
        return if is_number { source.to_string() } else { "write a whole number".to_owned() };
    }
    let values = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => values,
        _ => return "write a value".to_owned(),
    };
    let guess = match error.get(ContextKind::SuggestedValue) {
        Some(ContextValue::String(value)) => format!("; did you mean {value:?}?"),
        _ => String::new(),
    };
    format!("possible values: {}{guess}", values.join(", "))
}

/// The flag of this key, if it is one that is given on the command line only.
pub(super) fn action(key: &str) -> Option<String> {
    let known = COMMAND_LINE_ONLY.iter().any(|id| id.replace('_', "-") == key);
    known.then(|| format!("--{key}"))
}

/// What a name that nobody knows is answered with.
pub(super) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let bare = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&bare(name), &bare(known));
    let closest = known.map(|known| (likeness(known), known)).max_by(|a, b| a.0.total_cmp(&b.0));
    match closest {
        Some((likeness, known)) if likeness > 0.8 => format!("unknown {what} {name:?}; did you mean {known:?}?"),
        _ => format!("unknown {what} {name:?}; gateway-server --help lists what there is"),
    }
}

/// A path, an app's module or a socket's file, seen from a folder. A module
/// without a folder is left alone: it is looked for in several.
pub(super) fn placed(kind: Kind, value: &str, folder: &Path) -> String {
    let from_here = |path: &str| folder.join(path).to_string_lossy().into_owned();
    if let (Kind::Mount | Kind::Folder, Some((place, what))) = (kind, value.split_once('=')) {
        let kind = if kind == Kind::Mount { Kind::App } else { Kind::Path };
        return format!("{place}={}", placed(kind, what, folder));
    }
    match (kind, value.strip_prefix("unix:")) {
        // Standard output, where a file is asked for.
        (Kind::Path, _) if value == "-" => value.to_owned(),
        (Kind::Path, _) => from_here(value),
        (Kind::App, _) if value.contains('/') => from_here(value),
        (Kind::Plain, Some(path)) if !path.is_empty() => format!("unix:{}", from_here(path)),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_file_is_seen_from_its_folder() {
        let check = |kind, value: &str, expected: &str| assert_eq!(placed(kind, value, Path::new("/etc/x")), expected);
        check(Kind::Path, "spool", "/etc/x/spool");
        check(Kind::Path, "/spool", "/spool");
        check(Kind::Path, "-", "-");
        check(Kind::App, "libapp.so:app", "libapp.so:app");
        check(Kind::App, "./libapp.so:app", "/etc/x/./libapp.so:app");
        check(Kind::App, "/srv/libapp.so", "/srv/libapp.so");
        check(Kind::Mount, "/a=./lib=a.so:app", "/a=/etc/x/./lib=a.so:app");
        check(Kind::Folder, "/a=apps", "/a=/etc/x/apps");
        check(Kind::Folder, "a.org/=/b=c", "a.org/=/b=c");
        check(Kind::Mount, "a.org/=liba.so", "a.org/=liba.so");
        check(Kind::Plain, "unix:run/app.sock", "unix:/etc/x/run/app.sock");
        check(Kind::Plain, "unix:/run/app.sock", "unix:/run/app.sock");
        check(Kind::Plain, "unix:", "unix:");
        check(Kind::Plain, "127.0.0.1:80", "127.0.0.1:80");
        check(Kind::Pairs, "unix:a=b", "unix:a=b");
    }
}
