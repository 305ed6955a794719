//! Why a module was refused, and what to do about it.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use super::target::Target;
use crate::abi::import::ModuleError;
use crate::error::Error;

/// Two kinds of machine: the file's, and this process's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What the file was built for.
    pub file: String,
    /// What this process runs as.
    pub host: String,
}

/// Why `path:app` could not become an app. Every text stands alone: it names
/// the file and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such file.
    #[error("{}", no_such_file(target, looked, hint.as_deref()))]
    NoSuchFile {
        /// What was asked for.
        target: Target,
        /// The paths that were tried.
        looked: Vec<PathBuf>,
        /// What may have been meant.
        hint: Option<String>,
    },
    /// The file is there and cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The path leads to a folder.
    #[error("{} is a folder: name the .so file in it", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// Others may write to the file or its folder, and the options are strict.
    #[error("refused: {0}")]
    Untrusted(Warning),
    /// The file is something else.
    #[error(
        "{} is not a shared library but {what}: build the app with crate-type = [\"cdylib\"], \
         or with -shared -fPIC in C", path.display()
    )]
    NotALibrary {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// The file is for another kind of machine.
    #[error(
        "{} was built for {}, this server runs on {}: build the app for this machine",
        path.display(), mismatch.file, mismatch.host
    )]
    WrongMachine {
        /// The file.
        path: PathBuf,
        /// Both machines.
        mismatch: Mismatch,
    },
    /// The dynamic linker refused the file: a symbol or a library is missing.
    #[error(
        "{} cannot be loaded: {text}. An undefined symbol means that a library was not linked, \
         a version that is not found that the app was built on a newer system", path.display()
    )]
    Link {
        /// The file.
        path: PathBuf,
        /// The dynamic linker's text.
        text: String,
    },
    /// The library is no module.
    #[error(
        "{} has no gateway_entry, so it is not a Gateway module: in Rust, put gateway_spec::export! \
         into a crate of crate-type = [\"cdylib\"]; in C, define GW_EXPORT gateway_entry of gateway.h",
        path.display()
    )]
    NoEntry {
        /// The file.
        path: PathBuf,
    },
    /// The module's table is not one that this server can use.
    #[error("{} cannot be used: {reason}", path.display())]
    Module {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: ModuleError,
    },
    /// The module has no app of that name.
    #[error("{}", no_such_app(path, name, names, *near))]
    NoSuchApp {
        /// The file.
        path: PathBuf,
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        names: Vec<&'static str>,
        /// The one that may have been meant.
        near: Option<&'static str>,
    },
    /// The module has several apps, none is called `app`, and none was named.
    #[error("{0} has several apps, name one, as in {0}:{1}: {2}", path.display(), names[0], names.join(", "))]
    SeveralApps {
        /// The file.
        path: PathBuf,
        /// The names that there are.
        names: Vec<&'static str>,
    },
    /// The app (or the module's `init`) refused to be created.
    #[error("the app {app} of {} could not be created: {reason}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// The app.
        app: &'static str,
        /// The app's own error.
        reason: Error,
    },
    /// The app panicked while it was created.
    #[error("the app {app} of {} panicked while it was created: {text}", path.display())]
    CreatePanicked {
        /// The file.
        path: PathBuf,
        /// The app.
        app: &'static str,
        /// The panic's text.
        text: String,
    },
}

/// What is odd about a module that works.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// Everybody may change the file.
    #[error("{0} can be changed by every user of this machine: chmod o-w {0}", path.display())]
    WritableFile {
        /// The file.
        path: PathBuf,
    },
    /// Everybody may replace the file.
    #[error(
        "{} can be replaced by every user of this machine, because its folder is open to all: chmod o-w {}",
        path.display(), folder.display()
    )]
    WritableFolder {
        /// The file.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// A panic in the app ends the process instead of becoming a 500.
    #[error(
        "{} was built with panic = \"abort\": a panic in it ends the whole worker; \
         build it with panic = \"unwind\", or run each app in a process of its own", path.display()
    )]
    PanicAborts {
        /// The file.
        path: PathBuf,
    },
}

impl LoadError {
    pub(super) fn no_such_app(path: PathBuf, name: String, names: Vec<&'static str>) -> Self {
        let near = names.iter().copied().find(|known| is_near(known, &name));
        Self::NoSuchApp { path, name, names, near }
    }
}

fn no_such_file(target: &Target, looked: &[PathBuf], hint: Option<&str>) -> String {
    let mut text = match looked {
        [only] => format!("there is no file {}", only.display()),
        _ => {
            let looked: Vec<_> = looked.iter().map(|path| path.display().to_string()).collect();
            format!("there is no file {}; looked for {}", target.path(), looked.join(", "))
        }
    };
    match hint {
        Some(hint) => _ = write!(text, "; {hint}"),
        None => text.push_str("; build the app first, or give the path of its .so file"),
    }
    text
}

fn no_such_app(path: &std::path::Path, name: &str, names: &[&str], near: Option<&str>) -> String {
    let near = near.map(|near| format!(" Did you mean {near}?")).unwrap_or_default();
    format!("{} has no app \"{name}\".{near} It has: {}", path.display(), names.join(", "))
}

/// Whether one edit, or a change of case, leads from one name to the other.
fn is_near(known: &str, given: &str) -> bool {
    let (known, given) = (known.to_lowercase(), given.to_lowercase());
    let same = |one: &mut dyn Iterator<Item = char>, other: &mut dyn Iterator<Item = char>| {
        one.zip(other).take_while(|(one, other)| one == other).count()
    };
    let before = same(&mut known.chars(), &mut given.chars());
    let after = same(&mut known.chars().rev(), &mut given.chars().rev());
    let (known, given) = (known.chars().count(), given.chars().count());
    let (long, short) = (known.max(given), known.min(given));
    // Equal but for one letter, one letter more or less, or two swapped.
    before + after > 0 && before + after + 2 >= long && long - short <= 1
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn names_that_are_near() {
        for (known, given) in [("hello", "helo"), ("hello", "Hello"), ("hello", "hellp"), ("hello", "ehllo")] {
            assert!(is_near(known, given), "{known} {given}");
        }
        for (known, given) in [("hello", "world"), ("a", "b"), ("ab", "cd"), ("app", "hello"), ("upload", "download")] {
            assert!(!is_near(known, given), "{known} {given}");
        }
    }
}
