//! A file in one of its forms, and what of it is sent.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::SystemTime;

use gateway_spec::{Body, Environ, Head, Header, Result, StartResponse, Status};

use super::conditions::{self, Verdict};
use super::encoding::Coding;
use super::fields::Fields;
use super::folder::Opened;
use super::page::{self, NO_SNIFFING};
use super::parts::Parts;
use super::ranges::{self, Selection, Span};
use super::stamp::Validators;
use super::text::Text;

/// The longest Content-Range: three numbers and what is between them.
type ContentRange = Text<72>;

/// What is sent, if nothing speaks against it.
#[derive(Debug)]
pub(super) struct Representation {
    opened: Opened,
    content_type: Cow<'static, str>,
    coding: Option<Coding>,
    validators: Validators,
}

impl Representation {
    pub(super) fn new(opened: Opened, content_type: Cow<'static, str>, coding: Option<Coding>) -> Self {
        let validators = Validators::new(&opened.stamp, coding, SystemTime::now());
        Self { opened, content_type, coding, validators }
    }

    /// Answers a GET or HEAD. `varies` where another client might get another form.
    pub(super) fn send<'r>(
        self,
        environ: &Environ<'_>,
        varies: bool,
        cache_control: Option<&str>,
        start: &mut dyn StartResponse<'r>,
    ) -> Result<Body<'r>> {
        let validators = &self.validators;
        // What a 304 has too (RFC 9110, section 15.4.5).
        let mut fields = Fields::new();
        fields.push("ETag", validators.etag.as_bytes());
        if let Some(date) = &validators.last_modified {
            fields.push("Last-Modified", date.as_bytes());
        }
        if let Some(value) = cache_control {
            fields.push("Cache-Control", value);
        }
        if varies {
            fields.push("Vary", "Accept-Encoding");
        }
        match conditions::weigh(environ, validators) {
            Verdict::Go => {}
            Verdict::Failed => return page::status(Status::PRECONDITION_FAILED, None, start),
            Verdict::NotModified => {
                start.start(Head::new(Status::NOT_MODIFIED, fields.as_slice()))?;
                return Ok(Body::empty());
            }
        }
        fields.add(NO_SNIFFING);
        fields.push("Accept-Ranges", "bytes");
        if let Some(coding) = self.coding {
            fields.push("Content-Encoding", coding.name());
        }
        let (file, size) = (self.opened.file, self.opened.stamp.size);
        match selection(environ, validators, self.coding, size) {
            Selection::Whole => {
                fields.push("Content-Type", &*self.content_type);
                start.start(Head::new(Status::OK, fields.as_slice()))?;
                Ok(Body::file_range(file, 0, size))
            }
            Selection::One(span) => {
                let range = content_range(span, size);
                fields.push("Content-Range", range.as_bytes());
                fields.push("Content-Type", &*self.content_type);
                start.start(Head::new(Status::PARTIAL_CONTENT, fields.as_slice()))?;
                Ok(Body::file_range(file, span.first, span.length))
            }
            Selection::Several(spans) => {
                let (parts, content_type) = Parts::new(file, size, &spans, &self.content_type);
                fields.push("Content-Type", &content_type);
                start.start(Head::new(Status::PARTIAL_CONTENT, fields.as_slice()))?;
                Ok(Body::source(parts))
            }
            Selection::Nothing => {
                let range = format!("bytes */{size}");
                page::status(Status::RANGE_NOT_SATISFIABLE, Some(Header::new("Content-Range", &range)), start)
            }
        }
    }
}

/// Which bytes are asked for. Only GET has ranges (RFC 9110, section 14.2).
fn selection(environ: &Environ<'_>, validators: &Validators, coding: Option<Coding>, size: u64) -> Selection {
    let Some(range) = environ.get("HTTP_RANGE").filter(|_| environ.method() == "GET") else { return Selection::Whole };
    if !conditions::range_holds(environ, validators) {
        return Selection::Whole;
    }
    match ranges::select(&range, size) {
        // Content-Encoding would say of the parts together what is true of what
        // they are parts of.
        Selection::Several(_) if coding.is_some() => Selection::Whole,
        selection => selection,
    }
}

fn content_range(span: Span, size: u64) -> ContentRange {
    let mut text = Text::new();
    // It has room for the longest numbers.
    let _ = write!(text, "bytes {}-{}/{size}", span.first, span.last());
    text
}
