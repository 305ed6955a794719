//! The environ: look-up, headers as variables, edits, URLs.

use std::borrow::Cow;

use gateway_spec::prelude::*;
use gateway_spec::testing::TestClient;

/// A client whose app looks at the environ; a failed assertion fails the test.
fn client(look: impl Fn(Environ<'_>) + Send + Sync) -> TestClient<impl App> {
    TestClient::new(app_fn(move |environ, start_response| {
        look(environ);
        start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
        Ok(Body::empty())
    }))
}

fn get(environ: &Environ<'_>, key: &str) -> Option<String> {
    environ.get(key).map(|value| String::from_utf8(value.into_owned()).unwrap())
}

#[test]
fn get_gives_what_is_there_and_nothing_else() {
    client(|environ| {
        assert_eq!(get(&environ, "REQUEST_METHOD").as_deref(), Some("PATCH"));
        assert_eq!(get(&environ, "PATH_INFO").as_deref(), Some("/a"));
        assert_eq!(get(&environ, "QUERY_STRING").as_deref(), Some("b=c%20d"));
        assert_eq!(get(&environ, "REQUEST_URI").as_deref(), Some("/a?b=c%20d"));
        assert_eq!(get(&environ, "SCRIPT_NAME").as_deref(), Some(""));
        assert_eq!(get(&environ, "gateway.version").as_deref(), Some(gateway_spec::VERSION));
        assert!(environ.contains("SERVER_NAME"));
        for absent in ["HTTP_ACCEPT", "CONTENT_TYPE", "HTTPS", "server_name", "", "HTTP_"] {
            assert_eq!(environ.get(absent), None, "{absent}");
            assert!(!environ.contains(absent), "{absent}");
        }
    })
    .request("PATCH", "/a?b=c%20d")
    .send();
}

#[test]
fn a_header_is_borrowed_unless_it_repeats() {
    client(|environ| {
        assert!(matches!(environ.get("HTTP_ONCE"), Some(Cow::Borrowed(b"1"))));
        assert!(matches!(environ.get("HTTP_TWICE"), Some(Cow::Owned(value)) if value == b"1, 2"));
    })
    .get("/")
    .header("Once", "1")
    .header("Twice", "1")
    .header("tWICE", "2")
    .send();
}

#[test]
fn cookies_are_joined_by_semicolons() {
    client(|environ| {
        assert_eq!(get(&environ, "HTTP_COOKIE").as_deref(), Some("a=1; b=2; c=3"));
        assert_eq!(environ.headers().joined("cookie").unwrap(), &b"a=1; b=2; c=3"[..]);
    })
    .get("/")
    .header("Cookie", "a=1; b=2")
    .header("cookie", "c=3")
    .send();
}

#[test]
fn an_underscore_never_passes_for_a_hyphen() {
    client(|environ| {
        assert_eq!(environ.get("HTTP_X_FORWARDED_FOR"), None);
        assert!(environ.iter().all(|(key, _)| key != "HTTP_X_FORWARDED_FOR"));
        assert_eq!(environ.headers().first("X_Forwarded_For"), Some(&b"10.0.0.1"[..]));
    })
    .get("/")
    .header("X_Forwarded_For", "10.0.0.1")
    .send();
}

#[test]
fn only_the_header_with_hyphens_counts() {
    client(|environ| {
        assert_eq!(get(&environ, "HTTP_X_REAL_IP").as_deref(), Some("192.0.2.1"));
        let seen = environ.iter().filter(|(key, _)| key == "HTTP_X_REAL_IP").count();
        assert_eq!(seen, 1);
    })
    .get("/")
    .header("X_Real_IP", "10.0.0.1")
    .header("X-Real_IP", "10.0.0.2")
    .header("X-Real-IP", "192.0.2.1")
    .send();
}

#[test]
fn names_that_never_become_variables() {
    client(|environ| {
        for key in ["HTTP_PROXY", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"] {
            assert_eq!(environ.get(key), None, "{key}");
            assert!(environ.iter().all(|(name, _)| name != key), "{key}");
        }
        assert_eq!(get(&environ, "CONTENT_TYPE").as_deref(), Some("text/plain"));
        assert_eq!(environ.content_type().as_deref(), Some("text/plain"));
        assert_eq!(environ.content_length(), Some(3));
        assert_eq!(environ.headers().first("proxy"), Some(&b"http://evil"[..]));
    })
    .post("/")
    .header("Proxy", "http://evil")
    .header("Content-Type", "text/plain")
    .body("abc")
    .send();
}

#[test]
fn only_digits_are_a_length() {
    for (text, length) in [("3", Some(3)), ("+3", None), ("-1", None), ("", None), ("3 ", None), ("0x3", None)] {
        client(move |environ| assert_eq!(environ.content_length(), length, "{text:?}"))
            .get("/")
            .header("Content-Length", text)
            .without_lint()
            .send();
    }
}

#[test]
fn iteration_gives_every_variable_once() {
    client(|environ| {
        let list: Vec<(String, Vec<u8>)> =
            environ.iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        for (at, (key, value)) in list.iter().enumerate() {
            assert_eq!(environ.get(key).as_deref(), Some(&value[..]), "{key}");
            assert!(list[..at].iter().all(|(earlier, _)| earlier != key), "{key} is there twice");
        }
        let count = |key: &str| list.iter().filter(|(name, _)| name == key).count();
        assert_eq!((count("HTTP_A"), count("HTTP_HOST"), count("CONTENT_LENGTH"), count("PATH_INFO")), (1, 1, 1, 1));
    })
    .post("/")
    .header("A", "1")
    .header("a", "2")
    .body("x")
    .send();
}

#[test]
fn edits_win_over_headers_which_stay() {
    client(|mut environ| {
        environ.insert("HTTP_ACCEPT", "text/html");
        environ.insert("PATH_INFO", "/other");
        environ.insert("org.example.user", "ada");
        assert!(environ.remove("HTTP_COOKIE"));
        assert!(!environ.remove("HTTP_COOKIE"), "it is gone already");
        assert!(!environ.remove("HTTP_NEVER"));
        assert_eq!(get(&environ, "HTTP_ACCEPT").as_deref(), Some("text/html"));
        assert_eq!(environ.path_info(), b"/other");
        assert_eq!(environ.get("HTTP_COOKIE"), None);

        let keys: Vec<String> = environ.iter().map(|(key, _)| key.into_owned()).collect();
        assert!(keys.contains(&"org.example.user".to_owned()));
        assert!(!keys.contains(&"HTTP_COOKIE".to_owned()));
        assert_eq!(keys.iter().filter(|key| *key == "HTTP_ACCEPT").count(), 1);
        let accept = environ.iter().find(|(key, _)| key == "HTTP_ACCEPT").unwrap().1.into_owned();
        assert_eq!(accept, b"text/html");

        assert_eq!(environ.headers().first("accept"), Some(&b"*/*"[..]));
        assert_eq!(environ.headers().first("cookie"), Some(&b"a=1"[..]));

        environ.insert("HTTP_ACCEPT", "image/png");
        assert_eq!(get(&environ, "HTTP_ACCEPT").as_deref(), Some("image/png"), "the last edit counts");
        environ.insert("HTTP_COOKIE", "b=2");
        assert!(environ.contains("HTTP_COOKIE"), "what was removed can come back");
    })
    .get("/")
    .header("Accept", "*/*")
    .header("Cookie", "a=1")
    .send();
}

#[test]
fn a_removed_variable_reads_as_empty_or_absent() {
    client(|mut environ| {
        for key in ["REQUEST_METHOD", "QUERY_STRING", "SERVER_PORT", "REMOTE_ADDR"] {
            assert!(environ.remove(key), "{key}");
        }
        assert_eq!((environ.method(), environ.query_string()), ("", &b""[..]));
        assert_eq!((environ.server_port(), environ.remote_addr()), (None, None));
    })
    .get("/?a")
    .send();
}

#[test]
fn the_path_is_decoded_once() {
    for (target, path) in [
        ("/a%20b", &b"/a b"[..]),
        ("/%2520", b"/%20"),
        ("/a%2Fb//c/../d", b"/a/b//c/../d"),
        ("/%zz%4", b"/%zz%4"),
        ("/%00", b"/\0"),
        ("/a+b", b"/a+b"),
    ] {
        client(move |environ| assert_eq!(environ.path_info(), path, "{target}")).get(target).send();
    }
}

#[test]
fn text_accessors_say_what_is_no_text() {
    client(|environ| {
        assert!(environ.path_str().unwrap_err().to_string().contains("PATH_INFO is not UTF-8"));
        assert!(environ.get_str("HTTP_X").is_err());
        assert_eq!(environ.get_str("HTTP_HOST").unwrap().as_deref(), Some("localhost"));
        assert_eq!(environ.get_str("HTTP_ABSENT").unwrap(), None);
    })
    .get("/%FF")
    .header("X", b"\xff")
    .send();
}

#[test]
fn typed_accessors() {
    client(|environ| {
        assert_eq!(environ.server_protocol(), "HTTP/1.1");
        assert_eq!((environ.server_name(), environ.server_port()), ("localhost", Some(80)));
        assert_eq!(environ.remote_addr(), Some("2001:db8::1".parse().unwrap()));
        assert_eq!(environ.remote_port(), Some(54321));
        assert_eq!((environ.multithread(), environ.multiprocess(), environ.run_once()), (true, false, true));
        assert_eq!((environ.url_scheme(), environ.is_https()), ("http", false));
        assert_eq!((environ.is_disconnected(), environ.deadline()), (false, None));
    })
    .get("/")
    .env("REMOTE_ADDR", "2001:db8::1")
    .env("gateway.run_once", "1")
    .send();
}

/// PEP 3333, "URL Reconstruction", and what it leaves out.
#[test]
fn urls() {
    struct Case(&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);
    for Case(scheme, host, name, port, target, url) in [
        Case("http", "example.org", "a", "80", "/", "http://example.org/"),
        Case("http", "example.org:8000", "a", "80", "/x", "http://example.org:8000/x"),
        Case("http", "", "a", "80", "/x", "http://a/x"),
        Case("http", "", "a", "8000", "/x", "http://a:8000/x"),
        Case("http", "", "a", "443", "/", "http://a:443/"),
        Case("https", "", "a", "443", "/", "https://a/"),
        Case("https", "", "a", "80", "/", "https://a:80/"),
        Case("http", "", "::1", "8000", "/", "http://[::1]:8000/"),
        Case("http", "", "[::1]", "80", "/", "http://[::1]/"),
        Case("http", "[::1]:8000", "a", "80", "/", "http://[::1]:8000/"),
        Case("http", "", "a", "", "/", "http://a/"),
        Case("http", "h", "a", "80", "/caf%c3%a9%20%3F?q=%20&r", "http://h/caf%C3%A9%20%3F?q=%20&r"),
        Case("http", "h", "a", "80", "/a;b=c:d@e", "http://h/a;b=c:d@e"),
    ] {
        client(move |environ| assert_eq!(environ.url(), url))
            .get(target)
            .header("Host", host)
            .env("gateway.url_scheme", scheme)
            .env("SERVER_NAME", name)
            .env("SERVER_PORT", port)
            .send();
    }
}

#[test]
fn urls_of_mounted_apps_have_both_paths() {
    client(|environ| {
        assert_eq!((environ.script_name(), environ.path_info()), (&b"/app"[..], &b"/x y"[..]));
        assert_eq!(environ.url(), "http://localhost/app/x%20y?z");
    })
    .get("/app/x%20y?z")
    .script_name("/app")
    .send();
}

/// SCRIPT_NAME and PATH_INFO, by look-up, by accessor and in the list.
fn paths(environ: &Environ<'_>) -> [String; 2] {
    let paths = ["SCRIPT_NAME", "PATH_INFO"].map(|key| {
        let listed: Vec<_> = environ.iter().filter(|(known, _)| known == key).map(|(_, value)| value).collect();
        assert_eq!(listed, [environ.get(key).unwrap()]);
        get(environ, key).unwrap()
    });
    assert_eq!((environ.script_name(), environ.path_info()), (paths[0].as_bytes(), paths[1].as_bytes()));
    paths
}

#[test]
fn a_router_moves_a_part_of_the_path() {
    client(|mut environ| {
        environ.enter(2);
        assert_eq!(paths(&environ), ["/a", "/b/c"]);
        environ.enter(2);
        assert_eq!(paths(&environ), ["/a/b", "/c"]);
        assert_eq!(environ.url(), "http://test/a/b/c");
        environ.enter(0);
        environ.enter(9);
        assert_eq!(paths(&environ), ["/a/b/c", ""]);
        // What is said in so many words wins, and may be moved too.
        environ.insert("PATH_INFO", "/x/y");
        assert_eq!(paths(&environ), ["/a/b/c", "/x/y"]);
        environ.enter(2);
        assert_eq!(paths(&environ), ["/a/b/c/x", "/y"]);
        environ.remove("SCRIPT_NAME");
        environ.enter(2);
        assert_eq!(paths(&environ), ["/y", ""]);
    })
    .get("/a/b/c")
    .header("Host", "test")
    .send();
}

/// As behind a proxy that has a part of the path.
#[test]
fn what_was_moved_before_stays() {
    client(|mut environ| {
        environ.enter(2);
        assert_eq!(paths(&environ), ["/front/a", "/b"]);
    })
    .get("/front/a/b")
    .script_name("/front")
    .send();
}

#[test]
fn options_asterisk_has_no_path() {
    client(|environ| {
        assert_eq!((environ.path_info(), environ.request_uri()), (&b""[..], &b"*"[..]));
    })
    .request("OPTIONS", "*")
    .send();
}

#[test]
fn debug_shows_the_map() {
    client(|mut environ| {
        environ.insert("X", "1");
        let text = format!("{environ:?}");
        assert!(text.contains("\"X\": \"1\"") && text.contains("\"HTTP_HOST\": \"localhost\""), "{text}");
    })
    .get("/")
    .send();
}
