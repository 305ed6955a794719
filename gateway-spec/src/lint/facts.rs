//! What checks look at: plain values, so that each is tested without a server.

use crate::abi::import::Module;
use crate::app::AppFlags;
use crate::error::Error;
use crate::headers::Header;

/// One read from `gateway.input`.
#[derive(Clone, Copy, Debug)]
pub struct ReadFacts<'a> {
    /// The length that the request states.
    pub length: Option<u64>,
    /// Bytes given by earlier reads.
    pub before: u64,
    /// What this read gave.
    pub outcome: Result<usize, &'a Error>,
    /// Whether an earlier read gave the end.
    pub ended: bool,
    /// Whether an earlier read failed.
    pub failed: bool,
    /// Whether this thread is inside the request's `call` or `next`.
    pub inside: bool,
}

/// One call of `start_response`.
#[derive(Clone, Copy, Debug)]
pub struct StartFacts<'a> {
    /// The status as a number.
    pub status: u16,
    /// The reason phrase, where the app gave one.
    pub reason: Option<&'a str>,
    /// The headers.
    pub headers: &'a [Header<'a>],
    /// Whether it carries the error that makes it replace an earlier head.
    pub replaces: bool,
    /// Whether a head is set already.
    pub started: bool,
    /// Whether that head is on its way.
    pub committed: bool,
}

impl<'a> StartFacts<'a> {
    /// A first call with this status and these headers.
    #[must_use]
    pub const fn first(status: u16, headers: &'a [Header<'a>]) -> Self {
        Self { status, reason: None, headers, replaces: false, started: false, committed: false }
    }

    /// The values of all headers of that name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |header| header.is(name)).map(Header::value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The one Content-Length, where it is a number.
    pub(super) fn content_length(&self) -> Option<u64> {
        super::text::number(self.all("content-length").next()?)
    }
}

/// One write.
#[derive(Clone, Copy, Debug)]
pub struct WriteFacts<'a> {
    /// The response's status.
    pub status: u16,
    /// The Content-Length that the app declared.
    pub declared: Option<u64>,
    /// Bytes written before.
    pub before: u64,
    /// Bytes of this write.
    pub count: u64,
    /// What the server answered; `None` before it was asked.
    pub outcome: Option<Result<(), &'a Error>>,
    /// Whether an earlier write failed.
    pub failed: bool,
    /// Whether the app has returned.
    pub returned: bool,
    /// Whether this thread is inside the request's `call` or `next`.
    pub inside: bool,
}

/// The app's return.
#[derive(Clone, Copy, Debug)]
pub struct ReturnFacts<'a> {
    /// The status that is set, if one is.
    pub status: Option<u16>,
    /// Whether the last `start_response` was refused by the server.
    pub refused: bool,
    /// Whether reading the input failed.
    pub input_failed: bool,
    /// The error that it returned.
    pub error: Option<&'a Error>,
}

/// The body that the app returned.
#[derive(Clone, Copy, Debug, Default)]
pub struct BodyFacts {
    /// The response's status.
    pub status: u16,
    /// Whether the request is HEAD, so that no body is sent.
    pub head: bool,
    /// The Content-Length that the app declared.
    pub declared: Option<u64>,
    /// Whether there is a Content-Type.
    pub has_type: bool,
    /// Bytes written before.
    pub written: u64,
    /// The body's exact length, where known.
    pub length: Option<u64>,
    /// The file and the range of it, for a body of that kind.
    pub file: Option<FileFacts>,
}

/// A file body.
#[derive(Clone, Copy, Debug)]
pub struct FileFacts {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
    /// Size of a regular file; `None` for anything else.
    pub size: Option<u64>,
}

/// One pull from a streamed body.
#[derive(Clone, Copy, Debug)]
pub struct PullFacts<'a> {
    /// The response's status.
    pub status: u16,
    /// The Content-Length that the app declared.
    pub declared: Option<u64>,
    /// The length that the stream stated at first.
    pub stated: Option<u64>,
    /// Bytes written, and given by earlier pulls; the first count toward
    /// `declared` only.
    pub written: u64,
    /// Bytes given by earlier pulls.
    pub before: u64,
    /// Bytes and the last flag of the chunk, `None` at the end, or the error;
    /// for a pull that must not be, what it would have been is not asked.
    pub outcome: Result<Option<(u64, bool)>, &'a Error>,
    /// Whether an earlier pull gave the end.
    pub ended: bool,
    /// Whether an earlier pull failed, or gave a chunk flagged as the last.
    pub over: bool,
}

impl PullFacts<'_> {
    /// Bytes of the stream with this chunk.
    pub(super) fn total(&self) -> u64 {
        let chunk = self.outcome.ok().flatten().map_or(0, |(count, _)| count);
        self.before.saturating_add(chunk)
    }

    /// Whether the stream is over with this pull.
    pub(super) const fn ends(&self) -> bool {
        matches!(self.outcome, Ok(None | Some((_, true))))
    }
}

/// A moment in the life of an app.
#[derive(Clone, Copy, Debug, Default)]
pub struct LifeFacts {
    /// What happens.
    pub moment: Moment,
    /// How many times `shutdown` was called before.
    pub shutdowns: usize,
    /// Bodies that are not closed yet.
    pub open: usize,
    /// Other threads that are inside `call`.
    pub others: usize,
    /// `gateway.multithread` of the request.
    pub multithread: bool,
}

/// See [`LifeFacts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Moment {
    /// `call` begins.
    #[default]
    Call,
    /// `call` or `next` panicked.
    Panicked,
    /// Closing the body panicked.
    ClosePanicked,
    /// `shutdown`.
    Shutdown,
}

/// One line for `gateway.errors`.
#[derive(Clone, Copy, Debug)]
pub struct LineFacts<'a> {
    /// Which part speaks.
    pub target: &'a str,
    /// The text.
    pub message: &'a str,
}

/// A module's table.
#[derive(Clone, Debug, Default)]
pub struct ModuleFacts {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Compiler and library.
    pub built_with: String,
    /// `GW_MODULE_*`.
    pub flags: u32,
    /// Its apps.
    pub apps: Vec<AppFacts>,
}

/// One app of a module's table.
#[derive(Clone, Debug, Default)]
pub struct AppFacts {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub doc: String,
    /// `GW_APP_*`.
    pub flags: u32,
}

impl ModuleFacts {
    /// The facts of a module that passed the loader's checks.
    #[must_use]
    pub fn of(module: Module) -> Self {
        let app = |entry: crate::abi::import::AppEntry| AppFacts {
            name: entry.name().to_owned(),
            doc: entry.doc(),
            flags: AppFlags::bits(entry.flags()),
        };
        Self {
            name: module.name(),
            version: module.version(),
            built_with: module.built_with(),
            flags: module.flags(),
            apps: module.apps().map(app).collect(),
        }
    }
}
