//! The router by itself: any path, any prefixes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use gateway_server::service::{Place, Site};
use gateway_spec::prelude::*;
use gateway_spec::testing::{Response, TestClient};
use gateway_spec::{App, AppFlags};
use proptest::prelude::*;

/// Answers with its name, SCRIPT_NAME and PATH_INFO.
struct Named {
    name: String,
    flags: AppFlags,
    shut: Arc<AtomicUsize>,
}

impl Named {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), flags: AppFlags::CONCURRENT, shut: Arc::default() }
    }
}

impl App for Named {
    fn call<'r>(&'r self, environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        let length = environ.script_name().len().to_string();
        let headers = [
            Header::new("Content-Type", "text/plain"),
            Header::new("X-Name", &self.name),
            Header::new("X-Length", &length),
        ];
        start.start(Head::new(Status::OK, &headers))?;
        Ok(Body::from([environ.script_name(), environ.path_info()].concat()))
    }

    fn shutdown(&self) {
        self.shut.fetch_add(1, SeqCst);
    }

    fn flags(&self) -> AppFlags {
        self.flags
    }
}

/// A site of apps that are named by their places.
fn site<T: AsRef<str>>(places: &[T]) -> Site {
    let app = |place: &T| {
        let place = place.as_ref();
        let app: Arc<dyn App> = Arc::new(Named::new(place));
        (place.parse::<Place>().unwrap(), app)
    };
    Site::new(places.iter().map(app))
}

/// Which app has answered; none for a 404.
fn who(response: &Response) -> Option<&str> {
    match response.status {
        Status::NOT_FOUND => None,
        _ => Some(response.header("x-name").unwrap()),
    }
}

#[test]
fn the_longest_prefix_of_the_closest_host_wins() {
    let places =
        ["/", "/a", "/a/b", "one.test/", "one.test/a", "*.test/w", "*.two.test/", "[::1]/six", "/caf\u{e9}", "/a b"];
    let client = TestClient::new(site(&places));
    let check = |host: &str, target: &str, expected: Option<&str>| {
        let request = client.get(target);
        let response = if host.is_empty() { request.send() } else { request.header("Host", host).send() };
        assert_eq!(who(&response), expected, "{host} {target}");
    };
    for (target, expected) in [
        ("/", "/"),
        ("/ab", "/"),
        ("/a", "/a"),
        ("/a/", "/a"),
        ("/a/bc", "/a"),
        ("/a/b", "/a/b"),
        ("/a/b/../c", "/a/b"),
        ("/%61", "/a"),
        ("/a%2Fb", "/a/b"),
        ("/caf%C3%A9/x", "/caf\u{e9}"),
        ("/a%20b", "/a b"),
        ("//a", "/"),
        ("/a//b", "/a"),
    ] {
        check("", target, Some(expected));
        check("other:80", target, Some(expected));
        check("test", target, Some(expected));
    }
    check("one.test", "/a/b", Some("one.test/a"));
    check("ONE.test:1", "/x", Some("one.test/"));
    check("x.test", "/w/a", Some("*.test/w"));
    // Its host is served, and has nobody for this.
    check("x.test", "/a", None);
    check("x.two.test", "/w", Some("*.two.test/"));
    check("two.test", "/w", Some("*.test/w"));
    check("[::1]:8000", "/six", Some("[::1]/six"));
    check("[::1]", "/", None);
    let response = client.request("OPTIONS", "*").send();
    assert_eq!((who(&response), response.text()), (Some("/"), ""));
}

#[test]
fn nobody_is_there_without_a_root() {
    let client = TestClient::new(site(&["/a"]));
    for target in ["/", "/b", "/A", "//a"] {
        let response = client.get(target).send();
        assert_eq!((response.status, response.text()), (Status::NOT_FOUND, "There is nothing here.\n"));
    }
    assert_eq!(client.request("OPTIONS", "*").send().status, Status::NOT_FOUND);
    assert_eq!(client.head("/b").send().status, Status::NOT_FOUND);
    assert_eq!(TestClient::new(site::<&str>(&[])).get("/").send().status, Status::NOT_FOUND);
}

#[test]
fn a_site_may_be_mounted_itself() {
    let inner: Arc<dyn App> = Arc::new(site(&["/b"]));
    let client = TestClient::new(Site::new([("/a".parse().unwrap(), inner)]));
    let response = client.get("/front/a/b/c").script_name("/front").send();
    assert_eq!((response.text(), response.header("x-length")), ("/front/a/b/c", Some("10")));
}

#[test]
fn flags_are_what_all_can_and_what_one_must_not() {
    let flags = |all: &[AppFlags]| {
        let apps = all.iter().enumerate().map(|(number, flags)| {
            let app: Arc<dyn App> = Arc::new(Named { flags: *flags, ..Named::new("") });
            (format!("/{number}").parse().unwrap(), app)
        });
        Site::new(apps).flags()
    };
    let (concurrent, streams, blocks) = (AppFlags::CONCURRENT, AppFlags::STREAMS_INPUT, AppFlags::NO_SUSPEND);
    let none = AppFlags::from_bits(0);
    assert_eq!(flags(&[concurrent.with(streams), concurrent]), concurrent);
    assert_eq!(flags(&[concurrent.with(streams), concurrent.with(streams)]), concurrent.with(streams));
    assert_eq!(flags(&[concurrent, none]), none);
    assert_eq!(flags(&[concurrent.with(blocks), concurrent]), concurrent.with(blocks));
}

#[test]
fn the_end_is_told_to_all() {
    let shut = Arc::new(AtomicUsize::new(0));
    let apps = ["/", "/a", "a.test/"].map(|place| {
        let app: Arc<dyn App> = Arc::new(Named { shut: Arc::clone(&shut), ..Named::new(place) });
        (place.parse().unwrap(), app)
    });
    Site::new(apps).shutdown();
    assert_eq!(shut.load(SeqCst), 3);
}

/// Segments that are likely to be alike.
fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec("(/[ab]{0,2}){1,4}/?", 1).prop_map(|paths| paths.concat())
}

fn prefix() -> impl Strategy<Value = String> {
    prop_oneof![Just("/".to_owned()), "(/[ab]{1,2}){1,3}"]
}

proptest! {
    /// SCRIPT_NAME and PATH_INFO together stay what they were; the longest prefix
    /// of whole segments has been moved.
    #[test]
    fn a_path_is_split_and_nothing_else(
        path in path(), front in "(/[ab]{1,2}){0,2}", prefixes in proptest::collection::hash_set(prefix(), 0..6)
    ) {
        let prefixes: Vec<String> = prefixes.into_iter().collect();
        let client = TestClient::new(site(&prefixes));
        let response = client.get(&format!("{front}{path}")).script_name(&front).send();
        let is_for = |prefix: &&String| **prefix == "/" || path == **prefix || path.starts_with(&format!("{prefix}/"));
        let expected = prefixes.iter().filter(is_for).max_by_key(|prefix| prefix.len());
        prop_assert_eq!(who(&response), expected.map(String::as_str));
        if let Some(prefix) = expected {
            prop_assert_eq!(response.text(), format!("{front}{path}"));
            let length = (front.len() + if prefix == "/" { 0 } else { prefix.len() }).to_string();
            prop_assert_eq!(response.header("x-length"), Some(&*length));
        }
    }
}
