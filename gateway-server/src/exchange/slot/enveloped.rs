//! A request that a web server has read: what it says of it stands in memory of the
//! slot, and takes the place of what the server itself would say.

use gateway_spec::Header;

use super::{ENDS, Inner, Opened, SCHEME, Slot};
use crate::exchange::wire::{Behind, Terms};
use crate::protocol::front::{Broken, Envelope, Found, Front, Understood, Variables};
use crate::protocol::http1::{Framing, Version};
use crate::protocol::{Limits, Refusal};

/// What was said of the last request, and its variables as the app gets them.
#[derive(Debug, Default)]
pub(super) struct Said {
    variables: Variables,
    others: Vec<Header<'static>>,
    env: Vec<Header<'static>>,
}

/// A web server says more than HTTP does: the path up to four times.
const ROOM: usize = 2;

impl Slot {
    /// Looks at what the buffer begins with, and keeps what is said of a request.
    ///
    /// # Errors
    /// It is nothing of the protocol.
    pub(in crate::exchange) fn look(&mut self, front: Front, limits: &Limits) -> Result<Found, Broken> {
        let inner = self.inner();
        let bytes = inner.hosted.transport().buffer.bytes();
        front.read(bytes, ROOM * limits.head, &mut inner.said.get_or_insert_default().variables)
    }

    /// Opens the request that was found by the last look.
    ///
    /// # Errors
    /// The rule that it breaks; nothing is open then.
    pub(in crate::exchange) fn open_enveloped(
        &mut self,
        front: Front,
        envelope: Envelope,
        limits: &Limits,
    ) -> Result<Opened, Refusal> {
        let inner = self.inner();
        let said = inner.said.get_or_insert_default();
        said.variables.prepare()?;
        // SAFETY: no body is open, so nobody borrows from what was said before; what is
        // said now stays as it is until the next request is looked at.
        let variables: &'static Variables = unsafe { &*std::ptr::from_ref(&said.variables) };
        let told = variables.understood(limits, &mut inner.room.headers, &mut said.others)?;
        inner.hosted.set_line(told.method, told.path, told.query, told.target);
        inner.hosted.set_script_name(told.script_name);
        inner.say(&told);
        // What is in the buffer from now on is the body.
        inner.hosted.transport().buffer.pin(true);
        inner.is_open = true;
        let framing = match (front, told.length) {
            (_, 0) => Framing::None,
            (Front::FastCgi, length) => Framing::Records { id: envelope.id, length },
            (_, length) => Framing::Length(length),
        };
        let behind = Behind { front, id: envelope.id, stays: envelope.keep_alive };
        // FastCGI without KEEP_CONN: all that may come is an ABORT_REQUEST, of a web server
        // that does not want the answer.
        let last = front != Front::FastCgi || !envelope.keep_alive;
        let terms = Terms {
            version: Version::Http10,
            head_only: told.method == b"HEAD",
            keep_alive: false,
            last,
            front: Some(behind),
        };
        Ok(Opened { start: 0, end: envelope.size, framing, expect_continue: false, terms })
    }

    /// Gives the app the variables of the request that is ready.
    #[cold]
    pub(in crate::exchange) fn list_enveloped(&mut self) {
        let inner = self.inner();
        let Some(said) = &inner.said else { return };
        // SAFETY: both lists stay as they are until the next request is opened.
        let (env, headers): (&'static [Header<'static>], &'static [Header<'static>]) =
            unsafe { (&*std::ptr::from_ref(&*said.env), &*std::ptr::from_ref(&*inner.room.headers)) };
        inner.hosted.set_lists(env, headers);
    }

    /// The first line of a request that a web server said and that is refused, as far as
    /// it was read.
    pub(in crate::exchange) fn said_line(&self) -> Vec<u8> {
        // SAFETY: `&self`, and nobody changes what was said while a request is refused.
        let said = unsafe { &(*self.0.as_ptr()).said };
        said.as_ref().map(|said| said.variables.line()).unwrap_or_default()
    }

    /// All of it, between calls.
    fn inner(&mut self) -> &mut Inner {
        // SAFETY: `&mut self`, and no body is open where this is used.
        unsafe { &mut *self.0.as_ptr() }
    }
}

impl Inner {
    /// Puts the variables together: what the web server says wins over what this one
    /// would.
    fn say(&mut self, told: &Understood<'static>) {
        let Some(said) = &mut self.said else { return };
        said.env.clear();
        self.env[0] = self.env[0].with_value(told.protocol);
        self.env[SCHEME] = self.env[SCHEME].with_value(if told.is_secure { b"https" } else { b"http" });
        // No web server says what begins with a small letter.
        let is_capital = |name: &[u8]| name.first().is_some_and(u8::is_ascii_uppercase);
        let is_said = |name: &[u8]| is_capital(name) && said.others.iter().any(|other| other.name() == name);
        let own = self.env[..ENDS + 4].iter().filter(|entry| !entry.value().is_empty() && !is_said(entry.name()));
        said.env.extend(own);
        said.env.extend(&said.others);
    }
}
