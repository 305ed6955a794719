//! The book, asked without a server.

use std::fs;
use std::path::PathBuf;

use gateway_spec::testing::{Response as Answer, TestClient};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;

/// A book in a folder of its own, and a visitor with a cookie.
struct Visit {
    client: TestClient<Application>,
    folder: TempDir,
    token: String,
}

fn open(path: &Path) -> Result<Application> {
    create(&Config::from_pairs([("database", path.to_str().expect("a path of a test"))]))
}

impl Visit {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let client = TestClient::new(open(&folder.path().join("book.db")).unwrap());
        let cookie = client.get("/").send().header("set-cookie").expect("a first visit brings a cookie").to_owned();
        let token = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
        assert_eq!(cookie, format!("guestbook-token={token}; HttpOnly; SameSite=Lax; Path=/"));
        Self { client, folder, token }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("book.db")
    }

    /// Posts a form with the token in it.
    fn post(&self, form: &str) -> Answer {
        self.post_raw(&format!("token={}&{form}", self.token), &format!("guestbook-token={}", self.token))
    }

    fn post_raw(&self, form: &str, cookie: &str) -> Answer {
        let post = self.client.post("/entries").header("Content-Type", "application/x-www-form-urlencoded");
        post.header("Cookie", cookie).body(form).send()
    }

    fn page(&self, target: &str) -> String {
        let answer = self.client.get(target).send();
        assert_eq!((answer.status, &answer.warnings), (Status::OK, &Vec::new()), "{target}");
        answer.text().to_owned()
    }

    fn count(&self) -> u64 {
        let json: serde_json::Value = serde_json::from_str(&self.page("/entries.json")).unwrap();
        json["pages"]["count"].as_u64().unwrap()
    }
}

#[test]
fn an_entry_is_written_read_and_told_of_once() {
    let visit = Visit::new();
    assert!(visit.page("/").contains("Nobody has written anything yet."));
    let written = visit.post("name=Ada&place=London&text=one%0D%0Atwo");
    assert_eq!((written.status, written.header("location")), (Status::SEE_OTHER, Some("/")));
    let flash = written.header("set-cookie").unwrap();
    assert_eq!(flash, "guestbook-flash=written; HttpOnly; SameSite=Lax; Path=/");

    // An answer that nobody sees leaves it; a page that says otherwise has no place for it.
    let head = visit.client.head("/").header("Cookie", "guestbook-flash=written").send();
    assert!(!head.headers.iter().any(|(_, value)| value.starts_with(b"guestbook-flash")), "{:?}", head.headers);
    let token = &visit.token;
    let wrong = visit.post_raw(&format!("token={token}"), &format!("guestbook-flash=written; guestbook-token={token}"));
    assert_eq!(wrong.status, Status::UNPROCESSABLE_CONTENT);
    assert!(!wrong.text().contains("Thank you"), "{}", wrong.text());
    assert!(wrong.header("set-cookie").is_some_and(|cookie| cookie.starts_with("guestbook-flash=;")));
    let next = visit.client.get("/").header("Cookie", "guestbook-flash=written").send();
    assert!(next.text().contains("Your entry is in the book."));
    let removed = next.headers.iter().any(|(_, value)| value.starts_with(b"guestbook-flash=;"));
    assert!(removed, "{:?}", next.headers);
    for (target, text) in
        [("/", "one\ntwo</p>"), ("/", "<b dir=\"auto\">Ada</b>, <span dir=\"auto\">London"), ("/entries/1", "one\ntwo")]
    {
        assert!(visit.page(target).contains(text), "no {text} in {}", visit.page(target));
    }
    assert!(!visit.page("/").contains("Your entry is in the book."));
    let json: serde_json::Value = serde_json::from_str(&visit.page("/entries.json")).unwrap();
    assert_eq!((&json["entries"][0]["text"], &json["pages"]["last"]), (&"one\ntwo".into(), &1.into()));
}

#[test]
fn what_was_typed_is_text() {
    let visit = Visit::new();
    visit.post("name=%3Cb%3E%26&text=%3Cscript%3Ealert(1)%3C/script%3E");
    for target in ["/", "/entries/1"] {
        let page = visit.page(target);
        assert!(
            page.contains("&lt;script&gt;alert(1)&lt;&#x2f;script&gt;") && page.contains("&lt;b&gt;&amp;"),
            "{page}"
        );
        assert!(!page.contains("<script"), "{page}");
    }
    let policy = visit.client.get("/").send();
    assert!(policy.header("content-security-policy").is_some_and(|policy| policy.starts_with("default-src 'none'")));
}

