//! Ways out of the folder, and none of them leads anywhere.

use std::os::unix::fs::symlink;

use super::super::Symlinks;
use super::listing::mkfifo;
use super::*;

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

fn site() -> Site {
    let site = Site::of(&[("a/index.html", "a"), ("a/b/x", "x"), ("index.html", "root")]);
    let link = |to: &str, name: &str| symlink(to, site.path(name)).unwrap();
    link("../secret.txt", "out");
    link(site.root.path().join("secret.txt").to_str().unwrap(), "absolute");
    link("..", "up");
    link("../..", "a/up");
    link("out", "chain");
    link("a/../up", "deep");
    link("/", "root");
    link("/proc/self/root", "proc-root");
    link("/proc/self/cwd", "proc-cwd");
    link("loop", "loop");
    link(".", "self");
    link("../site/a/index.html", "in-by-the-back-door");
    site
}

fn check(symlinks: Symlinks) {
    let site = site();
    let client = site.client_with(|it| (it.symlinks, it.autoindex) = (symlinks, true));
    let root = site.root.path().to_str().unwrap().trim_start_matches('/').to_owned();
    assert!(TRICKS.len() >= 60);
    for trick in TRICKS {
        let target = trick.replace("ROOT", &root);
        for target in [format!("{target}?x=../secret.txt"), target] {
            // Some are no target that a server lets through: the app does not know that.
            let response = client.get(&target).without_lint().send();
            assert_eq!(response.status.code(), 404, "{target}: {}", String::from_utf8_lossy(&response.body));
            assert!(!String::from_utf8_lossy(&response.body).contains(SECRET), "{target}");
            assert!(!String::from_utf8_lossy(&response.body).contains("root:x:"), "{target}");
        }
    }
    // There is a folder to escape from.
    assert_eq!(outcome(&get(&client, "/a/")), (200, "a"));
}

#[test]
fn no_trick_leads_out() {
    check(Symlinks::Inside);
}

#[test]
fn no_trick_leads_out_where_no_link_is_followed() {
    check(Symlinks::Never);
}

#[test]
fn links_that_stay_inside() {
    let site = site();
    symlink("a/index.html", site.path("inside")).unwrap();
    symlink("../index.html", site.path("a/up-and-stay")).unwrap();
    let status = |symlinks, target: &str| {
        let client = site.client_with(|it| it.symlinks = symlinks);
        client.get(target).send().status.code()
    };
    for target in ["/inside", "/a/up-and-stay", "/self/a/", "/self/inside"] {
        assert_eq!(status(Symlinks::Inside, target), 200, "{target}");
        assert_eq!(status(Symlinks::Never, target), 404, "{target}");
    }
    // It leaves the folder on its way, and so is one that leads out.
    assert_eq!(status(Symlinks::Inside, "/in-by-the-back-door"), 404);
    // A deployer's own risk, but never by way of another process.
    for target in ["/out", "/absolute", "/up/secret.txt", "/in-by-the-back-door"] {
        assert_eq!(status(Symlinks::Anywhere, target), 200, "{target}");
    }
    for target in ["/../secret.txt", "/%2e%2e/secret.txt", "/proc-root/etc/passwd", "/proc-cwd/Cargo.toml", "/loop"] {
        assert_eq!(status(Symlinks::Anywhere, target), 404, "{target}");
    }
}

/// The folder's own path may go over links, whatever is followed below it.
#[test]
fn a_folder_may_be_known_by_a_link() {
    let site = site();
    symlink(site.folder(), site.root.path().join("current")).unwrap();
    let settings = Settings { symlinks: Symlinks::Never, ..Settings::default() };
    let files = Files::new(&site.root.path().join("current"), &settings).unwrap();
    assert_eq!(outcome(&get(&TestClient::new(files), "/a/")), (200, "a"));
}

/// Opened as they are, these would wait for somebody, or do something.
#[test]
fn only_files_and_folders_are_anything() {
    let site = Site::new();
    mkfifo(&site.path("fifo"));
    let _socket = std::os::unix::net::UnixListener::bind(site.path("socket")).unwrap();
    symlink("/dev/zero", site.path("zero")).unwrap();
    for symlinks in [Symlinks::Never, Symlinks::Inside, Symlinks::Anywhere] {
        let client = site.client_with(|it| it.symlinks = symlinks);
        for target in ["/fifo", "/socket", "/zero", "/fifo/", "/socket/"] {
            assert_eq!(get(&client, target).status.code(), 404, "{target}");
        }
    }
}

#[test]
fn a_path_may_be_too_long() {
    let site = site();
    let client = site.client();
    for length in [254, 255, 256, 4095, 4096, 8000] {
        let target = format!("/{}", "x".repeat(length));
        assert_eq!(get(&client, &target).status.code(), 404, "{length}");
        let target = format!("/{}/", "x/".repeat(length / 2));
        assert_eq!(get(&client, &target).status.code(), 404, "{length}");
    }
}
