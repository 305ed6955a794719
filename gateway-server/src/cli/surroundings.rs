//! What the process has about it, put in place.

use std::env::temp_dir;

use rustix::fs::Mode;
use rustix::process::{geteuid, umask};

use super::Failure;
use crate::config::{Identity, Serve};

/// What comes before anything is made. Whoever cannot become whom it should be
/// is told now, and not by each worker.
pub(super) fn prepare(how: &Serve) -> Result<(), Failure> {
    if let Some(mask) = how.surroundings.umask {
        umask(Mode::from_raw_mode(mask));
    }
    match &how.surroundings.identity {
        Some(identity) if !geteuid().is_root() && !identity.is_held() => Err(Failure::Other(format!(
            "only root can serve as {identity}, and this process is user {}: start it as root, or leave --user and \
             --group out",
            geteuid().as_raw()
        ))),
        _ => Ok(()),
    }
}

/// Gives up what the app must not have; everything that needs it is done.
/// Whether anything was given up.
pub(super) fn give_up_rights(how: &Serve) -> Result<bool, Failure> {
    let Some(identity) = become_user(how)? else { return Ok(false) };
    if identity.is_root() {
        tracing::warn!("the app is loaded as root: {identity} leaves it all rights; --user names another user");
    }
    check_spool(how, identity)?;
    Ok(true)
}

/// Becomes who serves; `None` where this is whom the program was started as.
pub(super) fn become_user(how: &Serve) -> Result<Option<&Identity>, Failure> {
    // A container may have started it as whom it should be.
    let Some(identity) = how.surroundings.identity.as_ref().filter(|_| geteuid().is_root()) else { return Ok(None) };
    identity.take().map_err(|error| {
        let root = "; it takes CAP_SETUID and CAP_SETGID, which root may have been deprived of";
        let hint = if error.kind() == std::io::ErrorKind::PermissionDenied { root } else { "" };
        Failure::Other(format!("cannot serve as {identity}: {error}{hint}"))
    })?;
    Ok(Some(identity))
}

/// Better now than at the first large upload.
fn check_spool(how: &Serve, identity: &Identity) -> Result<(), Failure> {
    let own = how.spool_dir.as_deref();
    let folder = own.map_or_else(temp_dir, ToOwned::to_owned);
    let Err(error) = tempfile::tempfile_in(&folder) else { return Ok(()) };
    let text = format!("--spool-dir {}: {error}: {identity} must be able to write there", folder.display());
    if own.is_some() {
        return Err(Failure::Usage(text));
    }
    // Perhaps nobody sends anything large.
    tracing::warn!("{text}");
    Ok(())
}
