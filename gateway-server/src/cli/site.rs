//! What is served: modules, loaded, and the one app that is made of theirs.

pub(super) mod dropped;
mod part;
mod statics;

use std::sync::Arc;

use gateway_spec::App;
use gateway_spec::abi::host::Host;
use gateway_spec::loader;

use super::Failure;
use crate::config::{AppSettings, AppsConfig, Content, StaticFolder};
use crate::service::{Page, Place, Site, dropped_name};
use crate::supervisor::Watched;

pub(super) use self::dropped::Dropped;
pub(super) use self::part::Part;
pub(super) use self::statics::open as open_files;

/// All modules of a configuration, loaded.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    parts: Vec<Part>,
    /// What is where no app is: below a folder's place, and in the place of a module
    /// that cannot be loaded.
    pages: Vec<(Place, Page)>,
    /// Folders of files.
    statics: Vec<(Place, StaticFolder)>,
    settings: AppSettings,
}

impl Loaded {
    /// Loads the modules.
    pub(super) fn open(config: &AppsConfig) -> Result<Self, Failure> {
        let settings = config.settings.clone();
        let mut all = Self { parts: Vec::new(), pages: Vec::new(), statics: Vec::new(), settings };
        // Where a folder has one of the same place, the one that is named wins.
        for mount in &config.mounts {
            match &mount.content {
                Content::Module(module) => all.add(Part::open(config, mount.place.clone(), module)?),
                Content::Files(folder) => all.statics.push((mount.place.clone(), folder.clone())),
                Content::Folder(folder) => {
                    all.pages.push((mount.place.clone(), Page::NOTHING));
                    for dropped in dropped::read(&mount.place, folder)? {
                        all.add_dropped(config, dropped);
                    }
                }
            }
        }
        Ok(all)
    }

    fn add(&mut self, part: Part) {
        // Two apps of a module are one file.
        if !self.parts.iter().any(|other| other.module.path() == part.module.path()) {
            part.warn();
        }
        self.parts.push(part);
    }

    /// One that is broken stops nobody.
    fn add_dropped(&mut self, config: &AppsConfig, Dropped { place, module }: Dropped) {
        let mut named = self.parts.iter().map(|part| &part.place).chain(self.statics.iter().map(|(place, _)| place));
        if named.any(|named| *named == place) {
            tracing::warn!("{} is not served: {place} is mounted", module.target);
            return;
        }
        match Part::open(config, place.clone(), &module) {
            Ok(part) => self.add(part.dropped()),
            Err(failure) => {
                tracing::error!("{}", failure.parts().1);
                self.pages.push((place, Page::BROKEN));
            }
        }
    }

    /// Holds that each module has the app that it must have.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.parts.iter().filter(|part| !part.is_dropped).try_for_each(|part| part.entry().map(drop))
    }

    /// Creates the apps, and the one that stands for all of them. One app alone
    /// stands for itself.
    pub(super) fn create(&self, host: &Arc<Host>, lint: bool) -> Result<Arc<dyn App>, Failure> {
        match (&self.parts[..], &self.pages[..], &self.statics[..]) {
            ([only], [], []) if only.place.is_everywhere() => return only.create(host, &self.settings, lint),
            ([], [], [(place, folder)]) if place.is_everywhere() => return statics::create(folder, lint),
            _ => {}
        }
        let mut apps: Vec<(Place, Arc<dyn App>)> = Vec::new();
        for part in &self.parts {
            let app = match part.create(host, &self.settings, lint) {
                Err(failure) if part.is_dropped => {
                    tracing::error!("{}", failure.parts().1);
                    Arc::new(Page::BROKEN)
                }
                created => created?,
            };
            apps.push((part.place.clone(), app));
        }
        for (place, folder) in &self.statics {
            apps.push((place.clone(), statics::create(folder, lint)?));
        }
        apps.extend(self.pages.iter().map(|(place, page)| (place.clone(), Arc::new(*page) as Arc<dyn App>)));
        Ok(Arc::new(Site::new(apps)))
    }

    /// Ends the modules, once their apps have ended.
    pub(super) fn shutdown(&self) {
        for Part { module, .. } in &self.parts {
            if let Err(error) = module.module().shutdown() {
                tracing::warn!("{} was not shut down: {error}", module.path().display());
            }
        }
    }
}

/// What may change, so that all is to be loaded anew: folders, and with
/// `--watch` the files of modules.
pub(super) fn watched(config: &AppsConfig, files: bool) -> Result<Vec<Watched>, Failure> {
    let mut watched = Vec::new();
    for mount in &config.mounts {
        match &mount.content {
            Content::Module(module) if files => {
                let found = loader::locate(&module.target, &module.options(config.strict));
                let found = found.map_err(|error| part::failure(part::named(config, &mount.place), &error))?;
                watched.extend(found.into_iter().map(Watched::File));
            }
            // What has files is looked at anew for each request.
            Content::Module(_) | Content::Files(_) => {}
            Content::Folder(folder) => {
                dropped::read(&mount.place, folder)?;
                watched.push(Watched::Folder(folder.clone(), |name| dropped_name(name).is_some()));
            }
        }
    }
    Ok(watched)
}
