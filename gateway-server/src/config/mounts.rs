//! What is served, and where.

use std::path::PathBuf;

use clap::Args;
use gateway_spec::loader::{Options, Target};

use super::files::FileFlags;
use super::repeated;
use crate::service::{Place, files};

/// What is served, and where.
#[derive(Debug, Args)]
pub(super) struct MountFlags {
    /// The module's file and the app in it; the app may be left out where there is one, or one named `app`
    #[arg(value_name = "MODULE:APP")]
    pub(super) target: Option<String>,

    /// Serve an app below a path, /PREFIX=MODULE:APP, or for a host, HOST/PREFIX=MODULE:APP with example.org or *.example.org; may be given several times
    #[arg(long, value_name = "PLACE=MODULE", value_parser = mounted_module)]
    pub(super) mount: Vec<MountedModule>,

    /// Serve the files of a folder below a path, /PREFIX=DIR, or for a host, as --mount does apps; may be given several times
    #[arg(long = "static", value_name = "PLACE=DIR", value_parser = mounted_folder)]
    pub(super) static_folders: Vec<MountedFolder>,

    /// Serve each module of a folder, /PREFIX=DIR: DIR/libNAME.so at /PREFIX/NAME, reloaded when the folder changes; may be given several times
    #[arg(long, value_name = "PLACE=DIR", value_parser = mounted_folder)]
    pub(super) app_dir: Vec<MountedFolder>,
}

/// A value of `--mount`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MountedModule {
    place: Place,
    target: Target,
}

/// A folder, and where what is in it is mounted: `/PREFIX=DIR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MountedFolder {
    place: Place,
    folder: PathBuf,
}

/// Something that is served, and where.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Where.
    pub place: Place,
    /// What.
    pub content: Content,
}

/// What is served.
#[derive(Clone, Debug)]
pub enum Content {
    /// An app of a module.
    Module(Module),
    /// The modules of a folder, each below the place by its name.
    Folder(PathBuf),
    /// The files of a folder.
    Files(StaticFolder),
}

/// A folder whose files are served.
#[derive(Clone, Debug)]
pub struct StaticFolder {
    /// The folder.
    pub folder: PathBuf,
    /// How.
    pub settings: files::Settings,
}

/// An app of a module.
#[derive(Clone, Debug)]
pub struct Module {
    /// The module and the app.
    pub target: Target,
    /// The folder that the target is seen from, where it is not the current one.
    pub base: Option<PathBuf>,
}

impl Module {
    /// How it is opened.
    #[must_use]
    pub fn options(&self, strict: bool) -> Options {
        Options { strict, base: self.base.clone() }
    }
}

impl MountFlags {
    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.target.is_none() && self.mount.is_empty() && self.app_dir.is_empty() && self.static_folders.is_empty()
    }

    /// Everything that is served. Modules are seen from the folder of the file that
    /// names them: that of a flag, by its id.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) fn check(
        self,
        files: FileFlags,
        folder: impl Fn(&str) -> Option<PathBuf>,
    ) -> Result<Vec<Mount>, String> {
        let settings = files.check(!self.static_folders.is_empty())?;
        let module =
            |place, target, flag| Mount { place, content: Content::Module(Module { target, base: folder(flag) }) };
        let everywhere = self.target.map(|target| module(Place::default(), Target::parse(&target), "target"));
        let is_everywhere = everywhere.is_some();
        let others = self.mount.into_iter().map(|MountedModule { place, target }| module(place, target, "mount"));
        let statics = self.static_folders.into_iter().map(|MountedFolder { place, folder }| Mount {
            place,
            content: Content::Files(StaticFolder { folder, settings: settings.clone() }),
        });
        let folders = self.app_dir.into_iter();
        let folders = folders.map(|MountedFolder { place, folder }| Mount { place, content: Content::Folder(folder) });
        let all: Vec<Mount> = everywhere.into_iter().chain(others).chain(statics).chain(folders).collect();
        match repeated(all.iter().map(|mount| &mount.place)) {
            Some(place) if is_everywhere && place.is_everywhere() => {
                Err(format!("MODULE:APP is mounted at {place}, and so is something else: leave one out"))
            }
            Some(place) => Err(format!("something is mounted at {place} twice: leave one out")),
            None => Ok(all),
        }
    }
}

fn mounted_module(text: &str) -> Result<MountedModule, String> {
    match text.split_once('=') {
        Some((place, target)) if !target.is_empty() => {
            Ok(MountedModule { place: place.parse()?, target: Target::parse(target) })
        }
        _ => Err("write it as /PREFIX=MODULE:APP".to_owned()),
    }
}

fn mounted_folder(text: &str) -> Result<MountedFolder, String> {
    match text.split_once('=') {
        Some((place, folder)) if !folder.is_empty() => {
            Ok(MountedFolder { place: place.parse()?, folder: PathBuf::from(folder) })
        }
        _ => Err("write it as /PREFIX=DIR".to_owned()),
    }
}
