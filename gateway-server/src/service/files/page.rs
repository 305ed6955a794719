//! Answers that are no file of the folder.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use gateway_spec::{Body, Environ, Head, Header, Result, StartResponse, Status};

use super::{encode, kind};

/// The longest page for what is not there: it stays in memory.
const LONGEST: u64 = 1 << 20;

/// What follows a status and its sentence where a browser shows them. Light or
/// dark is left to it, and so is how text looks.
macro_rules! page {
    ($status:literal, $text:literal) => {
        concat!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n",
            "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
            $status,
            "</title>\n<style>:root{color-scheme:light dark}body{font-family:sans-serif;margin:3em auto;",
            "max-width:40em;padding:0 1em}</style>\n<h1>",
            $status,
            "</h1>\n<p>",
            $text,
            "</p>\n</html>\n"
        )
    };
}

/// The built-in page of a status.
const fn built_in(status: Status) -> &'static str {
    match status {
        Status::FORBIDDEN => page!("403 Forbidden", "This may not be read."),
        Status::NOT_FOUND => page!("404 Not Found", "There is nothing at this address."),
        Status::METHOD_NOT_ALLOWED => page!("405 Method Not Allowed", "This can only be read."),
        Status::PRECONDITION_FAILED => page!("412 Precondition Failed", "This has changed."),
        Status::RANGE_NOT_SATISFIABLE => page!("416 Range Not Satisfiable", "The file does not have these bytes."),
        _ => page!("503 Service Unavailable", "Please try again in a moment."),
    }
}

/// The methods that are answered.
const ALLOW: Header<'_> = Header::from_static("Allow", "GET, HEAD, OPTIONS");
const HTML: Header<'_> = Header::from_static("Content-Type", "text/html; charset=utf-8");
/// A file is what its name says, whatever its bytes look like.
pub(super) const NO_SNIFFING: Header<'_> = Header::from_static("X-Content-Type-Options", "nosniff");

/// A page that takes the place of the built-in one for 404.
#[derive(Debug)]
pub(super) struct Page {
    bytes: Vec<u8>,
    content_type: Cow<'static, str>,
}

impl Page {
    /// Reads it whole: it is not opened again for each address that somebody tries.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a page has at most 1 MiB"));
        }
        Ok(Self { bytes, content_type: kind::content_type(path.as_os_str().as_bytes()) })
    }
}

/// 404
pub(super) fn not_found<'r>(page: Option<&'r Page>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let Some(page) = page else { return status(Status::NOT_FOUND, None, start) };
    let headers = [Header::new("Content-Type", &*page.content_type), NO_SNIFFING];
    start.start(Head::new(Status::NOT_FOUND, &headers))?;
    Ok(Body::borrowed(&page.bytes))
}

/// A status with its built-in page, and perhaps one header more.
pub(super) fn status<'r>(
    status: Status,
    more: Option<Header<'_>>,
    start: &mut dyn StartResponse<'r>,
) -> Result<Body<'r>> {
    let headers = match more {
        None => &[HTML, NO_SNIFFING][..],
        Some(header) => &[HTML, NO_SNIFFING, header],
    };
    start.start(Head::new(status, headers))?;
    Ok(Body::borrowed(built_in(status).as_bytes()))
}

/// The names of a folder: to be asked for again each time, for nothing tells when
/// they change.
pub(super) fn listing<'r>(listing: String, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let no_cache = Header::from_static("Cache-Control", "no-cache");
    start.start(Head::new(Status::OK, &[HTML, NO_SNIFFING, no_cache]))?;
    Ok(Body::from(listing))
}

/// 405
pub(super) fn not_allowed<'r>(start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    status(Status::METHOD_NOT_ALLOWED, Some(ALLOW), start)
}

/// 503: descriptors are given back as soon as others have had their answers.
pub(super) fn busy<'r>(start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    status(Status::SERVICE_UNAVAILABLE, Some(Header::from_static("Retry-After", "1")), start)
}

/// What may be asked.
pub(super) fn options<'r>(start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start.start(Head::new(Status::NO_CONTENT, &[ALLOW]))?;
    Ok(Body::empty())
}

/// A folder without the slash at its end, which what it refers to counts on.
pub(super) fn redirect<'r>(environ: &Environ<'_>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let location = location(environ.script_name(), environ.path_info(), environ.query_string());
    start.start(Head::new(Status::MOVED_PERMANENTLY, &[Header::new("Location", &location), NO_SNIFFING]))?;
    Ok(Body::empty())
}

/// The same path with a slash at its end. It has one at its start, and one only:
/// with two, the next name would be a host's.
fn location(script_name: &[u8], path_info: &[u8], query: &[u8]) -> String {
    let mut location = String::with_capacity(script_name.len() + path_info.len() + query.len() + 3);
    encode::path(&mut location, script_name);
    encode::path(&mut location, path_info);
    let path = location.trim_matches('/');
    let mut location = if path.is_empty() { "/".to_owned() } else { format!("/{path}/") };
    if !query.is_empty() {
        location.push('?');
        encode::query(&mut location, query);
    }
    location
}

#[cfg(test)]
mod tests {
    fn check(script_name: &str, path_info: &str, query: &str, expected: &str) {
        let found = super::location(script_name.as_bytes(), path_info.as_bytes(), query.as_bytes());
        assert_eq!(found, expected);
    }

    #[test]
    fn a_location_stays_here() {
        check("", "/docs", "", "/docs/");
        check("/static", "", "", "/static/");
        check("/static", "/a b", "x=%20&y", "/static/a%20b/?x=%20&y");
        check("", "", "", "/");
        check("", "//evil.example", "", "/evil.example/");
        check("//evil.example", "/a", "", "/evil.example/a/");
        check("", "/\\evil.example", "", "/%5Cevil.example/");
        check("", "/\t/evil.example", "", "/%09/evil.example/");
        check("", "/https://evil.example", "", "/https%3A//evil.example/");
        check("", "/a\r\nSet-Cookie: b", "c\r\nd", "/a%0D%0ASet-Cookie%3A%20b/?c%0D%0Ad");
    }
}
