//! Files of a folder, as a user of nginx expects them.
//!
//! | file | purpose |
//! |---|---|
//! | `path` | which paths may name a file at all |
//! | `folder` | the folder; the only place where something in it is opened |
//! | `kind`, `encoding` | what a file is, and in which of its forms it is sent |
//! | `representation` | the file in this form, and its answers |
//! | `stamp`, `conditions` | validators, and the requests that depend on them |
//! | `ranges`, `parts` | pieces of a file |
//! | `listing`, `page` | pages that are no file: a folder's names, and what went wrong |
//! | `encode`, `fields`, `text` | small helpers |

mod conditions;
mod encode;
mod encoding;
mod error;
mod fields;
mod folder;
mod kind;
mod listing;
mod page;
mod parts;
mod path;
pub mod ranges;
mod representation;
mod stamp;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway_spec::{App, AppFlags, Body, Environ, Error, Result, StartResponse, Status};

use self::encoding::Coding;
use self::folder::{Folder, Found, Miss, Opened};
use self::page::Page;
use self::path::Wanted;
use self::representation::Representation;

pub use self::error::FilesError;
pub use self::folder::Symlinks;

/// How a folder is served.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which symbolic links are followed.
    pub symlinks: Symlinks,
    /// What is sent for a folder: the first of these files that it has.
    pub index: Vec<String>,
    /// Whether a folder without one is listed.
    pub autoindex: bool,
    /// How long clients may use a file without asking, where that is said.
    pub max_age: Option<Duration>,
    /// The page that is sent with 404; a short one where this is left out.
    pub not_found: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            symlinks: Symlinks::default(),
            index: vec!["index.html".to_owned()],
            autoindex: false,
            max_age: None,
            not_found: None,
        }
    }
}

/// An app that answers with the files of a folder, by PATH_INFO.
///
/// ```
/// use gateway_server::service::files::{Files, Settings};
/// use gateway_spec::testing::TestClient;
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("hello.txt"), "Hello, World!\n")?;
/// let client = TestClient::new(Files::new(folder.path(), &Settings::default())?);
/// let response = client.get("/hello.txt").send();
/// assert_eq!(response.text(), "Hello, World!\n");
/// assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Files {
    folder: Folder,
    index: Vec<String>,
    autoindex: bool,
    cache_control: Option<String>,
    not_found: Option<Page>,
}

/// What a path comes to.
#[derive(Debug)]
enum Answer<'p> {
    /// A file, and the path that tells its type.
    File(Opened, Cow<'p, [u8]>),
    /// A folder that was asked for without the slash at its end.
    Redirect,
    /// A folder without an index.
    Folder(OwnedFd),
}

impl Files {
    /// The files of a folder, which is opened now and stays the one that is served
    /// whatever becomes of its name.
    ///
    /// # Errors
    /// [`FilesError`]: the folder or the page for 404 cannot be opened, or the
    /// system cannot keep paths inside.
    pub fn new(folder: &Path, settings: &Settings) -> Result<Self, FilesError> {
        let read =
            |path: &PathBuf| Page::read(path).map_err(|error| FilesError::NotFound { path: path.clone(), error });
        Ok(Self {
            folder: Folder::new(folder, settings.symlinks)?,
            index: settings.index.clone(),
            autoindex: settings.autoindex,
            cache_control: settings.max_age.map(|age| format!("max-age={}", age.as_secs())),
            not_found: settings.not_found.as_ref().map(read).transpose()?,
        })
    }

    fn find<'p>(&self, wanted: &Wanted<'p>) -> Result<Answer<'p>, Miss> {
        if wanted.is_folder {
            return self.find_in_folder(wanted);
        }
        Ok(match self.folder.open(wanted.path)? {
            Found::File(opened) => Answer::File(opened, Cow::Borrowed(wanted.path)),
            Found::Folder(_) => Answer::Redirect,
        })
    }

    fn find_in_folder<'p>(&self, wanted: &Wanted<'p>) -> Result<Answer<'p>, Miss> {
        for name in &self.index {
            let path = wanted.with("/", name.as_bytes());
            match self.folder.open(&path) {
                Ok(Found::File(opened)) => return Ok(Answer::File(opened, Cow::Owned(path))),
                Ok(Found::Folder(_)) | Err(Miss::Missing) => {}
                Err(miss) => return Err(miss),
            }
        }
        match self.folder.open(wanted.path)? {
            Found::Folder(fd) => Ok(Answer::Folder(fd)),
            // A file has nothing below it.
            Found::File(_) => Err(Miss::Missing),
        }
    }

    /// The form of a file that its client wants most. One that is older than the
    /// file was made of another content: it is passed over, as if it were not there.
    /// By the second, because not every tool that compresses copies more of a time.
    fn preferred(&self, environ: &Environ<'_>, path: &[u8], opened: Opened) -> (Opened, Option<Coding>) {
        let accepted = environ.get("HTTP_ACCEPT_ENCODING");
        let codings = accepted.map(|list| encoding::wanted(&list)).unwrap_or_default();
        for coding in codings.into_iter().flatten() {
            match self.folder.open(&[path, coding.suffix()].concat()) {
                Ok(Found::File(shorter)) if shorter.stamp.seconds >= opened.stamp.seconds => {
                    return (shorter, Some(coding));
                }
                _ => {}
            }
        }
        (opened, None)
    }

    fn file<'r>(
        &self,
        environ: &Environ<'_>,
        (opened, path): (Opened, &[u8]),
        start: &mut dyn StartResponse<'r>,
    ) -> Result<Body<'r>> {
        let content_type = kind::content_type(path);
        let varies = kind::is_compressible(&content_type);
        let (opened, coding) = if varies { self.preferred(environ, path, opened) } else { (opened, None) };
        let cache_control = self.cache_control.as_deref();
        Representation::new(opened, content_type, coding).send(environ, varies, cache_control, start)
    }

    fn folder<'r>(
        &self,
        environ: &Environ<'_>,
        (open, wanted): (OwnedFd, &Wanted<'_>),
        start: &mut dyn StartResponse<'r>,
    ) -> Result<Body<'r>> {
        if !self.autoindex {
            return page::status(Status::FORBIDDEN, None, start);
        }
        let shown = [environ.script_name(), environ.path_info()].concat();
        let listing = listing::page(&self.folder, open, wanted, &shown)?;
        page::listing(listing, start)
    }

    fn miss<'r>(&'r self, miss: Miss, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        match miss {
            Miss::Missing => page::not_found(self.not_found.as_ref(), start),
            Miss::Forbidden => page::status(Status::FORBIDDEN, None, start),
            Miss::Busy => page::busy(start),
            Miss::Failed(error) => Err(Error::app(std::io::Error::from(error))),
        }
    }
}

impl App for Files {
    fn call<'r>(&'r self, environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        match environ.method() {
            "GET" | "HEAD" => {}
            "OPTIONS" => return page::options(start),
            _ => return page::not_allowed(start),
        }
        let Some(wanted) = Wanted::read(environ.path_info()) else { return self.miss(Miss::Missing, start) };
        match self.find(&wanted) {
            Ok(Answer::File(opened, path)) => self.file(&environ, (opened, &path), start),
            Ok(Answer::Redirect) => page::redirect(&environ, start),
            Ok(Answer::Folder(open)) => self.folder(&environ, (open, &wanted), start),
            Err(miss) => self.miss(miss, start),
        }
    }

    /// It reads no body, so it needs not wait for one.
    fn flags(&self) -> AppFlags {
        AppFlags::CONCURRENT.with(AppFlags::STREAMS_INPUT)
    }
}
