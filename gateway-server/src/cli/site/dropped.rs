//! The modules of a folder: what is there when a worker starts is what it serves,
//! so no path of a request is ever looked for in a file system.

use std::fs;
use std::path::Path;

use gateway_spec::loader::Target;

use super::Failure;
use crate::config::Module;
use crate::service::{Place, dropped_name};

/// A module that was found, and where it is to be mounted.
#[derive(Debug)]
pub(in crate::cli) struct Dropped {
    pub(in crate::cli) place: Place,
    pub(in crate::cli) module: Module,
}

/// Reads a folder, in the order of the names.
pub(in crate::cli) fn read(place: &Place, folder: &Path) -> Result<Vec<Dropped>, Failure> {
    let refused = |error| Failure::Usage(format!("--app-dir {place}={}: {error}", folder.display()));
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        let Some(name) = path.file_name().and_then(dropped_name).filter(|_| !path.is_dir()) else { continue };
        let name = name.to_str().ok_or_else(|| "its name is no UTF-8".to_owned());
        match name.and_then(|name| Ok((name, place.join(name)?))) {
            Ok((name, place)) => {
                // With a slash it is looked for in this folder only.
                let (target, base) = (Target::parse(&format!("./lib{name}.so")), Some(folder.to_owned()));
                all.push(Dropped { place, module: Module { target, base } });
            }
            Err(why) => tracing::warn!("{} is not served: {why}", path.display()),
        }
    }
    all.sort_by_cached_key(|dropped| dropped.place.to_string());
    Ok(all)
}
