//! The tables, and how they came to be what they are.

use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

/// Each step is run once, in a file's life, and never changed afterwards: what is to be
/// different is a further step. A file says by its `user_version` how many it has had.
const STEPS: &[&str] = &[
    "CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        written INTEGER NOT NULL -- seconds since 1970
    ) STRICT;",
    "ALTER TABLE entries ADD COLUMN place TEXT NOT NULL DEFAULT '';",
];

/// The version that all steps lead to.
pub(crate) const VERSION: usize = STEPS.len();

/// Marks a file as one of ours (`PRAGMA application_id`): "gest".
const APPLICATION: i64 = 0x6765_7374;

/// How long to wait for others who are at it: workers start together.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a file cannot be brought up to date.
pub(crate) enum Outdated {
    Sqlite(rusqlite::Error),
    /// A later program has had it.
    Newer(i64),
    /// It has tables that are not ours.
    Foreign,
}

impl From<rusqlite::Error> for Outdated {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Runs the steps that a file has not had: all of them, or none.
pub(crate) fn bring_up_to_date(connection: &mut Connection) -> Result<(), Outdated> {
    // Looked at first: another program's file stays as it is, and one that is up to date
    // need not be locked.
    if version(connection)? < VERSION {
        // IMMEDIATE: of several workers that start together, one does it and the others
        // wait here, and look again.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (step, done) in STEPS.iter().zip(1..).skip(version(&transaction)?) {
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", done)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.commit()?;
    }
    write_ahead(connection)
}

/// How many steps the file has had.
fn version(connection: &Connection) -> Result<usize, Outdated> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let version = number("user_version")?;
    let is_empty: bool = connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if !is_empty && number("application_id")? != APPLICATION {
        return Err(Outdated::Foreign);
    }
    usize::try_from(version).ok().filter(|version| *version <= VERSION).ok_or(Outdated::Newer(version))
}

/// The write-ahead log: readers and a writer do not wait for each other. It is a property
/// of the file. The change to it needs the file alone, and does not wait for that by
/// itself as all else does.
fn write_ahead(connection: &Connection) -> Result<(), Outdated> {
    let end = Instant::now() + PATIENCE;
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0)) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return Ok(other.map(drop)?),
        }
    }
}
