//! A log file that is opened anew: another program has moved the old one away.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::stdio::{dup2_stderr, dup2_stdout};

/// Has standard output and error go to the end of the file that is there now.
///
/// # Errors
/// It cannot be opened; all is as it was.
pub(crate) fn log_to(path: &Path) -> io::Result<OwnedFd> {
    Ok(open_anew(&CString::new(path.as_os_str().as_bytes())?)?)
}

/// Does it when a signal comes. Where it cannot, all stays as it was.
///
/// # Errors
/// A number that is no signal, or one that cannot be handled.
pub(crate) fn log_anew_on(signal: i32, path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: open, dup and close may be called by a handler (signal-safety(7)), and
    // by way of rustix they are nothing but system calls.
    unsafe { signal_hook::low_level::register(signal, move || drop(open_anew(&path))) }.map(drop)
}

fn open_anew(path: &CString) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC;
    // Readable by its owner and its group: what an app logs is not everybody's.
    let file = open(path.as_c_str(), flags, Mode::RUSR | Mode::WUSR | Mode::RGRP)?;
    dup2_stdout(&file)?;
    dup2_stderr(&file)?;
    Ok(file)
}
