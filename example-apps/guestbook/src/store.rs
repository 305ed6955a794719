//! What is asked of the database.

use mini_framework::Failure;
use rusqlite::{OptionalExtension as _, Row, params};
use time::OffsetDateTime;

use crate::database::Database;
use crate::entry::{Draft, Entry};
use crate::pages::{PER_PAGE, Pages};

/// Writes an entry. When this is back without an error, the entry is on the disk.
pub(crate) fn write(database: &Database, draft: &Draft) -> Result<(), Failure> {
    const INSERT: &str = "INSERT INTO entries (name, place, text, written) VALUES (?1, ?2, ?3, ?4)";
    let now = OffsetDateTime::now_utc().unix_timestamp();
    database.run(|connection| {
        let mut insert = connection.prepare_cached(INSERT)?;
        insert.execute(params![draft.name, draft.place, draft.text, now]).map(drop)
    })
}

/// The entries of a page, the newest first, and how many pages there are. No such page
/// is 404.
pub(crate) fn page(database: &Database, asked: Option<&str>) -> Result<(Vec<Entry>, Pages), Failure> {
    const SELECT: &str = "SELECT id, name, place, text, written FROM entries ORDER BY id DESC LIMIT ?1 OFFSET ?2";
    let count = database.run(|connection| {
        let mut count = connection.prepare_cached("SELECT count(*) FROM entries")?;
        count.query_row([], |row| row.get(0))
    })?;
    let pages = Pages::new(asked, count).ok_or_else(Failure::not_found)?;
    let entries = database.run(|connection| {
        let mut select = connection.prepare_cached(SELECT)?;
        select.query_map(params![PER_PAGE, pages.offset()], entry)?.collect()
    })?;
    Ok((entries, pages))
}

/// One entry, if there is one of that number.
pub(crate) fn find(database: &Database, id: i64) -> Result<Option<Entry>, Failure> {
    const SELECT: &str = "SELECT id, name, place, text, written FROM entries WHERE id = ?1";
    database.run(|connection| connection.prepare_cached(SELECT)?.query_row([id], entry).optional())
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let draft = Draft { name: row.get("name")?, place: row.get("place")?, text: row.get("text")? };
    Ok(Entry::new(row.get("id")?, draft, row.get("written")?))
}
