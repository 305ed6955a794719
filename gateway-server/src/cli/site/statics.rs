//! A folder of files, as an app.

use std::sync::Arc;

use gateway_spec::App;
use gateway_spec::lint::Lint;

use super::Failure;
use crate::config::StaticFolder;
use crate::service::files::{Files, FilesError};

/// Opens the folder.
pub(in crate::cli) fn open(folder: &StaticFolder) -> Result<Files, Failure> {
    Files::new(&folder.folder, &folder.settings).map_err(|error| match error {
        // No other command line would help.
        FilesError::Openat2(_) => Failure::Other(error.to_string()),
        _ => Failure::Usage(error.to_string()),
    })
}

/// The app.
pub(super) fn create(folder: &StaticFolder, lint: bool) -> Result<Arc<dyn App>, Failure> {
    let app = open(folder)?;
    Ok(if lint { Arc::new(Lint::new(app)) } else { Arc::new(app) })
}
