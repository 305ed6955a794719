//! A module's table, checked before anything of it is used.

use std::ffi::c_void;
use std::fmt;
use std::sync::Arc;

use super::{ForeignApp, life};
use crate::abi::host::Host;
use crate::abi::types::*;
use crate::abi::view::{Slice, accepted, checked, is_array};
use crate::app::AppFlags;
use crate::config::Config;
use crate::error::{Error, Result};

/// Why a module cannot be used. The loader adds the file's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// `gateway_entry` returned NULL.
    #[error("its gateway_entry returned NULL")]
    NoTable,
    /// The table does not begin with the magic number.
    #[error("its gateway_entry returned something else than a Gateway module (magic {0:#018x})")]
    Magic(u64),
    /// The module was built for another major version of the ABI.
    #[error(
        "it was built for ABI {module_major}.{module_minor}, this server has {GW_ABI_MAJOR}.{GW_ABI_MINOR}: \
         rebuild the app with gateway-spec {GW_ABI_MAJOR}.x, or use a server of that version"
    )]
    Major {
        /// The module's major.
        module_major: u16,
        /// The module's minor.
        module_minor: u16,
    },
    /// The module needs a newer server.
    #[error(
        "it needs a server with ABI {GW_ABI_MAJOR}.{needs} or newer, this one has \
         {GW_ABI_MAJOR}.{GW_ABI_MINOR} (built with {built_with}): upgrade the server"
    )]
    NeedsNewerHost {
        /// The least minor that the module can live with.
        needs: u16,
        /// What the module says it was built with.
        built_with: String,
    },
    /// A table states a size below version 1.0's.
    #[error("its {table} table has {size} bytes, version 1.0 has {least}: it was not built by a correct toolchain")]
    TooShort {
        /// Which table.
        table: &'static str,
        /// The size it states.
        size: u32,
        /// The size of version 1.0.
        least: usize,
    },
    /// A pointer that must be there is NULL.
    #[error("its {0} is NULL")]
    Null(String),
    /// An app's name is empty, not UTF-8, or there twice.
    #[error("app name {0}")]
    Name(String),
    /// The module has no apps.
    #[error("it contains no app")]
    Empty,
}

/// A module that passed the checks. Its tables are static: a module is never
/// unloaded.
#[derive(Clone, Copy)]
pub struct Module {
    table: &'static GwModule,
}

impl Module {
    /// Checks what `gateway_entry` returned, in the order of `docs/ABI.md`.
    ///
    /// # Errors
    /// The first check that fails.
    ///
    /// # Safety
    /// `header` is NULL or points to at least 24 readable bytes which, if they
    /// begin with the magic number, are a module's table as the ABI states it,
    /// valid for the life of the process.
    pub unsafe fn check(header: *const GwModuleHeader) -> Result<Self, ModuleError> {
        // SAFETY: the caller's promise; only the frozen header is read here.
        let head = unsafe { header.as_ref() }.ok_or(ModuleError::NoTable)?;
        if head.magic != GW_MAGIC {
            return Err(ModuleError::Magic(head.magic));
        }
        if head.abi_major != GW_ABI_MAJOR {
            return Err(ModuleError::Major { module_major: head.abi_major, module_minor: head.abi_minor });
        }
        if (head.size as usize) < SIZE_1_0.module {
            return Err(ModuleError::TooShort { table: "module", size: head.size, least: SIZE_1_0.module });
        }
        // SAFETY: the same major and at least the size of 1.0, so all fields
        // of 1.0 are there; this crate knows no later ones.
        let module = Self { table: unsafe { &*header.cast::<GwModule>() } };
        if head.needs_minor > GW_ABI_MINOR {
            let built_with = module.built_with();
            return Err(ModuleError::NeedsNewerHost { needs: head.needs_minor, built_with });
        }
        module.check_apps()?;
        Ok(module)
    }

    fn check_apps(self) -> Result<(), ModuleError> {
        if self.table.apps_len == 0 {
            return Err(ModuleError::Empty);
        }
        if !is_array(self.table.apps, self.table.apps_len) {
            return Err(ModuleError::Null("table of apps".into()));
        }
        let mut names: Vec<&str> = Vec::new();
        for (index, &app) in self.raw_apps().iter().enumerate() {
            // SAFETY: NULL or an app's table, by the ABI.
            let app = unsafe { app.as_ref() }.ok_or_else(|| ModuleError::Null(format!("app {index}")))?;
            if (app.size as usize) < SIZE_1_0.app {
                return Err(ModuleError::TooShort { table: "app", size: app.size, least: SIZE_1_0.app });
            }
            let missing = |function| ModuleError::Null(format!("app {index}'s {function}"));
            app.create.ok_or_else(|| missing("create"))?;
            app.call.ok_or_else(|| missing("call"))?;
            app.destroy.ok_or_else(|| missing("destroy"))?;
            if app.name.ptr.is_null() {
                return Err(missing("name"));
            }
            let name = AppEntry { table: app }
                .checked_name()
                .ok_or_else(|| ModuleError::Name(format!("of app {index} is not UTF-8")))?;
            if name.is_empty() {
                return Err(ModuleError::Name(format!("of app {index} is empty")));
            }
            if names.contains(&name) {
                return Err(ModuleError::Name(format!("\"{name}\" is there twice")));
            }
            names.push(name);
        }
        Ok(())
    }

