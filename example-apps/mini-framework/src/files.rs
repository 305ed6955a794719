//! A folder under a prefix: just enough for a picture and a style sheet. Ranges,
//! conditions, compression and caches are a server's to do.

use std::fs::File;
use std::path::PathBuf;

use crate::application::refuse_method;
use crate::{Failure, Outcome, Request, Response};

pub(crate) struct Folder {
    prefix: String,
    root: PathBuf,
}

impl Folder {
    pub(crate) fn new(prefix: &str, root: PathBuf) -> Self {
        Self { prefix: prefix.trim_end_matches('/').to_owned(), root }
    }

    /// This folder and the name in it, if the path is below the prefix.
    pub(crate) fn below<'p>(&self, path: &'p str) -> Option<(&Self, &'p str)> {
        Some((self, path.strip_prefix(self.prefix.as_str())?.strip_prefix('/')?))
    }

    pub(crate) fn answer(&self, name: &str, request: &mut Request<'_>) -> Outcome {
        let file = self.open(name).ok_or_else(Failure::not_found)?;
        if !matches!(request.method(), "GET" | "HEAD") {
            return refuse_method(request, "GET, HEAD, OPTIONS");
        }
        // Nobody is to find a page in what was put there as a text.
        Ok(Response::file(media_type(name), file)?.with_header("X-Content-Type-Options", "nosniff"))
    }

    /// A file of the folder. No name leads out of it: not by its segments, and not by
    /// a link that somebody has put there. Hidden files stay hidden.
    fn open(&self, name: &str) -> Option<File> {
        let is_plain =
            |segment: &str| !segment.is_empty() && !segment.starts_with('.') && !segment.contains(['\\', '\0']);
        if !name.split('/').all(is_plain) {
            return None;
        }
        let root = self.root.canonicalize().ok()?;
        let path = root.join(name).canonicalize().ok()?;
        // Looked at before it is opened: opening a pipe would wait for its other end.
        (path.starts_with(&root) && path.is_file()).then(|| File::open(path).ok())?
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "css" => "text/css; charset=utf-8",
        "gif" => "image/gif",
        "html" => "text/html; charset=utf-8",
        "jpg" | "jpeg" => "image/jpeg",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