#[test]
fn a_form_of_another_site_is_refused() {
    let visit = Visit::new();
    let (token, cookie) = (&visit.token, format!("guestbook-token={}", visit.token));
    let other = "0123456789abcdef0123456789abcdef";
    let forms = [
        (format!("token={token}"), String::new()),
        (format!("token={other}"), cookie.clone()),
        (format!("token={}", &token[1..]), cookie.clone()),
        ("token=".to_owned(), cookie.clone()),
        ("x=y".to_owned(), cookie),
        ("token=".to_owned(), "guestbook-token=".to_owned()),
        ("token=short".to_owned(), "guestbook-token=short".to_owned()),
    ];
    for (form, cookie) in forms {
        let refused = visit.post_raw(&format!("{form}&name=Eve&text=hi"), &cookie);
        assert_eq!(refused.status, Status::FORBIDDEN, "{form} {cookie}");
        assert!(refused.text().contains("<h1>Forbidden</h1>") && refused.text().contains("Nothing was written."));
    }
    assert_eq!(visit.count(), 0);
    for others in ["guestbook-token=junk", "guestbook-token=\u{e4}", &format!("guestbook-token={other}"), "a=b"] {
        let cookies = format!("{others}; guestbook-token={token}");
        assert_eq!(visit.post_raw(&format!("token={token}&name=a&text=x"), &cookies).status, Status::SEE_OTHER);
    }
    // A token that is there is kept: the visitor's other pages stay good.
    let again = visit.client.get("/").header("Cookie", format!("guestbook-token={token}")).send();
    assert_eq!(again.header("set-cookie"), None);
    assert!(again.text().contains(token.as_str()));
}

/// Whoever has set the cookie: a neighbour below the same domain may.
#[test]
fn a_token_is_not_enough_for_a_page_of_another_site() {
    let visit = Visit::new();
    let token = &visit.token;
    let post = |name: &str, value: &str| {
        let post = visit.client.post("/entries").header("Content-Type", "application/x-www-form-urlencoded");
        let post = post.header("Host", "book.example").header(name, value);
        let cookie = format!("guestbook-token={token}");
        post.header("Cookie", cookie).body(format!("token={token}&name=a&text=x")).send().status
    };
    for (name, value) in [("Sec-Fetch-Site", "same-site"), ("Origin", "http://evil.example"), ("Origin", "null")] {
        assert_eq!(post(name, value), Status::FORBIDDEN, "{name}: {value}");
    }
    for (name, value) in [("Sec-Fetch-Site", "same-origin"), ("Origin", "http://book.example")] {
        assert_eq!(post(name, value), Status::SEE_OTHER, "{name}: {value}");
    }
    assert_eq!(visit.count(), 2);
}

#[test]
fn what_cannot_be_written_is_kept_in_the_form() {
    let visit = Visit::new();
    let page = visit.post("name=&place=%22Paris%22&text=%0D%0Atwo+%3Cwords%3E");
    assert_eq!((page.status, visit.count()), (Status::UNPROCESSABLE_CONTENT, 0));
    for text in
        ["Please tell your name.", "value=\"&quot;Paris&quot;\"", "two &lt;words&gt;</textarea>", "aria-invalid"]
    {
        assert!(page.text().contains(text), "no {text} in {}", page.text());
    }
    let long = visit.post(&format!("name=a&text={}", "x".repeat(2001)));
    assert!(long.text().contains("This has 2001 characters; there is room for 2000."));
    assert_eq!(visit.post(&format!("name=a&text={}", "x".repeat(70_000))).status, Status::CONTENT_TOO_LARGE);
}

#[test]
fn pages_have_twenty_entries_each() {
    let visit = Visit::new();
    let entries = |target: &str| visit.page(target).matches("<article").count();
    for number in 1..=20 {
        visit.post(&format!("name=a&text=n{number}"));
    }
    assert_eq!(entries("/"), 20);
    assert!(!visit.page("/").contains("<nav"));
    visit.post("name=a&text=n21");
    assert_eq!((entries("/"), entries("/?page=1"), entries("/?page=2")), (20, 20, 1));
    assert!(visit.page("/").contains("href=\"/?page=2\"") && visit.page("/").contains(">n21<"));
    assert!(visit.page("/?page=2").contains("href=\"/\">← Newer") && visit.page("/?page=2").contains(">n1<"));
    for target in [
        "/?page=0",
        "/?page=3",
        "/?page=x",
        "/?page=-1",
        "/?page=",
        "/?page=01",
        "/?page=%2B1",
        "/entries.json?page=3",
        "/entries/01",
        "/entries/+1",
    ] {
        assert_eq!(visit.client.get(target).send().status, Status::NOT_FOUND, "{target}");
    }
}

#[test]
fn what_is_not_there_and_not_allowed() {
    let visit = Visit::new();
    for target in ["/entries/1", "/entries/0", "/entries/-1", "/entries/x", "/entries/99999999999999999999", "/no"] {
        let page = visit.client.get(target).send();
        assert_eq!(page.status, Status::NOT_FOUND, "{target}");
        assert!(page.text().contains("<h1>Not Found</h1>"));
    }
    let refused = visit.client.get("/entries").send();
    assert_eq!((refused.status, refused.header("allow")), (Status::METHOD_NOT_ALLOWED, Some("POST, OPTIONS")));
    assert_eq!(visit.client.post("/").body("").send().status, Status::METHOD_NOT_ALLOWED);
    let style = visit.client.get("/style.css").send();
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
}

