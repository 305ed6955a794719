//! Users and groups by their names and numbers.

use std::io;

use nix::errno::Errno;
use nix::unistd::{Group, Uid, User};

/// Somebody who may own files and processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: u32,
    /// The name and the group that the system's list has, where it has this user.
    pub(crate) listed: Option<(String, u32)>,
}

/// The user of that name, or number.
///
/// # Errors
/// A sentence: there is none, or the system's lists cannot be read.
pub(crate) fn account(text: &str) -> Result<Account, String> {
    let failed = |error: Errno| format!("the user {text} cannot be looked up: {}", io::Error::from(error));
    let listed = |user: &User| Some((user.name.clone(), user.gid.as_raw()));
    if let Some(number) = number("user", text)? {
        let found = User::from_uid(Uid::from_raw(number)).map_err(failed)?;
        return Ok(Account { user: number, listed: found.as_ref().and_then(listed) });
    }
    let found = User::from_name(text).map_err(failed)?.ok_or_else(|| format!("there is no user {text}"))?;
    Ok(Account { user: found.uid.as_raw(), listed: listed(&found) })
}

/// The number of the group of that name, or number.
///
/// # Errors
/// A sentence: there is none, or the system's lists cannot be read.
pub(crate) fn group_id(text: &str) -> Result<u32, String> {
    if let Some(number) = number("group", text)? {
        return Ok(number);
    }
    let found = Group::from_name(text)
        .map_err(|error| format!("the group {text} cannot be looked up: {}", io::Error::from(error)))?;
    found.map(|group| group.gid.as_raw()).ok_or_else(|| format!("there is no group {text}"))
}

/// A number is one. To the system the highest means that nothing is changed, and
/// who asks for a change must not get none.
fn number(what: &str, text: &str) -> Result<Option<u32>, String> {
    match text.parse() {
        Ok(u32::MAX) => Err(format!("{text} is the number of no {what}")),
        Ok(number) => Ok(Some(number)),
        Err(_) => Ok(None),
    }
}
