//! A site of every kind of route, asked without a server.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;

use gateway_spec::testing::{Response as Answer, TestClient};
use gateway_spec::{Error, Status};
use serde_json::Value;

use super::*;

const FORM: &str = "application/x-www-form-urlencoded";

fn site() -> Application {
    Application::new()
        .template("page.html", "<a href=\"{{ root }}/\">{{ text }}</a>")
        .body_limit(100)
        .get("/", |request| request.render("page.html", json!({ "text": "<&>" })))
        .get("/entries/new", |_| Ok(Response::text("new")))
        .get("/entries/{id}", |request| Ok(Response::text(format!("entry {}", request.parse::<u32>("id")?))))
        .post("/entries/{id}", |request| Ok(Response::see_other(&request.link("/entries/ä?b=c"))))
        .get("/query", |request| Ok(Response::text(request.query()?.all("q").collect::<Vec<_>>().join("|"))))
        .post("/form", |request| Ok(Response::text(request.form()?.required("name")?)))
        .route("HEAD", "/head", |_| Ok(Response::text("of its own")))
        .route("PUT", "/head", |_| Ok(Response::text("put")))
        .post("/upload", upload)
        .post("/json", |request| Response::json(&json!({ "got": request.json::<Value>()? })))
        .get("/cookie", |request| {
            let seen = request.cookies("b").join("|");
            let cookie =
                Cookie::build(("c", "d; Domain=evil, ä")).path("/").http_only(true).same_site(SameSite::Lax).build();
            Ok(Response::text(seen).with_cookie(&cookie))
        })
        .get("/link", |request| Ok(Response::text(request.link(request.query()?.required("to")?))))
        .get("/foreign", |request| Ok(Response::text(request.is_foreign().to_string())))
        .get("/broken", |_| Err(Error::app("the database is away").into()))
        .get("/unrendered", |request| request.render("page.html", json!({})))
}

fn upload(request: &mut Request<'_>) -> Outcome {
    let mut form = request.multipart()?;
    let mut answer = String::new();
    while let Some(mut part) = form.next_part()? {
        let mut content = String::new();
        part.read_to_string(&mut content)?;
        answer += &format!("{} {:?} {content}\n", part.name(), part.filename());
    }
    Ok(Response::text(answer))
}

fn check(answer: &Answer, status: u16, text: &str) {
    assert_eq!((answer.status.code(), answer.text()), (status, text));
    assert!(answer.warnings.is_empty(), "{:?}", answer.warnings);
}

fn get(target: &str, status: u16, text: &str) {
    check(&TestClient::new(site()).get(target).send(), status, text);
}

fn post(target: &str, kind: &str, body: &str, status: u16, text: &str) {
    let client = TestClient::new(site());
    check(&client.post(target).header("Content-Type", kind).body(body).send(), status, text);
    // The same without a length, and slowly.
    check(&client.post(target).header("Content-Type", kind).chunked(body).arriving(1, 3).send(), status, text);
}

#[test]
fn the_first_route_that_fits_answers() {
    get("/entries/new", 200, "new");
    get("/entries/7", 200, "entry 7");
    get("/entries/%37", 200, "entry 7");
    get("/entries/x", 404, "404 Not Found\nThere is nothing at this address.\n");
    for target in ["/entries", "/entries/7/8", "//", "/nowhere", "/%ff"] {
        get(target, 404, "404 Not Found\nThere is nothing at this address.\n");
    }
}

#[test]
fn methods_are_told() {
    let client = TestClient::new(site());
    let head = client.head("/entries/7").send();
    assert_eq!((head.status, head.length), (Status::OK, Some(7)));
    let head = client.head("/head").send();
    assert_eq!((head.status, head.length), (Status::OK, Some(10)));
    assert_eq!(client.get("/head").send().header("allow"), Some("HEAD, PUT, OPTIONS"));
    let options = client.request("OPTIONS", "/entries/7").send();
    assert_eq!((options.status.code(), options.header("allow")), (204, Some("GET, HEAD, POST, OPTIONS")));
    let refused = client.delete("/entries/7").send();
    check(&refused, 405, "405 Method Not Allowed\nThis address does not answer DELETE.\n");
    assert_eq!(refused.header("allow"), Some("GET, HEAD, POST, OPTIONS"));
}

