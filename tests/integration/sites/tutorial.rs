//! The tutorial holds: its files are written and its commands run, in their order, in an
//! empty folder, and each says what the page says it says.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gateway_tests::{address, artifacts, skip};

/// What a page asks of its reader.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    File {
        path: String,
        text: String,
    },
    Commands(String),
    /// Of the commands before.
    Says(String),
}

/// The steps of a page: shell, what it says, and files, whose names end the words before
/// them. What is for the console is for the reader alone.
fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut blocks = page.split("\n```");
    let mut words = blocks.next().unwrap_or_default();
    while let (Some(block), Some(after)) = (blocks.next(), blocks.next()) {
        let (kind, text) = block.split_once('\n').expect("a block has a first line");
        let text = format!("{text}\n");
        match kind {
            "sh" => steps.push(Step::Commands(text)),
            "text" => steps.push(Step::Says(text)),
            "console" => {}
            _ => {
                let name = words.trim_end().strip_suffix("`:").and_then(|words| words.rsplit('`').next());
                let path = name.unwrap_or_else(|| panic!("a file without a name: {text}")).to_owned();
                steps.push(Step::File { path, text });
            }
        }
        words = after;
    }
    steps
}

/// The page's addresses, of the server and of nginx, and this test's own for each.
struct Places([(&'static str, SocketAddr); 2]);

impl Places {
    fn new() -> Self {
        Self([("127.0.0.1:8000", address::own()), ("127.0.0.1:8080", address::own())])
    }

    fn put(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (page, own)| text.replace(page, &own.to_string()))
    }

    fn take_back(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (page, own)| text.replace(&own.to_string(), page))
    }
}

/// One script, which says where each step begins. Two things are not as on the page: the
/// addresses, and where cargo puts what it builds, which is kept.
fn script(steps: &[Step], places: &Places) -> String {
    let lock = artifacts::workspace().join("Cargo.lock").display().to_string();
    let mut script = String::from("set -eu\n");
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(script, "echo '{MARK}{number}'");
        match step {
            Step::File { path, text } => {
                // The crates in the versions that are here already.
                let _ = writeln!(script, "test -e Cargo.lock || cp '{lock}' .");
                let _ = write!(script, "cat > '{path}' <<'END OF FILE'\n{}END OF FILE\n", places.put(text));
            }
            Step::Commands(text) => {
                script += &places.put(text).replace("target/debug/", "\"$CARGO_TARGET_DIR\"/debug/");
            }
            Step::Says(_) => {}
        }
    }
    script
}

const MARK: &str = "---- step ";

/// The same folder each time, so that what was built in it is known again.
fn folder() -> PathBuf {
    let mut hash = DefaultHasher::new();
    artifacts::workspace().hash(&mut hash);
    std::env::temp_dir().join(format!("gateway-tutorial-{:x}", hash.finish()))
}

/// Ends nginx and the server of a page that broke off, and leaves nothing behind.
struct End<'f>(&'f Path);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let site = self.0.join("guestbook");
        if site.join("nginx.pid").exists() {
            let stop = ["-p", ".", "-c", "nginx.conf", "-s", "stop"];
            let _ = Command::new("nginx").args(stop).current_dir(&site).status();
        }
        if site.join("server.pid").exists() {
            let _ = Command::new(artifacts::server()).args(["stop", "server.pid"]).current_dir(&site).status();
        }
        let _ = fs::remove_dir_all(self.0);
    }
}

#[test]
fn the_tutorial_does_what_it_says() {
    const TEST: &str = "the_tutorial_does_what_it_says";
    if ["curl", "pkill", "nginx"].iter().any(|program| !skip::has(TEST, program)) {
        return;
    }
    let folder = folder();
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let _end = End(&folder);
    std::os::unix::fs::symlink(artifacts::workspace(), folder.join("gateway")).unwrap();
    let page = fs::read_to_string(artifacts::workspace().join("docs/tutorial.md")).unwrap();
    let steps = steps(&page);
    let places = Places::new();
    fs::write(folder.join("script"), script(&steps, &places)).unwrap();

    let server = artifacts::server();
    let path = std::env::join_paths(
        std::iter::once(server.parent().unwrap().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    // Into a file, not a pipe: a server in the background would hold that open.
    let out = fs::File::create(folder.join("out")).unwrap();
    let status = Command::new("sh")
        .arg("script")
        .current_dir(&folder)
        .env("PATH", path.unwrap())
        .env("CARGO_TARGET_DIR", artifacts::profile_dir().parent().unwrap().join("tutorial"))
        .env("CARGO_NET_OFFLINE", "true")
        .env("GATEWAY_BIND", places.put("127.0.0.1:8000"))
        .env_remove("GATEWAY_LOG")
        .stdin(Stdio::null())
        .stderr(out.try_clone().unwrap())
        .stdout(out)
        .status()
        .unwrap();
    let out = fs::read_to_string(folder.join("out")).unwrap();
    assert!(status.success(), "{out}");
    compare(&steps, &places.take_back(&out));
}

/// What the commands say is what the page shows, all of it and nothing else.
fn compare(steps: &[Step], out: &str) {
    let said: Vec<&str> = out.split(MARK).skip(1).map(|step| step.split_once('\n').unwrap_or_default().1).collect();
    for (number, step) in steps.iter().enumerate() {
        let Step::Commands(commands) = step else { continue };
        let shown = match steps.get(number + 1) {
            Some(Step::Says(text)) => text,
            _ => "",
        };
        assert_eq!(lines(said[number]), lines(shown), "said, and shown on the page, of\n{commands}");
    }
}

/// But for what is another each time, and a complaint of nginx's, which the page tells of.
fn lines(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.split("; finished in").next().unwrap_or(line).trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with("nginx: [alert]")).collect()
}

#[test]
fn a_page_is_taken_apart() {
    let page = "Words.\n\n```console\n$ not run\n```\n\nMore. `a/b`:\n\n```rust\ncode\n```\n```sh\nls\nls\n```\n\n```text\nb\n```\n";
    let file = Step::File { path: "a/b".to_owned(), text: "code\n".to_owned() };
    assert_eq!(steps(page), [file, Step::Commands("ls\nls\n".to_owned()), Step::Says("b\n".to_owned())]);
}
