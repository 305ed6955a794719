//! What every function that C calls runs inside: no panic leaves it, and no
//! NULL is written through.
//!
//! A panic that crosses into another library aborts the process, even with
//! `extern "C-unwind"` and the same compiler, because each cdylib has its own
//! copy of std.

use std::any::Any;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::types::{GW_PANIC, GwBuf, GwStatus};
use crate::error::{Error, Result};
use crate::escape::{escape, is_unsafe};

/// Runs `body` for a C caller: an error goes to `err` and becomes its status,
/// a panic becomes [`GW_PANIC`].
///
/// All of the work, writing results included, belongs inside `body`: only an
/// `i32` leaves the `catch_unwind`, which is what keeps it cheap.
///
/// # Safety
/// `err` is NULL, or points to a `GwBuf` whose memory is writable for `cap` bytes.
#[inline]
pub unsafe fn guard(err: *mut GwBuf, body: impl FnOnce() -> Result<GwStatus>) -> GwStatus {
    let outcome = catch_unwind(AssertUnwindSafe(|| match body() {
        Ok(status) => status,
        Err(error) => {
            // SAFETY: the caller's promise about `err`.
            unsafe { report(err, &error) };
            error.to_status()
        }
    }));
    outcome.unwrap_or_else(|payload| {
        let text = panic_text(payload);
        // SAFETY: the caller's promise about `err`.
        unsafe { write_text(err, text.as_bytes()) };
        GW_PANIC
    })
}

/// Runs `body` for a C caller that cannot be told of a failure.
#[inline]
pub fn guard_quiet(body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        let _ = panic_text(payload);
    }
}

/// Runs Rust code that may panic; the panic becomes [`Error::Panic`].
///
/// # Errors
/// The error of `body`, or [`Error::Panic`].
#[inline]
pub fn caught<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(Error::Panic(panic_text(payload))))
}

/// Makes the default message of a panic safe to read: a text with control
/// characters, which may come from a client, is written escaped, on one line.
/// Other panics, and a hook that is set later, are as always. Once per copy of
/// this crate; [`export!`](crate::export!) does it when an app is created, a
/// server does it at its start.
pub fn escape_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let text = payload
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| payload.downcast_ref::<String>().map(|text| &**text));
            match (text, info.location()) {
                (Some(text), Some(place)) if text.chars().any(is_unsafe) => {
                    // A failure to write here must not become a second panic.
                    let _ = writeln!(io::stderr(), "panicked at {place}: {}", escape(text));
                }
                _ => usual(info),
            }
        }));
    });
}

/// The text of a panic. The payload is dropped inside a second guard: one
/// whose `Drop` panics would abort the process although it was caught.
#[cold]
pub fn panic_text(payload: Box<dyn Any + Send>) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a payload that is not text".to_owned());
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // A payload that panics each time it is dropped has no end: what is not
        // known to drop in peace is leaked.
        if !second.is::<&str>() && !second.is::<String>() {
            std::mem::forget(second);
        }
    }
    text
}

#[cold]
unsafe fn report(err: *mut GwBuf, error: &Error) {
    let mut text = String::new();
    let _ = write!(text, "{}", error.detail());
    // SAFETY: the caller's promise about `err`.
    unsafe { write_text(err, text.as_bytes()) };
}

#[cold]
unsafe fn write_text(err: *mut GwBuf, text: &[u8]) {
    // SAFETY: NULL or a valid GwBuf, by the caller's promise.
    let Some(err) = (unsafe { err.as_mut() }) else { return };
    if err.ptr.is_null() {
        return;
    }
    err.len = text.len().min(err.cap);
    // SAFETY: `len` is at most `cap`, which the caller promises writable.
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), err.ptr, err.len) };
}