#[test]
fn pages_are_escaped_and_links_know_where_the_site_is() {
    get("/", 200, "<a href=\"/\">&lt;&amp;&gt;</a>");
    let client = TestClient::new(site());
    let page = client.get("/a%20b/").script_name("/a b").send();
    check(&page, 200, "<a href=\"/a%20b/\">&lt;&amp;&gt;</a>");
    check(&client.get("/a").script_name("/a").send(), 200, "<a href=\"/a/\">&lt;&amp;&gt;</a>");
    let moved = client.post("/a%20b/entries/1").script_name("/a b").body("").send();
    assert_eq!((moved.status.code(), moved.header("location")), (303, Some("/a%20b/entries/%C3%A4?b=c")));
}

/// Whatever somebody has typed into one.
#[test]
fn links_stay_within_the_site_and_are_addresses() {
    let client = TestClient::new(site());
    let link = |root: &str, to: &str| {
        let to = form_urlencoded::byte_serialize(to.as_bytes()).collect::<String>();
        client.get(&format!("{root}/link?to={to}")).script_name(root).send().text().to_owned()
    };
    let links = [
        ("", ""),
        ("/", "/"),
        ("/a//b/?", "/a//b/?"),
        ("/hello/a?b c", "/hello/a?b%20c"),
        ("/a?b=ä#\r\n<\"&c=%20+/?", "/a?b=%C3%A4%23%0D%0A%3C%22&c=%20+/?"),
        ("/a#b%2e", "/a%23b%252e"),
        ("//evil.example/x", "/evil.example/x"),
        ("/..//evil.example", "/evil.example"),
        ("/\\evil.example", "/%5Cevil.example"),
        ("/..", "/"),
        ("/a/../../b/./c..", "/a///b//c.."),
    ];
    for (to, expected) in links {
        assert_eq!(link("", to), expected, "{to}");
    }
    assert_eq!(link("/site", "/../admin"), "/site//admin");
    assert_eq!(link("/site", "//evil.example"), "/site//evil.example");
}

#[test]
fn queries_and_forms_are_decoded() {
    get("/query?q=a+b&x=y&q=%26&q", 200, "a b|&|");
    get("/query", 200, "");
    post("/form", "Application/X-WWW-Form-Urlencoded; charset=utf-8", "name=caf%C3%A9+%F0", 200, "café \u{fffd}");
    post("/form", FORM, "nam=x", 400, "400 Bad Request\nname is missing.\n");
    let words = "415 Unsupported Media Type\nThis address takes application/x-www-form-urlencoded.\n";
    post("/form", "text/plain", "name=x", 415, words);
}

/// A field that is next to nothing as it comes is not when it is kept.
#[test]
fn fields_have_a_limit() {
    let client = TestClient::new(site().body_limit(10_000));
    let form = |body: String| client.post("/form").header("Content-Type", FORM).body(body).send();
    check(&form(format!("{}name=x", "a&".repeat(999))), 200, "x");
    let words = "413 Content Too Large\nThese are more than 1000 fields.\n";
    check(&form(format!("{}name=x", "a&".repeat(1000))), 413, words);
    check(&client.get(&format!("/query?{}q=x", "a&".repeat(999))).send(), 200, "x");
    check(&client.get(&format!("/query?{}q=x", "a&".repeat(1000))).send(), 413, words);
}

#[test]
fn bodies_have_a_limit() {
    let (most, more) = (format!("name={}", "x".repeat(95)), format!("name={}", "x".repeat(96)));
    post("/form", FORM, &most, 200, &"x".repeat(95));
    post("/form", FORM, &more, 413, "413 Content Too Large\nThis is more than 100 bytes.\n");
    post(
        "/upload",
        "multipart/form-data; boundary=b",
        &more,
        413,
        "413 Content Too Large\nThis is more than 100 bytes.\n",
    );
}

