//! Ways out of the folder, and none of them leads anywhere: asked of the app, and
//! of a server over a socket, as they stand.

use std::os::unix::fs::symlink;

use gateway_server::service::files::{Files, Settings, Symlinks};
use gateway_spec::testing::TestClient;

use super::{Site, ask, serve};

/// Each is tried as it stands. ROOT is the absolute path of the folder that has
/// the secret, without the slash before it.
const TRICKS: &[&str] = &[
    // The plain ones.
    "/../secret.txt",
    "/../../secret.txt",
    "/a/../../secret.txt",
    "/a/b/../../../secret.txt",
    "/./../secret.txt",
    "/..",
    "/../",
    "/a/../../",
    "/.",
    "/./",
    "/../site/../secret.txt",
    "/a/./../../secret.txt",
    // Encoded, once and more often.
    "/%2e%2e/secret.txt",
    "/%2E%2E/secret.txt",
    "/.%2e/secret.txt",
    "/%2e./secret.txt",
    "/..%2fsecret.txt",
    "/..%2Fsecret.txt",
    "/%2e%2e%2fsecret.txt",
    "/a/..%2f..%2fsecret.txt",
    "/%252e%252e/secret.txt",
    "/%252e%252e%252fsecret.txt",
    "/%25252e%25252e/secret.txt",
    "/..%252fsecret.txt",
    "/%2e%2e%2f%2e%2e%2fsecret.txt",
    // Overlong UTF-8, full width, and other ways to write a dot or a slash.
    "/%c0%ae%c0%ae/secret.txt",
    "/%c0%ae%c0%ae%c0%afsecret.txt",
    "/..%c0%afsecret.txt",
    "/%e0%80%ae%e0%80%ae/secret.txt",
    "/%ef%bc%8e%ef%bc%8e/secret.txt",
    "/..%ef%bc%8fsecret.txt",
    "/..%e2%88%95secret.txt",
    "/%u002e%u002e/secret.txt",
    "/..%u2215secret.txt",
    // Backslashes and drives.
    "/..\\secret.txt",
    "/..%5csecret.txt",
    "/..%5Csecret.txt",
    "/%5c..%5csecret.txt",
    "/a\\..\\..\\secret.txt",
    "/C:\\secret.txt",
    "/C:/secret.txt",
    "/c:%5csecret.txt",
    "/\\\\server\\share\\secret.txt",
    "/%5c%5cserver%5cshare",
    "/..%255csecret.txt",
    "/\\..\\..\\secret.txt",
    // NUL and other control bytes.
    "/a/index.html%00",
    "/%00",
    "/..%00/secret.txt",
    "/a%00/../../secret.txt",
    "/out%00.txt",
    "/%0d%0a../secret.txt",
    "/..%0d/secret.txt",
    "/..%0a/secret.txt",
    "/..%20/secret.txt",
    "/..%09/secret.txt",
    "/ ../secret.txt",
    // More slashes, and absolute paths.
    "//secret.txt",
    "//../secret.txt",
    "///../secret.txt",
    "/a//../../secret.txt",
    "//ROOT/secret.txt",
    "/ROOT/secret.txt",
    "/%2FROOT/secret.txt",
    "/%2F%2FROOT/secret.txt",
    "/a/%2FROOT/secret.txt",
    "//etc/passwd",
    "/%2Fetc%2Fpasswd",
    "/etc/passwd",
    "/proc/self/root/etc/passwd",
    "/file:%2F%2F%2Fetc%2Fpasswd",
    "/~root/.profile",
    "/~/secret.txt",
    // Suffixes that other servers cut off.
    "/..;/secret.txt",
    "/..;a=b/secret.txt",
    "/;/../secret.txt",
    "/.../secret.txt",
    "/..../secret.txt",
    "/.../.../secret.txt",
    "/..../..../secret.txt",
    "/..%3b/secret.txt",
    "/.%00./secret.txt",
    "/a/..;/..;/secret.txt",
    // Links.
    "/out",
    "/out/",
    "/absolute",
    "/up/secret.txt",
    "/up/",
    "/up",
    "/a/up/secret.txt",
    "/chain",
    "/deep/secret.txt",
    "/root/ROOT/secret.txt",
    "/root/etc/passwd",
    "/proc-root/etc/passwd",
    "/proc-cwd/Cargo.toml",
    "/loop",
    "/loop/x",
    "/self/out",
    "/self/self/up/secret.txt",
];

