//! One request and its response under lint: what is known of it so far.

use std::fs::File;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use super::facts::{BodyFacts, FileFacts, Moment, ReadFacts, ReturnFacts, StartFacts, WriteFacts};
use super::life::{Life, lock};
use super::rule::{Check, Requirement, Side, Violation, broken};
use crate::body::{Body, FileRange, View};
use crate::environ::Environ;
use crate::error::{Error, Result};
use crate::log::Errors;
use crate::start_response::{Head, StartResponse, Writer};

pub(super) struct Exchange<'r> {
    errors: Errors<'r>,
    server: String,
    pub(super) life: Arc<Life>,
    head: bool,
    pub(super) track: Mutex<Track>,
}

/// What changes while the exchange goes on.
#[derive(Debug, Default)]
pub(super) struct Track {
    /// The head that is set.
    pub(super) status: Option<u16>,
    pub(super) declared: Option<u64>,
    has_type: bool,
    pub(super) committed: bool,
    pub(super) written: u64,
    pub(super) write_failed: bool,
    pub(super) returned: bool,
    pub(super) input_failed: bool,
    refused: bool,
    /// The thread that is inside `call` or `next`.
    inside: Option<ThreadId>,
    /// The first MUST that was broken: the app cannot swallow it.
    broken: Option<Violation>,
}

impl Track {
    pub(super) fn is_inside(&self) -> bool {
        self.inside == Some(thread::current().id())
    }
}

impl<'r> Exchange<'r> {
    pub(super) fn new(environ: &Environ<'r>, life: Arc<Life>) -> Arc<Self> {
        let host = environ.request().host();
        let server = format!("{}/{}", host.name().escape_ascii(), host.version().escape_ascii());
        let errors = environ.errors().target(super::TARGET);
        Arc::new(Self { errors, server, life, head: environ.method() == "HEAD", track: Mutex::default() })
    }

    /// Logs what is broken; the first MUST is the error.
    pub(super) fn report(&self, violations: Vec<Violation>) -> Result<()> {
        let mut first = None;
        for mut violation in violations {
            if violation.rule.side == Side::Server {
                violation.seen = format!("{} (server {})", violation.seen, self.server);
            }
            match violation.rule.level {
                Requirement::Must => self.errors.error(&violation),
                Requirement::Should => self.errors.warn(&violation),
            }
            self.life.keep(violation.clone());
            if violation.rule.level == Requirement::Must {
                first.get_or_insert(violation);
            }
        }
        let Some(violation) = first else { return Ok(()) };
        lock(&self.track).broken.get_or_insert_with(|| violation.clone());
        Err(Error::app(violation))
    }

    pub(super) fn check_life(&self, moment: Moment, multithread: bool) -> Result<()> {
        self.report(self.life.check(moment, multithread))
    }

    pub(super) fn check_request(&self, environ: &Environ<'_>) -> Result<()> {
        self.report(broken(|check| match check {
            Check::Environ(check) => check(environ),
            _ => None,
        }))
    }

    pub(super) fn check_read(&self, facts: &ReadFacts<'_>) -> Result<()> {
        self.report(broken(|check| match check {
            Check::Read(check) => check(facts),
            _ => None,
        }))
    }

    pub(super) fn check_write(&self, facts: &WriteFacts<'_>) -> Result<()> {
        self.report(broken(|check| match check {
            Check::Write(check) => check(facts),
            _ => None,
        }))
    }

    /// This thread is inside from now until the answer is dropped.
    pub(super) fn enter(&self) -> Turn<'_, 'r> {
        lock(&self.track).inside = Some(thread::current().id());
        Turn { exchange: self, panicking: thread::panicking() }
    }

    /// The app's `start_response`.
    pub(super) fn start(&self, head: Head<'_>, outer: &mut dyn StartResponse<'r>) -> Result<Writer<'r>> {
        let (started, committed) = {
            let track = lock(&self.track);
            (track.status.is_some(), track.committed)
        };
        let facts = StartFacts {
            status: head.status.code(),
            reason: head.reason,
            headers: head.headers,
            replaces: head.error.is_some(),
            started,
            committed,
        };
        self.report(broken(|check| match check {
            Check::Start(check) => check(&facts),
            _ => None,
        }))?;
        match outer.start(head) {
            Ok(writer) => {
                let mut track = lock(&self.track);
                track.refused = false;
                track.status = Some(facts.status);
                track.declared = facts.content_length();
                track.has_type = facts.has("content-type");
                Ok(writer)
            }
            Err(error) => {
                lock(&self.track).refused = true;
                self.report(broken(|check| match check {
                    Check::Refused(check) => check(&error),
                    _ => None,
                }))?;
                Err(error)
            }
        }
    }

    /// The app's return: its error or its body, checked.
    pub(super) fn finish(&self, outcome: Result<Body<'r>>) -> Result<Body<'r>> {
        let (status, refused, input_failed) = {
            let mut track = lock(&self.track);
            track.returned = true;
            (track.status, track.refused, track.input_failed)
        };
        if lock(&self.track).broken.is_none() {
            let facts = ReturnFacts { status, refused, input_failed, error: outcome.as_ref().err() };
            self.report(broken(|check| match check {
                Check::Return(check) => check(&facts),
                _ => None,
            }))?;
        }
        if let Some(violation) = lock(&self.track).broken.clone() {
            return Err(Error::app(violation));
        }
        let body = outcome?;
        let facts = self.body_facts(&body);
        self.report(broken(|check| match check {
            Check::Body(check) => check(&facts),
            _ => None,
        }))?;
        Ok(body)
    }

    fn body_facts(&self, body: &Body<'_>) -> BodyFacts {
        let track = lock(&self.track);
        let file = match body.view() {
            View::File(range) => file_facts(range),
            _ => None,
        };
        BodyFacts {
            status: track.status.unwrap_or_default(),
            head: self.head,
            declared: track.declared,
            has_type: track.has_type,
            written: track.written,
            length: body.length(),
            file,
        }
    }
}

/// Nothing where the system cannot tell.
fn file_facts(range: FileRange<'_>) -> Option<FileFacts> {
    let meta = File::from(range.fd.try_clone_to_owned().ok()?).metadata().ok()?;
    let size = meta.is_file().then_some(meta.len());
    Some(FileFacts { offset: range.offset, length: range.length, size })
}

/// A thread's stay inside `call` or `next`; tells when it ends by a panic.
pub(super) struct Turn<'a, 'r> {
    exchange: &'a Exchange<'r>,
    panicking: bool,
}

impl Drop for Turn<'_, '_> {
    fn drop(&mut self) {
        lock(&self.exchange.track).inside = None;
        if thread::panicking() && !self.panicking {
            // A warning, whatever becomes of it: the panic itself goes on.
            let _ = self.exchange.check_life(Moment::Panicked, true);
        }
    }
}