#[test]
fn uploads_are_read_part_by_part() {
    let kind = "multipart/form-data; boundary=b";
    let body = "--b\r\nContent-Disposition: form-data; name=f; filename=a.txt\r\n\r\nhi\r\n--b--";
    post("/upload", kind, body, 200, "f Some(\"a.txt\") hi\n");
    post("/upload", kind, "--b", 400, "400 Bad Request\nThe form ends before its last boundary.\n");
    post("/upload", "multipart/form-data", body, 400, "400 Bad Request\nThe form has no boundary.\n");
}

#[test]
fn json_goes_in_and_out() {
    post("/json", "application/json", "[1, {\"a\": null}]", 200, "{\"got\":[1,{\"a\":null}]}");
    let words = "400 Bad Request\nThis is not it: EOF while parsing a list at line 1 column 1.\n";
    post("/json", "application/json", "[", 400, words);
    post("/json", FORM, "[]", 415, "415 Unsupported Media Type\nThis address takes application/json.\n");
}

#[test]
fn cookies_go_in_and_out() {
    let client = TestClient::new(site());
    let answer = client.get("/cookie").header("Cookie", "a=1; b=2").header("Cookie", "c").send();
    check(&answer, 200, "2");
    let encoded = "c=d%3B%20Domain%3Devil%2C%20%C3%A4; HttpOnly; SameSite=Lax; Path=/";
    assert_eq!(answer.header("set-cookie"), Some(encoded));
    let decoded = client.get("/cookie").header("Cookie", "b=d%3B%20Domain%3Devil%2C%20%C3%A4").send();
    check(&decoded, 200, "d; Domain=evil, ä");
}

/// A neighbour's cookie comes along, whatever it is.
#[test]
fn one_cookie_spoils_no_other() {
    let seen = |cookies: &[u8], seen: &str| {
        check(&TestClient::new(site()).get("/cookie").header("Cookie", cookies).send(), 200, seen);
    };
    seen(b"a=\xff; b=1; \xff=x; b=2", "1|2");
    seen(b"b=\xff; b=%ff; b=3; =4; b; ;;b=; %62=5", "3|");
}

#[test]
fn a_browser_says_which_site_it_comes_from() {
    let client = TestClient::new(site());
    let foreign = |headers: &[(&str, &str)]| {
        let answer =
            headers.iter().fold(client.get("/foreign"), |request, (name, value)| request.header(name, *value)).send();
        answer.text() == "true"
    };
    let (host, other) = (("Host", "a.example:81"), ("Origin", "http://b.example"));
    assert!(!foreign(&[host]));
    for origin in ["http://a.example:81", "https://A.Example:81"] {
        assert!(!foreign(&[host, ("Origin", origin)]), "{origin}");
    }
    let others = [
        "null",
        "",
        "a.example:81",
        "http://a.example",
        "http://a.example:82",
        "http://x.a.example:81",
        "http://a.example:81.b.example",
        "http://a.example:81, http://b.example",
    ];
    for origin in others {
        assert!(foreign(&[host, ("Origin", origin)]), "{origin}");
    }
    // As a proxy passes it on that leaves the port out.
    let bare = ("Host", "a.example");
    for (origin, is_foreign) in
        [("http://a.example:82", false), ("http://a.example", false), ("http://b.example:82", true)]
    {
        assert_eq!(foreign(&[bare, ("Origin", origin)]), is_foreign, "{origin}");
    }
    for (site, is_foreign) in [("same-origin", false), ("none", false), ("same-site", true), ("cross-site", true)] {
        let site = ("Sec-Fetch-Site", site);
        assert_eq!(foreign(&[host, site]), is_foreign, "{site:?}");
        // Where it is there, it knows: a proxy may have another name for this site.
        assert_eq!(foreign(&[host, site, other]), is_foreign, "{site:?}");
    }
}

