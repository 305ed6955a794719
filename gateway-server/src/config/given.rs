//! Command line, environment and file, one over the other.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::OsStr;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, FromArgMatches as _};

use super::setting::{Kind, Setting, command, unknown};
use super::source::{Entry, Layer, Source};
use super::{Config, Flags, environment, file, print};

const NO_APP: &str = "there is nothing to serve: give MODULE:APP, --mount, --app-dir or --static, or app = \"MODULE:APP\" in the file of --config";
const NO_MODULE: &str = "there is no module to look at: give MODULE";

/// What was given, each value by whom it is said: a flag wins over a variable,
/// that over the file, and that over the default.
#[derive(Debug)]
pub struct Given {
    flags: Flags,
    matches: ArgMatches,
    settings: Vec<Setting>,
    layer: Layer,
    /// Where `--chdir` has led.
    folder: Option<PathBuf>,
}

/// Why it cannot be understood.
#[derive(Debug)]
pub enum Refused {
    /// The command line, or it asks for help.
    CommandLine(clap::Error),
    /// A variable or the file; a sentence for the user.
    Setting(String),
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::CommandLine(error)
    }
}

impl Given {
    /// Reads all of it. The variables are those of the whole environment.
    ///
    /// # Errors
    /// [`Refused`], also where there is no app to serve.
    pub fn read(
        arguments: impl IntoIterator<Item = OsString>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Refused> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let mut variables: Vec<(OsString, OsString)> = variables.into_iter().collect();
        variables.sort();
        let mut command = command();
        command.build();
        let settings = Setting::all(&command);
        let typed =
            command.clone().try_get_matches_from(&arguments).map_err(|error| refusal(&command, &arguments, error))?;
        let layer = match typed.get_flag("engines") || typed.subcommand().is_some() {
            true => Layer::new(),
            false => lower(&typed, &variables, &settings).map_err(Refused::Setting)?,
        };
        if let Some(text) = contradiction(&command, &typed, &settings, &layer) {
            return Err(Refused::Setting(text));
        }
        // What was given below the command line is what holds where nothing is
        // typed: a default, to clap, which brings the rest of precedence along.
        command = command.mut_args(|arg| match layer.get(arg.get_id().as_str()) {
            Some(entry) => arg.default_values(entry.values.iter().map(OsStr::from)),
            None => arg,
        });
        let matches = command.try_get_matches_from_mut(&arguments)?;
        let flags = Flags::from_arg_matches(&matches)?;
        let serves_nothing = flags.engines || flags.print_config || flags.control.is_some();
        let missing = match &flags.mounts {
            mounts if mounts.is_empty() && !serves_nothing => Some(NO_APP),
            mounts if flags.list && mounts.target.is_none() => Some(NO_MODULE),
            _ => None,
        };
        if let Some(text) = missing {
            return Err(command.error(ErrorKind::MissingRequiredArgument, text).into());
        }
        Ok(Self { flags, matches, settings, layer, folder: None })
    }

    /// Takes this process to the folder of `--chdir`, where relative paths are
    /// seen from then on. Who has a child look at a module stays: the child goes.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn enter(mut self) -> Result<Self, String> {
        let looks = (self.flags.check || self.flags.list) && !self.flags.in_child;
        let Some(folder) = self.flags.surroundings.chdir.as_deref().filter(|_| !looks) else { return Ok(self) };
        let entered = std::env::set_current_dir(folder).and_then(|()| std::env::current_dir());
        let refused = |error| explained(format!("--chdir {}: {error}", folder.display()), &self.notes());
        self.folder = Some(entered.map_err(refused)?);
        Ok(self)
    }

    /// Checks what clap cannot.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn check(self) -> Result<Config, String> {
        if self.flags.print_config {
            return print::page(&self.settings, |setting| self.value(setting)).map(Config::Print);
        }
        let (only_check, notes) = (self.flags.check_config, self.notes());
        let folder = |id: &str| match source(&self.matches, &self.layer, id) {
            Source::File { folder, .. } => Some(folder),
            _ => None,
        };
        let config = self.flags.check(folder).map_err(|text| explained(text, &notes))?;
        Ok(if only_check { Config::Fine } else { config })
    }

    /// A setting's values, and who says so.
    fn value(&self, setting: &Setting) -> (Vec<OsString>, Source) {
        let source = source(&self.matches, &self.layer, setting.id());
        match &self.folder {
            // As it was written it is seen from the folder before.
            Some(folder) if setting.id() == "chdir" => (vec![folder.into()], source),
            _ => {
                let values = self.matches.get_raw(setting.id()).into_iter().flatten();
                (values.map(ToOwned::to_owned).collect(), source)
            }
        }
    }

    /// The flags that somebody else than the command line has given.
    fn notes(&self) -> Vec<(String, Source)> {
        let sources = self.settings.iter().map(|it| (it.flag(), source(&self.matches, &self.layer, it.id())));
        sources.filter(|(_, source)| !matches!(source, Source::Flag | Source::Default)).collect()
    }
}