    fn raw_apps(self) -> &'static [*const GwApp] {
        // SAFETY: `apps_len` pointers, static, by the ABI; not NULL as checked.
        unsafe { std::slice::from_raw_parts(self.table.apps, self.table.apps_len) }
    }

    /// The module's name.
    #[must_use]
    pub fn name(self) -> String {
        lossy(self.table.name)
    }

    /// The module's version.
    #[must_use]
    pub fn version(self) -> String {
        lossy(self.table.version)
    }

    /// Compiler and library it was built with.
    #[must_use]
    pub fn built_with(self) -> String {
        lossy(self.table.built_with)
    }

    /// The ABI version it was built for: major and minor.
    #[must_use]
    pub fn abi(self) -> (u16, u16) {
        (self.table.header.abi_major, self.table.header.abi_minor)
    }

    /// The `GW_MODULE_*` flags.
    #[must_use]
    pub fn flags(self) -> u32 {
        self.table.header.flags
    }

    /// Whether a panic in this module ends the process.
    #[must_use]
    pub fn panic_aborts(self) -> bool {
        self.flags() & GW_MODULE_PANIC_ABORT != 0
    }

    /// The apps, in the module's order.
    pub fn apps(self) -> impl ExactSizeIterator<Item = AppEntry> {
        // SAFETY: `check_apps` has seen that none is NULL.
        self.raw_apps().iter().map(|&app| AppEntry { table: unsafe { &*app } })
    }

    /// The names of the apps.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        self.apps().map(AppEntry::name).collect()
    }

    /// Makes an app of this module, after the module's `init`.
    ///
    /// # Errors
    /// The app's own; [`Error::Panic`] if it panicked; [`Error::State`] after
    /// [`shutdown`](Self::shutdown), or for an app of another module.
    pub fn create(self, app: AppEntry, host: Arc<Host>, config: &Config<'_>) -> Result<ForeignApp> {
        if !self.raw_apps().iter().any(|&own| std::ptr::eq(own, app.table)) {
            return Err(Error::State("the app belongs to another module".into()));
        }
        let life = life::of(self.table);
        let init = || match self.table.init {
            // SAFETY: the table was checked; `life` keeps the host for good.
            Some(init) => checked(|err| unsafe { init(host.view().as_ptr(), err) }).and_then(accepted),
            None => Ok(()),
        };
        let create = || ForeignApp::create(app.table, Arc::clone(&life), Arc::clone(&host), config);
        life.begin_app(&host, init, create)
    }

    /// Runs the module's `shutdown`, once. No app can be created after it.
    ///
    /// # Errors
    /// [`Error::State`] while an app of the module is alive.
    pub fn shutdown(self) -> Result<()> {
        life::of(self.table).shut(|| {
            if let Some(shutdown) = self.table.shutdown {
                // SAFETY: the table was checked; `init` has run, and no app is left.
                unsafe { shutdown() }
            }
        })
    }

    /// Asks the module for an optional power; NULL when it has none.
    #[must_use]
    pub fn extension(self, name: &str) -> *const c_void {
        // SAFETY: the table was checked, and the name is readable during the call.
        self.table.get_extension.map_or(std::ptr::null(), |get| unsafe { get(Slice::new(name.as_bytes()).raw()) })
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Module({} {}, apps {:?})", self.name(), self.version(), self.names())
    }
}

/// One app of a [`Module`], not created yet.
#[derive(Clone, Copy)]
pub struct AppEntry {
    table: &'static GwApp,
}

impl AppEntry {
    fn checked_name(self) -> Option<&'static str> {
        // SAFETY: the table is static and so are its strings.
        std::str::from_utf8(unsafe { Slice::<'static>::from_raw(self.table.name) }.as_bytes()).ok()
    }

    /// The app's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.checked_name().unwrap_or_default()
    }

    /// What the app says of itself; may be empty.
    #[must_use]
    pub fn doc(self) -> String {
        lossy(self.table.doc)
    }

    /// How the app wants to be called.
    #[must_use]
    pub fn flags(self) -> AppFlags {
        AppFlags::from_bits(self.table.flags)
    }
}

impl fmt::Debug for AppEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppEntry({})", self.name())
    }
}

fn lossy(text: GwStr) -> String {
    // SAFETY: strings of a checked, static table.
    String::from_utf8_lossy(unsafe { Slice::from_raw(text) }.as_bytes()).into_owned()
}
