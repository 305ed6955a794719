//! What cannot be a mount, and where mounts may be written.

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::server::{Server, command, run};
use tempfile::TempDir;

fn refused(arguments: &[&str], words: &str) {
    let output = run(arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert!(text.contains(words), "{arguments:?}: no {words:?} in {text}");
}

#[test]
fn what_is_no_mount_is_refused_with_a_way_out() {
    for (mount, words) in [
        ("libapi.so:app", "write it as /PREFIX=MODULE:APP"),
        ("/api=", "write it as /PREFIX=MODULE:APP"),
        ("=x.so", "write where the app is mounted as /PREFIX"),
        ("api=x.so", "write where the app is mounted as /PREFIX"),
        ("/api/=x.so", "ends without /: write /api, which takes /api/ and all below it too"),
        ("//=x.so", "write one /"),
        ("/a/../b=x.so", "leave . and .. out"),
        ("/%61=x.so", "compared with the decoded path"),
        ("/a?b=x.so", "ends before ?"),
        ("/a#b=x.so", "ends before #"),
        ("/a\tb=x.so", "no control characters"),
        ("a.test:80/=x.so", "without scheme and port"),
        ("http://a.test/=x.so", "without scheme and port"),
        ("*/=x.so", "leave the host out"),
        ("*a.test/=x.so", "whole labels"),
    ] {
        refused(&["--mount", mount], words);
    }
    refused(
        &["--mount", "/a=x.so", "--mount", "/b=x.so", "--mount", "/a=y.so"],
        "something is mounted at /a twice: leave one out",
    );
    refused(
        &["--mount", "A.test/=x.so", "--mount", "a.test./=y.so"],
        "something is mounted at a.test/ twice: leave one out",
    );
    refused(&["--mount", "/=x.so", "y.so"], "MODULE:APP is mounted at /, and so is something else: leave one out");
    refused(&["--list", "--mount", "/=x.so"], "cannot be used with");
    refused(&["--app-dir", "/tmp"], "write it as /PREFIX=DIR");
    refused(&["--app-dir", "/apps="], "write it as /PREFIX=DIR");
    refused(&["--app-dir", "apps=/tmp"], "write where the app is mounted as /PREFIX");
    refused(&["--app-dir", "/a=/tmp", "--mount", "/a=x.so"], "something is mounted at /a twice: leave one out");
    refused(&["--mount", "/=/no/such.so"], "/no/such.so");
}

#[test]
fn what_is_set_for_nobody_is_refused() {
    let check = |set: &str, words: &str| {
        refused(&["--mount", "/a=x.so", "--mount", "b.test/=x.so", "--app-dir", "/d=/tmp", "--set", set], words);
    };
    check("/x:key=1", "--set /x:key: nothing is mounted at /x");
    check("/:key=1", "--set /:key: nothing is mounted at /");
    check("/d:key=1", "--set /d:key: nothing is mounted at /d");
    check("/d/a/b:key=1", "--set /d/a/b:key: nothing is mounted at /d/a/b");
    check("c.test/:key=1", "nothing is mounted at c.test/");
    check("/a/:key=1", "--set /a/:key: a prefix ends without /");
    // These are for somebody, so it is the module that is missed.
    for set in ["/a:key=1", "B.test/:key=1", "/d/any:key=1", "key=1", "a:b=/c:d", "http://=1"] {
        check(set, "x.so");
    }
}

fn toml(text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    folder
}

/// The file's own folder is where its modules are, from wherever it is read.
#[test]
fn mounts_are_a_setting_like_others() {
    let folder = toml(
        "mount = [\"/hello=./libhello.so:app\", \"a.test/=./libhello.so\"]\nbind = \"127.0.0.1:0\"\n\
         app-dir = \"/apps=.\"\n",
    );
    std::fs::copy(artifacts::module("hello"), folder.path().join("libhello.so")).unwrap();
    let file = folder.path().join("gateway.toml").display().to_string();
    let with = |arguments: &[&str], variable: Option<&str>| {
        let mut command = command(&[&["--config", &file], arguments].concat());
        command.current_dir("/").envs(variable.map(|value| ("GATEWAY_MOUNT", value)));
        command
    };
    let server = Server::spawn(with(&[], None), 1);
    let mut client = Client::new(server.connect());
    client.send(b"GET /hello/x HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(client.response("GET").unwrap().text(), "Hello, World!\n");
    let mut client = Client::new(server.connect());
    client.send(b"GET /apps/hello HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(client.response("GET").unwrap().text(), "Hello, World!\n");
    server.stop();
    let printed = |arguments: &[&str], variable| {
        let output = with(&[&["--print-config"], arguments].concat(), variable).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().find(|line| line.starts_with("mount = ")).unwrap().to_owned()
    };
    let place = folder.path().display();
    let values = format!("mount = [\"/hello={place}/./libhello.so:app\", \"a.test/={place}/./libhello.so\"]");
    assert_eq!(printed(&[], None), format!("{values}  # {file}:1"));
    assert_eq!(printed(&[], Some("/a=a.so,/b\\,=b.so")), "mount = [\"/a=a.so\", \"/b,=b.so\"]  # GATEWAY_MOUNT");
    assert_eq!(printed(&["--mount", "/c=sub/c.so"], Some("/a=a.so")), "mount = [\"/c=/sub/c.so\"]  # flag");
    let fine = with(&["--check-config"], None).output().unwrap();
    assert!(fine.status.success() && fine.stdout == b"ok\n");
}

#[test]
fn a_list_of_apps_is_of_the_module_that_is_named() {
    let folder = toml("mount = \"/x=/no/such.so\"\n");
    let file = folder.path().join("gateway.toml").display().to_string();
    refused(&["--config", &file, "--list"], "there is no module to look at: give MODULE");
    let output = run(&["--config", &file, "--list", artifacts::module("hello").to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