/// What is wrong with a command line. A word and a file are a command that nobody
/// knows, and no module with another one.
fn refusal(command: &Command, arguments: &[OsString], error: clap::Error) -> Refused {
    match arguments {
        [_, word, _] if !word.to_string_lossy().contains(['-', '.', '/', ':']) => {
            let known = command.get_subcommands().map(Command::get_name);
            Refused::Setting(unknown("command", &word.to_string_lossy(), known))
        }
        _ => Refused::CommandLine(error),
    }
}

fn source(matches: &ArgMatches, layer: &Layer, id: &str) -> Source {
    match layer.get(id) {
        _ if matches.value_source(id) == Some(ValueSource::CommandLine) => Source::Flag,
        Some(entry) => entry.source.clone(),
        None => Source::Default,
    }
}

/// Environment over file.
fn lower(typed: &ArgMatches, variables: &[(OsString, OsString)], settings: &[Setting]) -> Result<Layer, String> {
    let variable = variables.iter().find(|(name, value)| name == "GATEWAY_CONFIG" && !value.is_empty());
    let path = typed.get_one("config").cloned().or_else(|| variable.map(|(_, path)| PathBuf::from(path)));
    let mut layer = match path {
        Some(path) => file::read(&path, settings)?,
        None => Layer::new(),
    };
    layer.extend(environment::read(variables, settings)?);
    Ok(layer)
}

/// Two settings that exclude each other, one of them given below the command
/// line: clap sees only what is typed.
fn contradiction(command: &Command, typed: &ArgMatches, settings: &[Setting], layer: &Layer) -> Option<String> {
    let given = |setting: &Setting| match source(typed, layer, setting.id()) {
        Source::Default => None,
        source => {
            let is_off = |entry: &Entry| entry.values.iter().all(|value| !setting.is_on(value));
            let off = setting.kind() == Kind::Switch
                && match source {
                    Source::Flag => !typed.get_flag(setting.id()),
                    _ => layer.get(setting.id()).is_some_and(is_off),
                };
            (!off).then(|| (setting.clone(), source))
        }
    };
    let given: Vec<(Setting, Source)> = settings.iter().filter_map(given).collect();
    for (one, its) in &given {
        let excluded = command.get_arg_conflicts_with(&one.arg);
        let is_it = |other: &Setting| excluded.iter().any(|arg| arg.get_id() == other.arg.get_id());
        let is_typed = |others: &Source| *its == Source::Flag && *others == Source::Flag;
        if let Some((other, others)) = given.iter().find(|(other, others)| is_it(other) && !is_typed(others)) {
            return Some(format!("{} ({its}) cannot be used with {} ({others})", one.key(), other.key()));
        }
    }
    None
}

/// A refusal speaks of flags: whoever wrote the value elsewhere is told where.
fn explained(text: String, notes: &[(String, Source)]) -> String {
    let is_word = |flag: &str| text.split([' ', ':', ',', ';']).any(|word| word == flag);
    let notes: Vec<String> = notes
        .iter()
        .filter(|(flag, _)| is_word(flag))
        .map(|(flag, source)| format!("{flag} is from {source}"))
        .collect();
    if notes.is_empty() { text } else { format!("{text} ({})", notes.join(", ")) }
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction, Command};

    use super::*;

    /// `--a`, a switch, and `--b N` exclude each other.
    fn check(arguments: &[&str], below: &[(&str, &str)], expected: Option<&str>) {
        let switch = Arg::new("a").long("a").value_parser(clap::value_parser!(bool)).action(ArgAction::Set);
        let number = Arg::new("b").long("b").action(ArgAction::Set);
        let mut command = Command::new("test").no_binary_name(true).arg(switch.conflicts_with("b")).arg(number);
        command.build();
        let entry = |value: &str| Entry { values: vec![value.to_owned()], source: Source::Variable("V".to_owned()) };
        let layer = below.iter().map(|(id, value)| ((*id).to_owned(), entry(value))).collect();
        let typed = command.clone().try_get_matches_from(arguments).unwrap();
        let settings = Setting::all(&command);
        assert_eq!(contradiction(&command, &typed, &settings, &layer).as_deref(), expected, "{arguments:?} {below:?}");
    }

    #[test]
    fn settings_that_exclude_each_other_are_told_on_every_layer() {
        check(&[], &[("a", "true"), ("b", "1")], Some("a (V) cannot be used with b (V)"));
        check(&["--b=1"], &[("a", "true")], Some("a (V) cannot be used with b (flag)"));
        check(&["--a=true"], &[("b", "1")], Some("a (flag) cannot be used with b (V)"));
        check(&["--a=false"], &[("b", "1")], None);
        check(&["--a=false"], &[("a", "true"), ("b", "1")], None);
        check(&[], &[("a", "false"), ("b", "1")], None);
        check(&[], &[("b", "1")], None);
        check(&["--b=1"], &[], None);
    }
}
