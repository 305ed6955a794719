//! A C app as an [`App`]: the server's side of a module.

mod body;
mod life;
mod module;
mod proxy;
mod turn;

use std::ffi::c_void;
use std::fmt;
use std::ptr;
use std::sync::Arc;

use super::host::Host;
use super::types::*;
use super::view::{RequestRef, accepted, checked, raw_pairs};
use crate::app::{App, AppFlags};
use crate::body::Body;
use crate::config::Config;
use crate::environ::Environ;
use crate::error::{Error, Result};
use crate::headers::Header;
use crate::start_response::StartResponse;

use self::life::Life;
use self::turn::Turn;

pub use module::{AppEntry, Module, ModuleError};

/// An app of a module, created; an [`App`] like any other.
///
/// Dropping it destroys the app: drop it after the last of its bodies.
pub struct ForeignApp {
    table: &'static GwApp,
    /// The app's handle; NULL where the app needs none.
    this: *mut c_void,
    /// The table's, which is known to be there.
    call: GwCallFn,
    /// Taken while `call` runs, for an app that is not CONCURRENT.
    turn: Option<Turn>,
    /// The app points to it until it is destroyed.
    host: Arc<Host>,
    /// The module, which is told when the app ends.
    life: Arc<Life>,
}

// SAFETY: the ABI lets any thread call, concurrently where CONCURRENT is set;
// `turn` serialises the others.
unsafe impl Send for ForeignApp {}
// SAFETY: as for Send.
unsafe impl Sync for ForeignApp {}

impl ForeignApp {
    /// Creates the app of a table that [`Module`] has checked.
    fn create(table: &'static GwApp, life: Arc<Life>, host: Arc<Host>, config: &Config<'_>) -> Result<Self> {
        let create = table.create.ok_or_else(|| Error::Unsupported("the app has no create".into()))?;
        let call = table.call.ok_or_else(|| Error::Unsupported("the app has no call".into()))?;
        let list: Vec<Header<'_>> = config.iter().map(|(key, value)| Header::new(key, value)).collect();
        let mut this = ptr::null_mut();
        // SAFETY: the table was checked; the host outlives the app, the
        // configuration the call.
        let status =
            checked(|err| unsafe { create(host.view().as_ptr(), raw_pairs(&list), list.len(), &mut this, err) })?;
        accepted(status)?;
        let turn = (table.flags & GW_APP_CONCURRENT == 0).then(Turn::default);
        Ok(Self { table, this, call, turn, host, life })
    }

    /// One call over the ABI.
    ///
    /// # Safety
    /// `request` keeps the ABI's rules until the body is dropped.
    #[inline]
    unsafe fn invoke<'r>(&'r self, request: *const GwRequest) -> Result<Body<'r>> {
        match &self.turn {
            // SAFETY: the caller's promise.
            None => unsafe { self.invoke_now(request) },
            // SAFETY: the caller's promise.
            Some(turn) => unsafe { self.invoke_in_turn(turn, request) },
        }
    }

    /// As [`invoke`](Self::invoke), for an app that is not CONCURRENT. Apart,
    /// so that the others do not pay for its guard.
    #[inline(never)]
    unsafe fn invoke_in_turn<'r>(&'r self, turn: &Turn, request: *const GwRequest) -> Result<Body<'r>> {
        let _turn = turn.take()?;
        // SAFETY: the caller's promise.
        unsafe { self.invoke_now(request) }
    }

    /// As [`invoke`](Self::invoke), once it is this call's turn.
    #[inline(always)]
    unsafe fn invoke_now<'r>(&'r self, request: *const GwRequest) -> Result<Body<'r>> {
        let mut out = GwBody {
            size: size_of::<GwBody>() as u32,
            kind: GW_BODY_EMPTY,
            vt: ptr::null(),
            data: ptr::null_mut(),
            content: GwBodyContent { room: [0; 4] },
        };
        // SAFETY: `this` is alive, the caller promises the request, `out` is ours.
        let status = checked(|err| unsafe { (self.call)(self.this, request, &mut out, err) })?;
        accepted(status)?;
        // SAFETY: `call` said OK, so `out` holds a body of this request.
        unsafe { body::raise(&out) }
    }
}

impl App for ForeignApp {
    #[inline]
    fn call_request<'r>(&'r self, request: RequestRef<'r>) -> Result<Body<'r>> {
        // SAFETY: the request is valid for 'r, and the body does not outlive it.
        unsafe { self.invoke(request.as_ptr()) }
    }

    fn call<'r>(&'r self, environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        let request = environ.request();
        let own = |start: RequestRef<'_>| ptr::eq(start.as_ptr(), request.as_ptr());
        if environ.is_untouched() && start_response.request().is_some_and(own) {
            return self.call_request(request);
        }
        proxy::call(self, environ, start_response)
    }

    fn flags(&self) -> AppFlags {
        AppFlags::from_bits(self.table.flags)
    }
}

impl Drop for ForeignApp {
    fn drop(&mut self) {
        self.life.end_app(|| {
            if let Some(destroy) = self.table.destroy {
                // SAFETY: `this` came from `create` and is destroyed here, once.
                unsafe { destroy(self.this) }
            }
        });
    }
}

impl fmt::Debug for ForeignApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: the table is static and was checked.
        let name = unsafe { super::view::Slice::from_raw(self.table.name) };
        write!(f, "ForeignApp({name:?} in {:?})", self.host)
    }
}
