//! Methods, indexes, redirects, types, errors.

use super::*;

#[test]
fn a_file_is_sent_with_what_is_known_of_it() {
    let site = Site::of(&[("a/hello.txt", "Hello, World!\n")]);
    let response = get(&site.client(), "/a/hello.txt");
    assert_eq!(outcome(&response), (200, "Hello, World!\n"));
    assert_eq!(response.length, Some(14));
    assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(response.header("last-modified"), Some(THEN_TEXT));
    assert_eq!(response.header("accept-ranges"), Some("bytes"));
    assert_eq!(response.header("cache-control"), None);
    assert!(response.header("etag").is_some_and(|tag| tag.starts_with('"')));
}

#[test]
fn an_empty_file_is_a_file() {
    let site = Site::of(&[("empty", "")]);
    let response = get(&site.client(), "/empty");
    assert_eq!((outcome(&response), response.length), ((200, ""), Some(0)));
}

#[test]
fn a_name_may_have_any_bytes() {
    let site = Site::of(&[("caf\u{e9} & \\ : ? # %41.txt", "found")]);
    assert_eq!(outcome(&get(&site.client(), "/caf%C3%A9%20&%20%5C%20:%20%3F%20%23%20%2541.txt")), (200, "found"));
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\r\n");
    fs::write(site.folder().join(name), "strange").unwrap();
    assert_eq!(outcome(&get(&site.client(), "/%FF%0D%0A")), (200, "strange"));
}

#[test]
fn head_has_the_headers_of_get() {
    let site = Site::of(&[("a.txt", "text")]);
    let client = site.client();
    let (got, head) = (get(&client, "/a.txt"), send(client.head("/a.txt")));
    assert_eq!(head.headers, got.headers);
    assert_eq!((outcome(&head), head.length), ((200, ""), Some(4)));
}

