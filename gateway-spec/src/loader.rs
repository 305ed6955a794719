//! Opens `path:app`: finds the file, looks at it without running it, loads it,
//! checks its table, picks the app. Every refusal says what to do about it.
//!
//! ```no_run
//! use gateway_spec::abi::host::Host;
//! use gateway_spec::loader::{self, Options, Target};
//! use gateway_spec::testing::TestClient;
//! use gateway_spec::Config;
//!
//! let target = Target::parse("target/release/libhello.so:app");
//! let module = loader::open(&target, &Options::default())?;
//! for warning in module.warnings() {
//!     eprintln!("{warning}");
//! }
//! let host = Host::new("demo", "1.0", 0, |level, target, line| eprintln!("{level:?} {target}: {line}"));
//! let app = module.create(host, &Config::from_pairs([("greeting", "Hello")]))?;
//! println!("{}", TestClient::new(app).get("/").send().text());
//! # Ok::<(), gateway_spec::loader::LoadError>(())
//! ```
//!
//! # What is checked, in order
//!
//! 1. The file is there and is no folder.
//! 2. Nobody but its owner and group can change it (a warning, or with
//!    [`Options::strict`] a refusal).
//! 3. Its first 20 bytes are those of a shared library for this machine.
//!
//!    Nothing of the file has run so far. From here on it is trusted like the
//!    server itself: its constructors run while it is loaded.
//!
//! 4. All its symbols are found, and `gateway_entry` is one of them.
//! 5. The table that `gateway_entry` returns ([`Module::check`]).
//! 6. The app exists, and its `create` says OK.
//!
//! # What is never done
//!
//! A module is never unloaded: a Rust plugin that did no more than ask for its
//! thread's name crashes its host after `dlclose`. Load a new version in a new
//! process: in this one, glibc answers the same path with the old library.
//! And deploy by rename: overwriting a file that is mapped kills its users.

mod dl;
mod elf;
mod error;
mod find;
mod target;
mod trust;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::abi::host::Host;
use crate::abi::import::{AppEntry, ForeignApp, Module};
use crate::config::Config;
use crate::error::Error;

pub use error::{LoadError, Mismatch, Warning};
pub use target::Target;

/// How careful to be, and where to look.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Refuse a file that others may change, instead of warning.
    pub strict: bool,
    /// Where relative paths begin; the current folder where `None`.
    pub base: Option<PathBuf>,
}

/// Opens the module of a target. Its app is picked later, so that a target
/// without one can be opened to list what there is.
///
/// The file's constructors run, with all the rights of this process. Call it
/// in a worker, after the fork.
///
/// # Errors
/// [`LoadError`], one variant for each reason.
///
/// # Trust
/// Loading runs the module's constructors, and calls its code from then on:
/// what it does is outside of what Rust can promise. Open what you would run.
pub fn open(target: &Target, options: &Options) -> Result<OpenModule, LoadError> {
    let (given, app) = find::find(target, options.base.as_deref())?;
    let path = given.canonicalize().map_err(|reason| LoadError::Unreadable { path: given.clone(), reason })?;
    let mut warnings = trust::check(&given, &path, options.strict)?;
    elf::check(&path)?;
    let module = dl::load(&path)?;
    if module.panic_aborts() {
        warnings.push(Warning::PanicAborts { path: path.clone() });
    }
    Ok(OpenModule { module, path, app, warnings })
}

/// Finds the file of a target, and does nothing with it: its path as it is
/// written, and the file's own where links lead elsewhere.
///
/// # Errors
/// [`LoadError`]: there is none, or it is no file.
pub fn locate(target: &Target, options: &Options) -> Result<Vec<PathBuf>, LoadError> {
    let (given, _) = find::find(target, options.base.as_deref())?;
    let path = given.canonicalize().map_err(|reason| LoadError::Unreadable { path: given.clone(), reason })?;
    Ok(if path == given { vec![path] } else { vec![given, path] })
}

/// A module that is loaded and passed all checks. It stays loaded when this is
/// dropped.
#[derive(Clone, Debug)]
pub struct OpenModule {
    module: Module,
    path: PathBuf,
    app: Option<String>,
    warnings: Vec<Warning>,
}

impl OpenModule {
    /// What the module says of itself.
    #[must_use]
    pub fn module(&self) -> Module {
        self.module
    }

    /// The file: absolute, links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is odd about it.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The app of a name; without one, that of the target; if the target has
    /// none either, the only app, or the one called `app`.
    ///
    /// # Errors
    /// [`LoadError::NoSuchApp`], [`LoadError::SeveralApps`]: both list the names.
    pub fn entry(&self, name: Option<&str>) -> Result<AppEntry, LoadError> {
        let apps: Vec<AppEntry> = self.module.apps().collect();
        let by_name = |name: &str| apps.iter().find(|entry| entry.name() == name).copied();
        match (name.or(self.app.as_deref()), &apps[..]) {
            (Some(name), _) => by_name(name)
                .ok_or_else(|| LoadError::no_such_app(self.path.clone(), name.to_owned(), self.module.names())),
            (None, [only]) => Ok(*only),
            (None, _) => by_name("app")
                .ok_or_else(|| LoadError::SeveralApps { path: self.path.clone(), names: self.module.names() }),
        }
    }

    /// Makes the app that the target names; the first time in this process
    /// after the module's `init`.
    ///
    /// # Errors
    /// Those of [`entry`](Self::entry); [`LoadError::Create`] with the app's
    /// own text; [`LoadError::CreatePanicked`].
    pub fn create(&self, host: Arc<Host>, config: &Config<'_>) -> Result<ForeignApp, LoadError> {
        let entry = self.entry(None)?;
        self.module.create(entry, host, config).map_err(|reason| {
            let (path, app) = (self.path.clone(), entry.name());
            match reason {
                Error::Panic(text) => LoadError::CreatePanicked { path, app, text },
                reason => LoadError::Create { path, app, reason },
            }
        })
    }
}
