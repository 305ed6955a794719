//! A module's life in this process: `init` once, apps created and destroyed one
//! at a time, `shutdown` once after the last of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::abi::host::Host;
use crate::abi::types::GwModule;
use crate::error::{Error, Result};

/// One module. Its lock is held while any of these functions runs in it.
#[derive(Debug, Default)]
pub(super) struct Life(Mutex<Stage>);

#[derive(Debug, Default)]
struct Stage {
    /// What `init` answered.
    init: Option<std::result::Result<(), String>>,
    /// The host that `init` was given: the module may keep it, so it stays.
    host: Option<Arc<Host>>,
    apps: usize,
    is_shut: bool,
}

/// The life of a module, which is known by its table.
pub(super) fn of(table: &'static GwModule) -> Arc<Life> {
    static KNOWN: Mutex<Vec<(usize, Arc<Life>)>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let address = std::ptr::from_ref(table).addr();
    if let Some((_, life)) = known.iter().find(|(table, _)| *table == address) {
        return Arc::clone(life);
    }
    let life = Arc::<Life>::default();
    known.push((address, Arc::clone(&life)));
    life
}

impl Life {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an app: the module's `init`, the first time, then `create`.
    pub(super) fn begin_app<A>(
        &self,
        host: &Arc<Host>,
        init: impl FnOnce() -> Result<()>,
        create: impl FnOnce() -> Result<A>,
    ) -> Result<A> {
        let mut stage = self.stage();
        if stage.is_shut {
            return Err(Error::State("the module was shut down".into()));
        }
        if stage.init.is_none() {
            stage.host = Some(Arc::clone(host));
            stage.init = Some(init().map_err(|error| error.to_string()));
        }
        if let Some(Err(text)) = &stage.init {
            return Err(Error::app(text.clone()));
        }
        let app = create()?;
        stage.apps += 1;
        Ok(app)
    }

    /// Ends an app.
    pub(super) fn end_app(&self, destroy: impl FnOnce()) {
        let mut stage = self.stage();
        destroy();
        stage.apps -= 1;
    }

    /// Ends the module, which has begun and has no apps any more.
    pub(super) fn shut(&self, shutdown: impl FnOnce()) -> Result<()> {
        let mut stage = self.stage();
        if stage.apps > 0 {
            return Err(Error::State(format!("{} apps of the module are alive", stage.apps).into()));
        }
        if !stage.is_shut && matches!(stage.init, Some(Ok(()))) {
            shutdown();
        }
        stage.is_shut = true;
        Ok(())
    }
}