#[test]
fn it_can_stand_anywhere_and_be_encrypted() {
    let visit = Visit::new();
    let page =
        visit.client.get("/book/").script_name("/book").env("gateway.url_scheme", "https").env("HTTPS", "on").send();
    assert!(page.text().contains("action=\"/book/entries\""), "{}", page.text());
    let cookie = page.header("set-cookie").unwrap();
    // No neighbour can set a cookie of this name, if it is for the whole host.
    assert!(cookie.starts_with("__Host-guestbook-token=") && cookie.ends_with("; Secure; Path=/"), "{cookie}");
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    let write = |name: &str| {
        let post = visit.client.post("/book/entries").script_name("/book").env("gateway.url_scheme", "https");
        let post = post.env("HTTPS", "on").header("Cookie", format!("{name}={token}"));
        let form = format!("token={token}&name=a&text=x");
        post.header("Content-Type", "application/x-www-form-urlencoded").body(form).send()
    };
    for name in ["guestbook-token", "__%48ost-guestbook-token"] {
        assert_eq!(write(name).status, Status::FORBIDDEN, "{name}");
    }
    let written = write("__Host-guestbook-token");
    let flash = written.header("set-cookie").unwrap();
    assert!(flash.starts_with("guestbook-flash=") && flash.contains("; Secure; Path=/book/"), "{flash}");
}

// ----- the file -------------------------------------------------------------

fn refusal(path: &Path) -> String {
    open(path).err().expect("this database is refused").to_string()
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let told = |name: &str| refusal(&path(name)).replace(&folder.path().display().to_string(), "");
    assert_eq!(told("no/book.db"), "the database /no/book.db has no folder: /no is not there");

    fs::write(path("letter.txt"), "Dear reader, this is no database. ".repeat(100)).unwrap();
    assert_eq!(told("letter.txt"), "the database /letter.txt is no database of SQLite's");

    fs::create_dir(path("folder")).unwrap();
    let words = "cannot be opened or made: is it a file, in a folder that may be written?";
    assert_eq!(told("folder"), format!("the database /folder {words}"));
    // Nobody may write there, not even root.
    assert_eq!(refusal(Path::new("/proc/book.db")), format!("the database /proc/book.db {words}"));

    let other = Connection::open(path("other.db")).unwrap();
    other.execute_batch("CREATE TABLE accounts (id INTEGER); PRAGMA user_version = 1").unwrap();
    assert_eq!(told("other.db"), "the database /other.db is another program's");
    let left: String = other.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(left, "delete", "it was left as it is");

    drop(open(&path("new.db")).unwrap());
    Connection::open(path("new.db")).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let newer = "the database /new.db is of a newer guest book: its tables are version 7, 2 is known";
    assert_eq!(told("new.db"), newer);
    assert!(create(&Config::from_pairs([("databse", "x")])).is_err());
    assert_eq!(refusal(Path::new("")), "the database \"\" is nowhere: cannot make an empty path absolute");
}

/// Its connections would go on with a file that nobody finds again.
#[test]
fn a_file_that_is_removed_or_replaced_is_noticed() {
    let visit = Visit::new();
    assert_eq!(visit.post("name=a&text=kept").status, Status::SEE_OTHER);
    let (path, away) = (visit.database(), visit.folder.path().join("away.db"));
    let refused = |answer: Answer| {
        assert_eq!(answer.status, Status::INTERNAL_SERVER_ERROR);
        let words = format!("the database {} was removed or replaced: reload the app", path.display());
        assert_eq!(answer.log[0].message, words);
    };
    fs::rename(&path, &away).unwrap();
    refused(visit.post("name=a&text=lost"));
    assert!(!path.exists(), "no other is made in its place");
    fs::write(&path, "another").unwrap();
    refused(visit.post("name=a&text=lost"));
    refused(visit.client.get("/").send());
    fs::rename(&away, &path).unwrap();
    assert_eq!(visit.count(), 1);
}

/// A file of the first version has its entries kept.
#[test]
fn an_older_file_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    Connection::open(&path)
        .and_then(|old| {
            old.execute_batch(
                "CREATE TABLE entries (id INTEGER PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL, written INTEGER NOT NULL) STRICT;
                 INSERT INTO entries (name, text, written) VALUES ('Ada', 'from before', 0);
                 PRAGMA application_id = 0x67657374;
                 PRAGMA user_version = 1",
            )
        })
        .unwrap();
    for _ in 0..2 {
        let page = TestClient::new(open(&path).unwrap()).get("/").send();
        assert!(page.text().contains("from before"), "{}", page.text());
    }
}

/// As workers do. Each has connections of its own, as processes have.
#[test]
fn many_may_start_and_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book.db");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let visit = Visit {
                    client: TestClient::new(open(path).unwrap()),
                    folder: tempfile::tempdir().unwrap(),
                    token: "0".repeat(32),
                };
                for number in 0..5 {
                    assert_eq!(visit.post(&format!("name=a&text={thread}-{number}")).status, Status::SEE_OTHER);
                }
            });
        }
    });
    let visit = Visit { client: TestClient::new(open(&path).unwrap()), folder, token: String::new() };
    assert_eq!(visit.count(), 40);
    let settings = Connection::open(visit.database()).unwrap();
    let mode: String = settings.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}
