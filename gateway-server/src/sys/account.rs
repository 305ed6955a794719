//! Users and groups by their names.

use std::io;

use nix::unistd::{Group, User};

/// The number of the user of that name.
///
/// # Errors
/// The system's, when its lists cannot be read.
pub(crate) fn user_id(name: &str) -> io::Result<Option<u32>> {
    Ok(User::from_name(name)?.map(|user| user.uid.as_raw()))
}

/// The number of the group of that name.
///
/// # Errors
/// The system's, when its lists cannot be read.
pub(crate) fn group_id(name: &str) -> io::Result<Option<u32>> {
    Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()))
}