/// A folder full of ways out.
fn site() -> Site {
    let site = Site::of(&[("a/index.html", "a"), ("a/b/x", "x"), ("index.html", "root")]);
    let link = |to: &str, name: &str| symlink(to, site.path(name)).unwrap();
    link("../secret.txt", "out");
    link(site.outside().join("secret.txt").to_str().unwrap(), "absolute");
    link("..", "up");
    link("../..", "a/up");
    link("out", "chain");
    link("a/../up", "deep");
    link("/", "root");
    link("/proc/self/root", "proc-root");
    link("/proc/self/cwd", "proc-cwd");
    link("loop", "loop");
    link(".", "self");
    site
}

/// Each trick, and the same with what could be taken for a way out behind it.
fn targets(site: &Site) -> Vec<String> {
    assert!(TRICKS.len() >= 60);
    let root = site.outside().to_str().unwrap().trim_start_matches('/').to_owned();
    let tricks = TRICKS.iter().map(|trick| trick.replace("ROOT", &root));
    tricks.flat_map(|trick| [format!("{trick}?x=../secret.txt"), trick]).collect()
}

/// Nothing of what lies outside came back, nor a list of it.
fn holds_no_secret(target: &str, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    for word in [Site::SECRET, "root:x:", "[package]", "secret.txt</a>"] {
        assert!(!text.contains(word), "{target} leads out: {text}");
    }
}

#[test]
fn no_trick_leads_out_of_the_app() {
    let site = site();
    for symlinks in [Symlinks::Inside, Symlinks::Never] {
        let settings = Settings { symlinks, autoindex: true, ..Settings::default() };
        let client = TestClient::new(Files::new(&site.folder(), &settings).unwrap());
        for target in targets(&site) {
            // Some are no target that a server lets through: the app does not know that.
            let response = client.get(&target).without_lint().send();
            assert_eq!(response.status.code(), 404, "{target}");
            holds_no_secret(&target, &response.body);
        }
        assert_eq!(client.get("/a/").send().text(), "a");
    }
}

#[test]
fn no_trick_leads_out_of_the_server() {
    let site = site();
    for (place, symlinks) in [("/", "inside"), ("/", "never"), ("/static", "inside")] {
        let server =
            serve(&[&format!("{place}={}", site.folder().display())], &["--static-symlinks", symlinks, "--autoindex"]);
        let prefix = place.trim_end_matches('/');
        for target in targets(&site) {
            let target = format!("{prefix}{target}");
            let response = ask(&server, &target);
            assert!([400, 404].contains(&response.status), "{target}: {response:?}");
            holds_no_secret(&target, &response.body);
        }
        assert_eq!(ask(&server, &format!("{prefix}/a/")).text(), "a");
        server.stop();
    }
}

/// The tricks are some: where links may lead anywhere, they do.
#[test]
fn there_is_something_to_be_kept_from() {
    let site = site();
    let server = serve(&[&format!("/={}", site.folder().display())], &["--static-symlinks", "anywhere"]);
    for target in ["/out", "/absolute", "/up/secret.txt", "/chain", "/deep/secret.txt"] {
        assert_eq!(ask(&server, target).text(), Site::SECRET, "{target}");
    }
    // By paths and through other processes they lead nowhere still.
    for target in
        ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/proc-root/etc/passwd", "/proc-cwd/Cargo.toml"]
    {
        assert_eq!(ask(&server, target).status, 404, "{target}");
    }
    server.stop();
}
