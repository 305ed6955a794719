//! What cannot be served, and where the flags may be written.

use gateway_tests::artifacts;
use gateway_tests::server::{Server, command, run};

use super::{Site, ask, fs};

fn refused(arguments: &[&str], code: i32, words: &str) {
    let output = run(arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(text.contains(words), "{arguments:?}: no {words:?} in {text}");
}

#[test]
fn what_is_no_folder_is_refused_with_a_way_out() {
    let site = Site::of(&[("a.txt", "")]);
    let (folder, file) = (site.at("/"), format!("/={}", site.path("a.txt").display()));
    for (value, words) in [
        ("/srv/www", "write it as /PREFIX=DIR"),
        ("/=", "write it as /PREFIX=DIR"),
        ("static=/srv", "write where the app is mounted as /PREFIX"),
        ("/static/=/srv", "ends without /: write /static"),
        ("/a?b=/srv", "ends before ?"),
        ("a.test:80/=/srv", "without scheme and port"),
        ("/=/no/such/folder", "/no/such/folder: No such file or directory"),
        (&file, "a.txt: Not a directory"),
    ] {
        refused(&["--no-master", "--bind", "127.0.0.1:0", "--static", value], 2, words);
    }
    refused(
        &["--workers", "1", "--bind", "127.0.0.1:0", "--static", "/=/no/such/folder"],
        2,
        "/no/such/folder: No such",
    );
    let twice = "something is mounted at / twice: leave one out";
    refused(&["--static", &folder, "--static", &folder], 2, twice);
    let words = "MODULE:APP is mounted at /, and so is something else: leave one out";
    refused(&["--static", &folder, "x.so"], 2, words);
    let words = "something is mounted at /a twice: leave one out";
    refused(&["--static", "/a=/srv", "--mount", "/a=x.so"], 2, words);
    refused(&["--list", "--static", "/=/srv", "x.so"], 2, "cannot be used with");
}

#[test]
fn flags_about_files_belong_to_a_folder() {
    for flag in [
        &["--autoindex"][..],
        &["--static-symlinks", "never"],
        &["--static-index", "a.html"],
        &["--static-max-age", "1h"],
        &["--not-found", "404.html"],
    ] {
        let words = format!("{} belongs to --static, which is not given", flag[0]);
        refused(&[flag, &["x.so"]].concat(), 2, &words);
    }
    for (name, words) in [
        ("a/b", "write a name without a folder"),
        ("../a", "write a name without a folder"),
        (".htaccess", "begin with a dot are not served"),
        ("", "write the name of a file"),
    ] {
        refused(&["--static", "/=/srv", "--static-index", name], 2, words);
    }
    refused(&["--static", "/=/srv", "--static-symlinks", "owner"], 2, "[possible values: never, inside, anywhere]");
    refused(&["--static", "/=/srv", "--static-max-age", "soon"], 2, "--static-max-age");
    let site = Site::of(&[]);
    refused(
        &["--bind", "127.0.0.1:0", "--no-master", "--static", &site.at("/"), "--not-found", "/no/404"],
        2,
        "/no/404: No such file",
    );
}

#[test]
fn check_looks_at_folders_too() {
    let site = Site::of(&[]);
    let module = format!("/app={}", artifacts::module("hello").display());
    let output = run(&["--check", "--static", &site.at("/files"), "--mount", &module]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(
        text.contains(&format!("ok: /files: {}\n", site.folder().display())) && text.contains("ok: /app: "),
        "{text}"
    );
    refused(&["--check", "--static", "/=/no/such/folder"], 2, "/no/such/folder: No such");
}

/// The file's own folder is where its folders are, from wherever it is read.
#[test]
fn folders_are_a_setting_like_others() {
    let site = Site::of(&[("one", "first"), ("two", "second"), ("sub/x", ""), ("404.html", "nothing here")]);
    let file = site.outside().join("gateway.toml");
    let text = "static = [\"/files=site\"]\nbind = \"127.0.0.1:0\"\nautoindex = true\nstatic-index = [\"two\", \"one\"]\n\
                static-max-age = \"1h\"\nnot-found = \"site/404.html\"\nno-master = true\n";
    fs::write(&file, text).unwrap();
    let mut command = command(&["--config", file.to_str().unwrap()]);
    command.current_dir("/");
    let server = Server::spawn(command, 1);
    let root = ask(&server, "/files/");
    assert_eq!((root.text().as_str(), root.header("cache-control")), ("second", Some("max-age=3600")));
    assert!(ask(&server, "/files/sub/").text().contains(">x</a>"));
    let missing = ask(&server, "/files/missing");
    assert_eq!((missing.status, missing.text().as_str()), (404, "nothing here"));
    server.stop();
}
