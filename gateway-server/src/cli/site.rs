//! What is served: modules, loaded, and the one app that is made of theirs.

use std::path::PathBuf;
use std::sync::Arc;

use gateway_spec::abi::host::Host;
use gateway_spec::lint::Lint;
use gateway_spec::loader::{self, LoadError, OpenModule};
use gateway_spec::{App, Config as AppConfig};

use super::Failure;
use crate::config::{AppsConfig, Content, Mount};
use crate::service::{Place, Site};

/// All modules of a configuration, loaded.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    parts: Vec<Part>,
    settings: Vec<(String, String)>,
}

/// What is at a place.
#[derive(Clone, Debug)]
pub(super) struct Part {
    place: Place,
    pub(super) module: OpenModule,
    /// Whether there are others, and it takes a word to tell them apart.
    is_one_of_several: bool,
}

impl Loaded {
    /// Loads the modules.
    pub(super) fn open(config: &AppsConfig) -> Result<Self, Failure> {
        let mut parts: Vec<Part> = Vec::new();
        for mount in &config.mounts {
            let part = Part::open(config, mount)?;
            // Two apps of a module are one file.
            if !parts.iter().any(|other| other.module.path() == part.module.path()) {
                part.warn();
            }
            parts.push(part);
        }
        Ok(Self { parts, settings: config.settings.clone() })
    }

    /// Holds that each module has the app that it is to have.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.parts.iter().try_for_each(|part| part.module.entry(None).map(drop).map_err(|error| part.failure(error)))
    }

    /// Creates the apps, and the one that stands for all of them. One app alone
    /// stands for itself.
    pub(super) fn create(&self, host: &Arc<Host>, lint: bool) -> Result<Arc<dyn App>, Failure> {
        let create = |part: &Part| Ok((part.place.clone(), part.create(host, &self.settings, lint)?));
        let mut apps: Vec<(Place, Arc<dyn App>)> = self.parts.iter().map(create).collect::<Result<_, Failure>>()?;
        match apps.pop_if(|(place, _)| place.is_everywhere() && self.parts.len() == 1) {
            Some((_, only)) => Ok(only),
            None => Ok(Arc::new(Site::new(apps))),
        }
    }

    /// Ends the modules, once their apps have ended.
    pub(super) fn shutdown(&self) {
        for part in &self.parts {
            if let Err(error) = part.module.module().shutdown() {
                tracing::warn!("{} was not shut down: {error}", part.module.path().display());
            }
        }
    }
}

impl Part {
    /// Loads the module that is mounted there.
    pub(super) fn open(config: &AppsConfig, mount: &Mount) -> Result<Self, Failure> {
        let (is_one_of_several, place) = (config.mounts.len() > 1, mount.place.clone());
        let Content::Module(module) = &mount.content;
        let opened = loader::open(&module.target, &module.options(config.strict));
        let module = opened.map_err(|error| failure(is_one_of_several.then_some(&place), error))?;
        Ok(Self { place, module, is_one_of_several })
    }

    /// Says what is odd about it.
    pub(super) fn warn(&self) {
        self.module.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    }

    /// Its app.
    pub(super) fn create(
        &self,
        host: &Arc<Host>,
        settings: &[(String, String)],
        lint: bool,
    ) -> Result<Arc<dyn App>, Failure> {
        let settings = AppConfig::from_pairs(settings.iter().cloned());
        let app = self.module.create(Arc::clone(host), &settings).map_err(|error| self.failure(error))?;
        Ok(if lint { Arc::new(Lint::new(app)) } else { Arc::new(app) })
    }

    /// Where it is mounted, where it takes a word to say that.
    pub(super) fn named(&self) -> Option<&Place> {
        self.is_one_of_several.then_some(&self.place)
    }

    pub(super) fn failure(&self, error: LoadError) -> Failure {
        failure(self.named(), error)
    }
}

/// What went wrong, and where that is mounted, if there are several.
fn failure(place: Option<&Place>, error: LoadError) -> Failure {
    let text = place.map_or_else(|| error.to_string(), |place| format!("{place}: {error}"));
    match error {
        LoadError::Create { .. } | LoadError::CreatePanicked { .. } => Failure::Other(text),
        _ => Failure::Usage(text),
    }
}

/// The files of all modules, for a look at whether they change.
pub(super) fn files(config: &AppsConfig) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for Mount { place, content: Content::Module(module) } in &config.mounts {
        let found = loader::locate(&module.target, &module.options(config.strict));
        files.extend(found.map_err(|error| failure((config.mounts.len() > 1).then_some(place), error))?);
    }
    Ok(files)
}
