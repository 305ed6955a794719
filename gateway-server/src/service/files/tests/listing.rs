//! Folders as pages.

use std::os::unix::fs::symlink;

use super::super::Symlinks;
use super::*;

/// The addresses on the page, without the way up.
fn links(page: &str) -> Vec<&str> {
    let links = page.split("<a href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    links.filter(|link| *link != "../").collect()
}

#[test]
fn nothing_is_listed_unasked() {
    let site = Site::of(&[("a/b.txt", "")]);
    let response = get(&site.client(), "/a/");
    assert_eq!(response.status.code(), 403);
    assert!(!response.text().contains("b.txt"));
}

#[test]
fn folders_come_first() {
    let site = Site::of(&[("b.txt", "12345"), ("a.txt", ""), ("z/x", ""), ("c/x", ""), ("m/x", "")]);
    let client = site.client_with(|it| it.autoindex = true);
    let response = get(&client, "/");
    assert_eq!(links(response.text()), ["c/", "m/", "z/", "a.txt", "b.txt"]);
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(response.text().contains("<td>5 B<td>1994-11-06 08:49\n"), "{}", response.text());
    assert!(response.text().contains("color-scheme:light dark"));
    assert!(!response.text().contains("<script"));
    assert!(!response.text().contains("../"), "the way out of the root");
    assert!(get(&client, "/c/").text().contains("<a href=\"../\">"));
    // Where there is an index, that is it.
    site.write("index.html", "index");
    assert_eq!(outcome(&get(&client, "/")), (200, "index"));
}

#[test]
fn each_link_leads_to_its_file() {
    let names = ["a b", "<script>", "javascript:alert(1)", "\"'&", "50%", "a?b#c", "\u{e9}", "\\", "..a", "a\nb"];
    let site = Site::new();
    names.iter().filter(|name| !name.starts_with('.')).for_each(|name| site.write(name, name));
    let client = site.client_with(|it| it.autoindex = true);
    let page = get(&client, "/");
    let links = links(page.text());
    assert_eq!(links.len(), names.len() - 1);
    for link in links {
        assert!(!link.contains([':', '<', '>', '\'', ' ', '&']), "{link}");
        assert_eq!(get(&client, &format!("/{link}")).status.code(), 200, "{link}");
    }
    for raw in ["<script>", "\"'&", "alert(1)\""] {
        assert!(!page.text().contains(raw), "{raw} stands in the page as it is");
    }
}

#[test]
fn the_title_is_text() {
    let site = Site::of(&[("<b>/x", "")]);
    let page = get(&site.client_with(|it| it.autoindex = true), "/%3Cb%3E/");
    assert!(page.text().contains("<h1>/&lt;b&gt;/</h1>"), "{}", page.text());
}

/// Whatever cannot be asked for is not named.
#[test]
fn only_what_can_be_had_is_listed() {
    let site = Site::of(&[("file", ""), ("folder/file", ""), (".hidden", ""), (".git/config", "")]);
    symlink("file", site.path("inside")).unwrap();
    symlink("../file", site.path("folder/up")).unwrap();
    symlink("../secret.txt", site.path("outside")).unwrap();
    symlink(site.root.path(), site.path("absolute")).unwrap();
    symlink("nowhere", site.path("broken")).unwrap();
    symlink("loop", site.path("loop")).unwrap();
    mkfifo(&site.path("fifo"));
    let _socket = std::os::unix::net::UnixListener::bind(site.path("socket")).unwrap();
    let listed = |symlinks, target: &str| {
        let client = site.client_with(|it| (it.autoindex, it.symlinks) = (true, symlinks));
        let page = get(&client, target);
        let links: Vec<_> = links(page.text()).into_iter().map(str::to_owned).collect();
        for link in &links {
            assert_eq!(client.get(&format!("{target}{link}")).send().status.code(), 200, "{link}");
        }
        links
    };
    assert_eq!(listed(Symlinks::Inside, "/"), ["folder/", "file", "inside"]);
    assert_eq!(listed(Symlinks::Inside, "/folder/"), ["file", "up"]);
    assert_eq!(listed(Symlinks::Never, "/"), ["folder/", "file"]);
    assert_eq!(listed(Symlinks::Never, "/folder/"), ["file"]);
    assert_eq!(listed(Symlinks::Anywhere, "/"), ["absolute/", "folder/", "file", "inside", "outside"]);
}

pub(super) fn mkfifo(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}