#[test]
fn errors_are_logged_and_not_told() {
    let client = TestClient::new(site());
    let broken = client.get("/broken").send();
    check(&broken, 500, "500 Internal Server Error\nSomething went wrong here. It has been noted.\n");
    assert_eq!(broken.log[0].message, "the database is away");
    assert_eq!(client.get("/unrendered").send().status.code(), 500);
    // Who is gone, or cuts a body short, is told nothing: the server ends that.
    let cut = client.post("/form").header("Content-Type", FORM).body("name=x").truncated().try_send();
    assert!(matches!(cut, Err(Error::Io(_))), "{cut:?}");
}

#[test]
fn failures_are_pages_where_there_is_a_template() {
    let client = TestClient::new(site().template("error.html", "<h1>{{ status }} {{ reason }}</h1>{{ text }}"));
    let page = client.get("/nowhere").send();
    check(&page, 404, "<h1>404 Not Found</h1>There is nothing at this address.");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let broken = TestClient::new(site().template("error.html", "{{ nobody }}"));
    assert!(broken.get("/nowhere").try_send().is_err());
}

#[test]
fn middleware_sees_pages_and_answers_itself() {
    let tag = |text: &'static str| {
        move |request: &mut Request<'_>, next: Next<'_>| Ok(next(request)?.with_header("X-Tag", text))
    };
    let guard = |request: &mut Request<'_>, next: Next<'_>| {
        if request.query()?.get("key").is_none() {
            return Err(Failure::new(Status::FORBIDDEN, "No key."));
        }
        next(request)
    };
    let client = TestClient::new(site().layer(tag("outer")).layer(guard).layer(tag("inner")));
    let tags = |answer: &Answer| {
        let tags = answer.headers.iter().filter(|(name, _)| name == b"X-Tag");
        tags.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect::<Vec<_>>()
    };
    let refused = client.get("/entries/new").send();
    check(&refused, 403, "403 Forbidden\nNo key.\n");
    assert_eq!(tags(&refused), ["outer"]);
    assert_eq!(tags(&client.get("/entries/new?key").send()), ["inner", "outer"]);
    // Failures are pages to all of them.
    assert_eq!(tags(&client.get("/nowhere?key").send()), ["inner", "outer"]);
}

#[test]
fn files_of_a_folder_and_no_others() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("static");
    fs::create_dir_all(folder.join("sub")).unwrap();
    fs::write(above.path().join("secret"), "secret").unwrap();
    fs::write(folder.join("a b.css"), "body {}").unwrap();
    fs::write(folder.join("sub/x"), "x").unwrap();
    fs::write(folder.join(".hidden"), "hidden").unwrap();
    symlink(above.path().join("secret"), folder.join("link")).unwrap();
    let client = TestClient::new(site().files("/static/", &folder));

    let style = client.get("/static/a%20b.css").send();
    check(&style, 200, "body {}");
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(style.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(client.get("/static/sub/x").send().header("content-type"), Some("application/octet-stream"));
    assert_eq!(client.head("/static/sub/x").send().length, Some(1));
    let refused = client.post("/static/sub/x").body("").send();
    assert_eq!((refused.status.code(), refused.header("allow")), (405, Some("GET, HEAD, OPTIONS")));

    let escapes = ["../secret", "%2e%2e/secret", "..%2fsecret", "sub/../../secret", "sub/%2e%2e/%2e%2e/secret"];
    let others = [
        "link",
        ".hidden",
        "sub",
        "sub/",
        "",
        "/sub/x",
        "//sub/x",
        "sub//x",
        "x%00",
        "nothing",
        "sub/x/y",
        "%5c..%5csecret",
    ];
    for name in escapes.iter().chain(&others) {
        let status = client.get(&format!("/static/{name}")).send().status.code();
        assert_eq!(status, 404, "{name}");
    }
    assert_eq!(client.get("/staticsub/x").send().status.code(), 404);
}