#[test]
fn other_methods_are_told_which_there_are() {
    let site = Site::of(&[("a.txt", "text")]);
    let client = site.client();
    for target in ["/a.txt", "/missing", "/.git", "*"] {
        let options = send(client.request("OPTIONS", target));
        assert_eq!((outcome(&options), options.header("allow")), ((204, ""), Some("GET, HEAD, OPTIONS")));
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "get", "PROPFIND"] {
        let response = send(client.request(method, "/a.txt"));
        assert_eq!((response.status.code(), response.header("allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
    }
}

#[test]
fn a_folder_answers_with_its_index() {
    let site = Site::of(&[("index.html", "root"), ("a/index.html", "a"), ("a/default.htm", "old"), ("b/x", "")]);
    let client = site.client();
    assert_eq!(outcome(&get(&client, "/")), (200, "root"));
    assert_eq!(get(&client, "/").header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(outcome(&get(&client, "/a/")), (200, "a"));
    // As nginx: there is a folder, but nobody said that it may be listed.
    assert_eq!(get(&client, "/b/").status.code(), 403);

    let client = site.client_with(|it| it.index = vec!["default.htm".into(), "index.html".into()]);
    assert_eq!(outcome(&get(&client, "/a/")), (200, "old"));
    assert_eq!(outcome(&get(&client, "/")), (200, "root"));

    fs::create_dir_all(site.path("c/index.html")).unwrap();
    assert_eq!(get(&client, "/c/").status.code(), 403);
}

#[test]
fn a_folder_has_a_slash_at_its_end() {
    let site = Site::of(&[("a b/c/index.html", "c"), ("index.html", "root")]);
    let client = site.client();
    let location = |target: &str, mount: &str| {
        let response = send(client.get(target).script_name(mount));
        assert_eq!(outcome(&response), (301, ""), "{target}");
        response.header("location").unwrap().to_owned()
    };
    assert_eq!(location("/a%20b", ""), "/a%20b/");
    assert_eq!(location("/a%20b/c?d=%20e&f", ""), "/a%20b/c/?d=%20e&f");
    assert_eq!(location("/static/a%20b/c", "/static"), "/static/a%20b/c/");
    assert_eq!(location("/static", "/static"), "/static/");
    assert_eq!(outcome(&send(client.get("/static/").script_name("/static"))), (200, "root"));
}

#[test]
fn nobody_is_sent_to_another_host() {
    let site = Site::of(&[("evil.example/index.html", ""), ("a/evil.example/x", "")]);
    for name in ["https:", "\\evil.example", "\t", "a@evil.example"] {
        fs::create_dir(site.path(name)).unwrap();
    }
    let client = site.client();
    for target in [
        "//evil.example",
        "///evil.example",
        "/%2Fevil.example",
        "/%2F%2Fevil.example",
        "/evil.example",
        "/%5Cevil.example",
        "/\\evil.example",
        "/https:",
        "/https:%2F%2Fevil.example",
        "/a//evil.example",
        "/%09/evil.example",
        "/%09",
        "/a@evil.example",
        "/./evil.example",
        "/x/..//evil.example",
    ] {
        let response = get(&client, target);
        if let Some(location) = response.header("location") {
            let rest = location.strip_prefix('/').expect("an absolute path");
            assert!(!rest.starts_with(['/', '\\']) && !location.contains(['\\', '\t']), "{target} leads to {location}");
        } else {
            assert_eq!(response.status.code(), 404, "{target}");
        }
    }
}

#[test]
fn a_file_has_no_slash_at_its_end() {
    let site = Site::of(&[("a.txt", "text")]);
    for target in ["/a.txt/", "/a.txt//", "/a.txt/b", "/a.txt/index.html"] {
        assert_eq!(get(&site.client(), target).status.code(), 404, "{target}");
    }
}

#[test]
fn what_begins_with_a_dot_is_nobodys_business() {
    let site = Site::of(&[
        (".env", SECRET),
        (".git/config", SECRET),
        ("a/.htpasswd", SECRET),
        (".well-known/security.txt", "Contact: x"),
        (".well-known/.hidden", SECRET),
        ("a/.well-known/x", SECRET),
    ]);
    let client = site.client_with(|it| it.autoindex = true);
    for target in [
        "/.env",
        "/.git/config",
        "/.git",
        "/.git/",
        "/a/.htpasswd",
        "/.well-known/.hidden",
        "/a/.well-known/x",
        "/%2Eenv",
        "/%2egit/config",
    ] {
        assert_eq!(get(&client, target).status.code(), 404, "{target}");
    }
    assert_eq!(outcome(&get(&client, "/.well-known/security.txt")), (200, "Contact: x"));
}

#[test]
fn what_is_not_there_has_a_page() {
    let site = Site::new();
    let response = get(&site.client(), "/missing");
    assert_eq!(response.status.code(), 404);
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(response.text().contains("<h1>404 Not Found</h1>"), "{}", response.text());
    assert_eq!(response.header("etag"), None);
}

#[test]
fn the_page_can_be_ones_own() {
    let site = Site::of(&[("404.html", "<p>gone</p>")]);
    let client = site.client_with(|it| it.not_found = Some(site.path("404.html")));
    let response = get(&client, "/missing");
    assert_eq!(outcome(&response), (404, "<p>gone</p>"));
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    let head = send(client.head("/missing"));
    assert_eq!((head.status.code(), head.length), (404, Some(11)));
    // Conditions are about what is there.
    assert_eq!(send(client.get("/missing").header("If-None-Match", "*")).status.code(), 404);
    assert_eq!(send(client.get("/missing").header("Range", "bytes=0-1")).status.code(), 404);
}

#[test]
fn how_long_it_is_good_is_said_where_it_is_set() {
    let site = Site::of(&[("a.txt", "text")]);
    let client = site.client_with(|it| it.max_age = Some(Duration::from_secs(3600)));
    let response = get(&client, "/a.txt");
    assert_eq!(response.header("cache-control"), Some("max-age=3600"));
    let tag = response.header("etag").unwrap().to_owned();
    let unchanged = send(client.get("/a.txt").header("If-None-Match", tag));
    assert_eq!((unchanged.status.code(), unchanged.header("cache-control")), (304, Some("max-age=3600")));
    assert_eq!(get(&client, "/missing").header("cache-control"), None);
}

#[test]
fn what_cannot_be_served_is_said_at_once() {
    let site = Site::of(&[("a.txt", "text")]);
    let refused = |folder: &Path, settings: &Settings| Files::new(folder, settings).unwrap_err().to_string();
    let settings = Settings::default();
    let text = refused(&site.path("missing"), &settings);
    assert!(text.ends_with("site/missing: No such file or directory (os error 2)"), "{text}");
    let text = refused(&site.path("a.txt"), &settings);
    assert!(text.ends_with("site/a.txt: Not a directory (os error 20)"), "{text}");
    let settings = Settings { not_found: Some(site.path("404.html")), ..settings };
    let text = refused(&site.folder(), &settings);
    assert!(text.ends_with("site/404.html: No such file or directory (os error 2)"), "{text}");
    fs::write(site.path("404.html"), vec![b'x'; (1 << 20) + 1]).unwrap();
    let text = refused(&site.folder(), &settings);
    assert!(text.ends_with("a page has at most 1 MiB"), "{text}");
}

#[test]
fn the_folder_stays_the_one_that_was_opened() {
    let site = Site::of(&[("a.txt", "old")]);
    let client = site.client();
    fs::rename(site.folder(), site.root.path().join("moved")).unwrap();
    site.write("a.txt", "new");
    assert_eq!(outcome(&get(&client, "/a.txt")), (200, "old"));
}

#[test]
fn errors_of_the_system_are_told_apart() {
    use super::super::folder::Miss;
    use rustix::io::Errno;
    for (errors, expected) in [
        (&[Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::NAMETOOLONG, Errno::XDEV, Errno::NXIO][..], Miss::Missing),
        (&[Errno::ACCESS, Errno::PERM], Miss::Forbidden),
        (&[Errno::MFILE, Errno::NFILE, Errno::NOMEM], Miss::Busy),
        (&[Errno::IO], Miss::Failed(Errno::IO)),
    ] {
        errors.iter().for_each(|error| assert_eq!(Miss::from(*error), expected));
    }
}
