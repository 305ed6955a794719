//! Who this process is, changed for good.

use std::ffi::CString;
use std::io;

use nix::unistd::{
    Gid, ResGid, ResUid, Uid, getresgid, getresuid, initgroups, setgroups, setresgid, setresuid, setuid,
};

use super::{Account, threads};

/// Makes this process another user's, or only another group's: of all its groups
/// and ids nothing is left, and none of it can be had back.
///
/// # Errors
/// `ResourceBusy` in a process with more than one thread: a module has been
/// loaded as who it was before. Or the system's, when this process may not; it is
/// not fit to go on then.
pub(crate) fn change_identity(account: Option<&Account>, group: u32) -> io::Result<()> {
    if threads()? != 1 {
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, "the process has more than one thread"));
    }
    // In this order: without its user's rights it could not change its groups.
    let group = Gid::from_raw(group);
    match account.and_then(|account| account.listed.as_ref()) {
        Some((name, _)) => initgroups(&CString::new(name.as_str())?, group)?,
        None => setgroups(&[group])?,
    }
    setresgid(group, group, group)?;
    if let Some(account) = account {
        let user = Uid::from_raw(account.user);
        setresuid(user, user, user)?;
    }
    if !is_identity(account.map(|account| account.user), group.as_raw())? {
        return Err(io::Error::other("the system says that it is done, and it is not"));
    }
    // A process may keep its capabilities (capabilities(7), securebits).
    if account.is_some_and(|account| account.user != 0) && setuid(Uid::from_raw(0)).is_ok() {
        return Err(io::Error::other("it could become root again: its capabilities outlive the change"));
    }
    Ok(())
}

/// Whether this process is that user's and that group's, in every respect.
///
/// # Errors
/// The system's.
pub(crate) fn is_identity(user: Option<u32>, group: u32) -> io::Result<bool> {
    let ResUid { real, effective, saved } = getresuid()?;
    let is_user = user.is_none_or(|user| [real, effective, saved].iter().all(|id| id.as_raw() == user));
    let ResGid { real, effective, saved } = getresgid()?;
    Ok(is_user && [real, effective, saved].iter().all(|id| id.as_raw() == group))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Others would go on as who they were, or as whatever the library makes of them.
    #[test]
    #[cfg_attr(miri, ignore)]
    fn nothing_changes_while_there_are_threads() {
        let before = (getresuid().unwrap(), getresgid().unwrap());
        // However the tests are run, this makes two.
        let refused = std::thread::spawn(|| change_identity(None, 7)).join().unwrap();
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        assert_eq!((getresuid().unwrap(), getresgid().unwrap()), before);
    }
}
