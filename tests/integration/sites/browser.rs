//! The sites in a browser.

use std::path::PathBuf;

use gateway_tests::browser::Browser;
use gateway_tests::server::Server;
use gateway_tests::{artifacts, skip};

use super::guestbook::serve;

/// What visitors write for the picture in the documents.
const VISITORS: &[(&str, &str, &str)] = &[
    ("Grace", "New York", "I have left a moth on page one. Please do not close the book too hard."),
    ("Linus", "", "<script>document.title = 'taken'</script>"),
    ("Ada", "London", "What a pleasant book!\nI shall bring Charles along, when his engine is finished."),
];

#[test]
fn browser_writes_in_the_guest_book() {
    if !skip::has("browser_writes_in_the_guest_book", "chromium") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&folder, &["--lint"]);
    let mut browser = Browser::start();
    browser.go(&server.url("/"));
    for (count, (name, place, text)) in VISITORS.iter().enumerate() {
        browser.fill("name", name);
        browser.fill("place", place);
        browser.fill("text", text);
        browser.click("button");
        assert_eq!(browser.ask("location.pathname"), "/");
        assert_eq!(browser.ask("document.querySelector('[role=status]').textContent.startsWith('Thank you!')"), true);
        assert_eq!(browser.ask("document.querySelector('article .text').textContent"), *text);

        // A reload asks for the page again, and posts nothing.
        browser.reload();
        assert_eq!(browser.ask("document.querySelectorAll('article').length"), count + 1);
        assert_eq!(browser.ask("document.querySelectorAll('[role=status]').length"), 0);
    }
    // What looked like a script was text.
    assert_eq!(browser.ask("document.title"), "Guest book");
    assert_eq!(browser.ask("document.scripts.length"), 0);

    take(&mut browser, "guestbook.png", 860, 940, "light");
    take(&mut browser, "guestbook-phone.png", 390, 844, "dark");

    // What cannot be written is not lost.
    browser.fill("text", "kept");
    browser.click("button");
    assert_eq!(browser.ask("document.querySelector('textarea').value"), "kept");
    assert_eq!(browser.ask("document.querySelector('#name-problem').textContent"), "Please tell your name.");
    server.stop();
}

#[test]
fn browser_shows_mysite_with_its_picture() {
    if !skip::has("browser_shows_mysite_with_its_picture", "chromium") {
        return;
    }
    let server = Server::start("mysite:app", &["--lint"]);
    let mut browser = Browser::start();
    browser.go(&server.url("/"));
    assert_eq!(browser.ask("document.images[0].complete && document.images[0].naturalWidth > 0"), true);
    take(&mut browser, "mysite.png", 760, 640, "light");
    browser.click("a[href='/sayhello']");
    browser.fill("name", "<b>Ada</b>");
    browser.click("button");
    assert_eq!(browser.ask("document.querySelector('h1').textContent"), "Hello, <b>Ada</b>!");
    server.stop();
}

/// Takes a picture, and keeps it among the documents where that is asked for.
fn take(browser: &mut Browser, name: &str, width: u32, height: u32, scheme: &str) {
    let picture = browser.picture(width, height, scheme);
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000, "{} bytes", picture.len());
    let kept: PathBuf = artifacts::workspace().join("docs/images").join(name);
    if std::env::var_os("UPDATE_SHOTS").is_some() {
        std::fs::write(&kept, picture).unwrap();
    }
    assert!(kept.exists(), "docs/images/{name} is missing: run `make shots`");
}
