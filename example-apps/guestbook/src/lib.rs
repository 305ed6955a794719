//! A guest book: a real application, with a database.
//!
//! | address | answer |
//! |---|---|
//! | GET `/?page=N` | the form and the entries, the newest first |
//! | POST `/entries` | writes an entry, then 303 to `/`: a reload writes nothing |
//! | GET `/entries/N` | one entry |
//! | GET `/entries.json?page=N` | a page of them as JSON |
//!
//! ```sh
//! cargo build -p guestbook
//! gateway-server --workers 2 target/debug/libguestbook.so:app --set database=/srv/guestbook.db
//! ```
//!
//! The database is a file of SQLite's, `guestbook.db` in the current folder unless it
//! is told. Any number of threads and workers share it. What a visitor was told is
//! written stays written, whether a worker is killed or the power fails.
//!
//! | file | noun |
//! |---|---|
//! | `book` | the handlers |
//! | `entry` | an entry, and a draft that may become one |
//! | `store` | what is asked of the database |
//! | `database` | the file, and connections to it |
//! | `schema` | its tables, step by step |
//! | `pages` | which entries are on which page |
//! | `token` | who may post: a page of this site |
//! | `flash` | a message for the next page |

mod book;
mod database;
mod entry;
mod flash;
mod pages;
mod schema;
mod store;
mod token;

use std::path::Path;
use std::sync::Arc;

use gateway_spec::prelude::*;
use mini_framework::{Application, Next, Outcome, Request, with};

use crate::book::Book;
use crate::database::Database;

fn create(config: &Config<'_>) -> Result<Application> {
    config.only(&["database"])?;
    let database = Database::open(Path::new(config.get("database").unwrap_or("guestbook.db")))?;
    let book = Arc::new(Book::new(database));
    Ok(Application::new()
        .template("layout.html", include_str!("../templates/layout.html"))
        .template("entries.html", include_str!("../templates/entries.html"))
        .template("book.html", include_str!("../templates/book.html"))
        .template("entry.html", include_str!("../templates/entry.html"))
        .template("error.html", include_str!("../templates/error.html"))
        .body_limit(64 * 1024)
        .layer(secure)
        .get("/", with(&book, Book::read))
        .post("/entries", with(&book, Book::write))
        .get("/entries/{id}", with(&book, Book::entry))
        .get("/entries.json", with(&book, Book::json))
        .get("/style.css", book::style))
}

/// Tells browsers what this site never does: no script runs on it, whoever wrote it.
fn secure(request: &mut Request<'_>, next: Next<'_>) -> Outcome {
    const POLICY: &str =
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    Ok(next(request)?
        .with_header("Content-Security-Policy", POLICY)
        .with_header("Referrer-Policy", "same-origin")
        .with_header("X-Content-Type-Options", "nosniff"))
}

gateway_spec::export! {
    /// A guest book: --set database=FILE
    app => create
}

#[cfg(test)]
mod tests;
