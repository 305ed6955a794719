//! The file, and connections to it.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gateway_spec::{Error, Status};
use mini_framework::Failure;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags};

use crate::schema;

/// How long a write waits for those of others, in other processes too.
const PATIENCE: Duration = Duration::from_secs(5);

/// A database of this program, and the connections that nobody uses just now.
///
/// There is no limit to them: a server runs so many calls at once and no more, and each
/// uses one connection.
pub(crate) struct Database {
    path: PathBuf,
    file: File,
    idle: Mutex<Vec<Connection>>,
}

impl Database {
    /// Opens the file, or makes it, and brings its tables up to date.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let absolute = std::path::absolute(path);
        let path = absolute.map_err(|error| Error::app(format!("the database {path:?} is nowhere: {error}")))?;
        let refuse = |why: String| Error::app(format!("the database {} {why}", path.display()));
        let folder = path.parent().filter(|folder| !folder.is_dir());
        if let Some(folder) = folder {
            return Err(refuse(format!("has no folder: {} is not there", folder.display())));
        }
        let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_CREATE).map_err(|error| refuse(explain(&error)))?;
        schema::bring_up_to_date(&mut connection).map_err(|error| match error {
            schema::Outdated::Sqlite(error) => refuse(explain(&error)),
            schema::Outdated::Newer(version) => refuse(format!(
                "is of a newer guest book: its tables are version {version}, {} is known",
                schema::VERSION
            )),
            schema::Outdated::Foreign => refuse("is another program's".to_owned()),
        })?;
        let file = File::at(&path)?;
        // The connection ends here: a server may fork after this, and a connection must
        // not be in two processes.
        drop(connection);
        Ok(Self { path, file, idle: Mutex::new(Vec::new()) })
    }

    /// Does some work with a connection of its own. One that has seen an error, or a
    /// panic, is not used again.
    pub(crate) fn run<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failure> {
        self.is_there()?;
        let idle = self.idle().pop();
        let connection = idle.map_or_else(|| connect(&self.path, OpenFlags::empty()), Ok).map_err(refusal)?;
        let done = work(&connection).map_err(refusal)?;
        self.idle().push(connection);
        Ok(done)
    }

    /// A connection goes on with a file that was removed, and what is written into that is
    /// lost with it: nobody is to be told otherwise.
    fn is_there(&self) -> Result<(), Error> {
        if File::at(&self.path).is_ok_and(|file| file == self.file) {
            return Ok(());
        }
        Err(Error::app(format!("the database {} was removed or replaced: reload the app", self.path.display())))
    }

    /// Held for a moment, never while anything is asked or awaited.
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file, by its device and its number there, whatever stands at its path later.
#[derive(PartialEq, Eq)]
struct File(u64, u64);

impl File {
    fn at(path: &Path) -> io::Result<Self> {
        path.metadata().map(|file| Self(file.dev(), file.ino()))
    }
}

fn connect(path: &Path, more: OpenFlags) -> rusqlite::Result<Connection> {
    // No URIs: a file may be called `file:x?mode=memory`. No lock inside: a connection
    // is used by one thread at a time.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    if connection.is_readonly(MAIN_DB)? {
        return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY), None));
    }
    // What is committed is on the disk before anybody is told: it survives the power's
    // end, not only the process's.
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// Busy for longer than the patience: the visitor may try again.
fn refusal(error: rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Failure::new(Status::SERVICE_UNAVAILABLE, "Too many are writing just now. Please try again.")
        }
        _ => Error::app(error).into(),
    }
}

/// What to say of a file that cannot be used.
fn explain(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => "is no database of SQLite's".to_owned(),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "may not be written".to_owned(),
        Some(ErrorCode::CannotOpen) => {
            "cannot be opened or made: is it a file, in a folder that may be written?".to_owned()
        }
        Some(ErrorCode::DatabaseBusy) => format!("is held by somebody for more than {} s", PATIENCE.as_secs()),
        _ => format!("cannot be used: {error}"),
    }
}
