//! Moves an exchange's bytes through a non-blocking socket.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, sendmsg};

use super::poller::Interest;
use crate::exchange::{End, Exchange, Now, Pending};
use crate::net::{Secure, Stream};

/// The most of a file that one call sends, so that deadlines are looked at.
const FILE_PIECE: u64 = 1 << 20;

/// Reads what has arrived; 0 bytes at the client's FIN. Answers besides whether
/// they are all that there was room for.
///
/// # Errors
/// The system's; [`Errno::AGAIN`] where nothing has arrived.
#[inline]
pub(super) fn receive(stream: &Stream, exchange: &mut Exchange) -> Result<(usize, bool), Errno> {
    if exchange.is_preface() {
        return receive_preface(stream, exchange);
    }
    let room = exchange.room();
    if let Some(tls) = stream.by_tls() {
        return tls.receive(room);
    }
    loop {
        // Not by way of the standard library, whose call is a cancellation point
        // of the C library: 60 instructions.
        match rustix::net::recv(stream, &mut *room, RecvFlags::empty()) {
            Err(Errno::INTR) => {}
            outcome => return outcome.map(|(count, _)| (count, count == room.len())),
        }
    }
}

/// Reads what has arrived of a PROXY header, and no byte behind it: that is looked
/// at first. There may be more, whose reader is another one.
#[cold]
fn receive_preface(stream: &Stream, exchange: &mut Exchange) -> Result<(usize, bool), Errno> {
    let there = retry(|| rustix::net::recv(stream, exchange.room(), RecvFlags::PEEK))?.0;
    let count = exchange.in_preface(there);
    if count == 0 {
        return Ok((0, true));
    }
    let count = retry(|| rustix::net::recv(stream, &mut exchange.room()[..count], RecvFlags::empty()))?.0;
    Ok((count, true))
}

fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            outcome => return outcome,
        }
    }
}

/// Sends some of what is pending.
#[inline(always)]
pub(super) fn send(stream: &Stream, exchange: &Exchange) -> io::Result<usize> {
    match exchange.pending() {
        Pending::Bytes { bytes, more } => send_bytes(stream, bytes, more),
        Pending::Slices(slices) => send_slices(stream, slices.as_slices()),
        Pending::File { fd, offset, length } => send_file(stream, fd, offset, length.min(FILE_PIECE)),
    }
}

/// Sends one run of bytes; with `more`, the system waits for what follows.
fn send_bytes(stream: &Stream, bytes: &[u8], more: bool) -> io::Result<usize> {
    if let Some(tls) = stream.by_tls() {
        return tls.send(&[IoSlice::new(bytes)]);
    }
    let more = if more { SendFlags::MORE } else { SendFlags::empty() };
    retried(|| Ok(rustix::net::send(stream, bytes, SendFlags::NOSIGNAL | more)?))
}

/// Sends runs of bytes.
pub(super) fn send_slices(stream: &Stream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    if let Some(tls) = stream.by_tls() {
        return tls.send(slices);
    }
    match slices {
        [one] => send_bytes(stream, one, false),
        _ => retried(|| Ok(sendmsg(stream, slices, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?)),
    }
}

/// Sends a range of a file without reading it into memory, where the system
/// can; a descriptor that it refuses is copied, and what has to be encrypted.
fn send_file(stream: &Stream, fd: BorrowedFd<'_>, offset: u64, length: u64) -> io::Result<usize> {
    let mut position = offset;
    let count = usize::try_from(length).unwrap_or(usize::MAX);
    if stream.is_secure() {
        return copy_file(stream, fd, offset, count);
    }
    match retried(|| Ok(rustix::fs::sendfile(stream, fd, Some(&mut position), count)?)) {
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)) => {
            copy_file(stream, fd, offset, count)
        }
        other => other,
    }
}

fn copy_file(stream: &Stream, fd: BorrowedFd<'_>, offset: u64, count: usize) -> io::Result<usize> {
    let file = File::from(fd.try_clone_to_owned()?);
    let mut copy = vec![0; count.min(64 * 1024)];
    let read = retried(|| file.read_at(&mut copy, offset))?;
    if read == 0 {
        return Ok(0);
    }
    send_bytes(stream, &copy[..read], false)
}

/// What a connection waits for that wants to read: what its TLS has to say goes
/// out before.
pub(super) fn before_read(stream: &Stream) -> Interest {
    match stream.by_tls().map(Secure::flush) {
        Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => Interest::Write,
        // Another error shows to whoever reads.
        _ => Interest::Read,
    }
}

/// Whether there is something to read that no poll tells of.
#[inline(always)]
pub(super) fn holds_bytes(stream: &Stream) -> bool {
    stream.by_tls().is_some_and(Secure::holds_bytes)
}

/// Nothing can be read any more; but one who speaks no TLS is told that it should.
#[cold]
pub(super) fn unreadable(stream: &Stream, exchange: &mut Exchange, now: &Now) {
    if stream.by_tls().is_some_and(Secure::is_plain) { exchange.unencrypted(now) } else { exchange.gone() }
}

/// Closes the sending side; `false` where the client cannot be told so yet.
pub(super) fn shut(stream: &Stream, exchange: &mut Exchange, now: &Now) -> bool {
    let outcome = match exchange.end() {
        End::Whole => stream.shutdown(Shutdown::Write),
        End::Cut => stream.cut(),
        End::Reset => {
            stream.reset();
            exchange.gone();
            return true;
        }
    };
    match outcome {
        Ok(()) => exchange.shut(now),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
        Err(_) => exchange.gone(),
    }
    true
}

/// The connection is over.
pub(super) fn over(stream: &Stream, exchange: &Exchange) {
    if let Some(fault) = stream.by_tls().and_then(Secure::fault) {
        exchange.insecure(&fault);
    }
}

/// Runs a call again when a signal interrupted it.
pub(super) fn retried<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Waits for one socket; `false` when the deadline comes first.
pub(super) fn wait_one(stream: &Stream, events: PollFlags, deadline: Option<Instant>) -> io::Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(stream.as_fd(), events)];
    wait(&mut fds, deadline)
}

/// Waits for any of several descriptors; `false` when the deadline comes first.
pub(super) fn wait(fds: &mut [PollFd<'_>], deadline: Option<Instant>) -> io::Result<bool> {
    loop {
        let left = deadline.map(|deadline| timespec(deadline.saturating_duration_since(Instant::now())));
        match poll(fds, left.as_ref()) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// As the system takes it.
pub(super) fn timespec(duration: Duration) -> Timespec {
    Timespec::try_from(duration).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
}
