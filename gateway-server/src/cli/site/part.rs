//! An app of a module, at its place.

use std::sync::Arc;

use gateway_spec::abi::host::Host;
use gateway_spec::abi::import::AppEntry;
use gateway_spec::lint::Lint;
use gateway_spec::loader::{self, LoadError, OpenModule};
use gateway_spec::{App, Config as AppConfig};

use super::Failure;
use crate::config::{AppSettings, AppsConfig, Content, Module};
use crate::service::Place;

/// See the module's text.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Part {
    pub(super) place: Place,
    pub(in crate::cli) module: OpenModule,
    /// Whether it takes a word to say which app is meant.
    is_one_of_several: bool,
    /// Whether it was found in a folder: the others serve without it.
    pub(super) is_dropped: bool,
}

impl Part {
    /// Loads the module.
    pub(in crate::cli) fn open(config: &AppsConfig, place: Place, module: &Module) -> Result<Self, Failure> {
        let is_one_of_several = named(config, &place).is_some();
        let opened = loader::open(&module.target, &module.options(config.strict));
        let module = opened.map_err(|error| failure(named(config, &place), &error))?;
        Ok(Self { place, module, is_one_of_several, is_dropped: false })
    }

    /// The same, found in a folder.
    pub(super) fn dropped(self) -> Self {
        Self { is_dropped: true, ..self }
    }

    /// Says what is odd about it.
    pub(in crate::cli) fn warn(&self) {
        self.module.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    }

    /// The app in it.
    pub(in crate::cli) fn entry(&self) -> Result<AppEntry, Failure> {
        self.module.entry(None).map_err(|error| failure(self.named(), &error))
    }

    /// Creates the app.
    pub(in crate::cli) fn create(
        &self,
        host: &Arc<Host>,
        settings: &AppSettings,
        lint: bool,
    ) -> Result<Arc<dyn App>, Failure> {
        let settings = AppConfig::from_pairs(settings.of(&self.place));
        let app = self.module.create(Arc::clone(host), &settings).map_err(|error| failure(self.named(), &error))?;
        Ok(if lint { Arc::new(Lint::new(app)) } else { Arc::new(app) })
    }

    /// Where it is mounted, where it takes a word to say that.
    pub(in crate::cli) fn named(&self) -> Option<&Place> {
        self.is_one_of_several.then_some(&self.place)
    }
}

/// The place, where there are several.
pub(super) fn named<'a>(config: &AppsConfig, place: &'a Place) -> Option<&'a Place> {
    let is_alone = matches!(&config.mounts[..], [mount] if matches!(mount.content, Content::Module(_)));
    (!is_alone).then_some(place)
}

/// What went wrong, and where that is mounted.
pub(super) fn failure(place: Option<&Place>, error: &LoadError) -> Failure {
    let text = place.map_or_else(|| error.to_string(), |place| format!("{place}: {error}"));
    match error {
        LoadError::Create { .. } | LoadError::CreatePanicked { .. } => Failure::Other(text),
        _ => Failure::Usage(text),
    }
}
