//! Links, and what is neither a file nor a folder. Paths that try to lead out are
//! those of the integration tests.

use std::os::unix::fs::symlink;

use super::super::Symlinks;
use super::listing::mkfifo;
use super::*;

fn site() -> Site {
    let site = Site::of(&[("a/index.html", "a"), ("a/b/x", "x"), ("index.html", "root")]);
    let link = |to: &str, name: &str| symlink(to, site.path(name)).unwrap();
    link("../secret.txt", "out");
    link(site.root.path().join("secret.txt").to_str().unwrap(), "absolute");
    link("..", "up");
    link("/proc/self/root", "proc-root");
    link("/proc/self/cwd", "proc-cwd");
    link("loop", "loop");
    link(".", "self");
    link("../site/a/index.html", "in-by-the-back-door");
    site
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
