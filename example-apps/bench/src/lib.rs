//! What servers are measured with. Each path costs the app as little as it can,
//! so that the figure is the server's.
//!
//! | path | answer |
//! |---|---|
//! | `/plaintext` | `Hello, World!`, static: no allocation |
//! | `/json` | `{"message":"Hello, World!"}`, serialised for each request |
//! | `/bytes64k` | 64 KiB from memory, borrowed from the app |
//! | `/file64k` | 64 KiB from a file, opened for each request |
//! | `/cached64k` | the same file, kept open |
//! | `/echo` | the body |
//! | `/upload` | reads the body, drops it, answers `ok` |
//! | `/sleep10` | blocks its thread for 10 ms, as a database driver would |
//!
//! The file is made at the start and has no name, so that no run
//! leaves it behind; `--set file=PATH` takes another one.
//!
//! ```sh
//! cargo build --release -p bench
//! gateway-server target/release/libbench.so:app
//! ```
//!
//! ```text
//! $ curl http://127.0.0.1:8000/json
//! {"message":"Hello, World!"}
//! ```

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway_spec::prelude::*;
use serde::Serialize;

/// The length of `/bytes64k` and `/file64k`.
const SIZE: usize = 64 * 1024;

const TEXT: &[Header<'_>] = &[Header::from_static("Content-Type", "text/plain")];
const JSON: &[Header<'_>] = &[Header::from_static("Content-Type", "application/json")];
const BYTES: &[Header<'_>] = &[Header::from_static("Content-Type", "application/octet-stream")];

struct Bench {
    bytes: Vec<u8>,
    path: PathBuf,
    /// For `/cached64k`; and it keeps a file without a name alive.
    file: File,
    length: u64,
}

impl Bench {
    fn create(config: &Config<'_>) -> Result<Self> {
        config.only(&["file"])?;
        let bytes: Vec<u8> = (0..SIZE).map(|at| b'a' + (at % 26) as u8).collect();
        if let Some(path) = config.get("file") {
            let path = PathBuf::from(path);
            let file = open(&path)?;
            let length = file.metadata()?.len();
            return Ok(Self { bytes, path, file, length });
        }
        let mut file = tempfile::tempfile()?;
        file.write_all(&bytes)?;
        // Opening this gives a file of its own each time, not a copy of the
        // descriptor; that is what a server of static files does per request.
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        Ok(Self { bytes, path, file, length: SIZE as u64 })
    }
}

impl App for Bench {
    fn call<'r>(&'r self, mut environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        // No Content-Length anywhere: the server knows the length of each of
        // these bodies and says it.
        let (headers, body) = match environ.path_info() {
            b"/plaintext" => (TEXT, Body::from("Hello, World!")),
            b"/json" => (JSON, json()?),
            b"/bytes64k" => (BYTES, Body::borrowed(&self.bytes)),
            b"/file64k" => (BYTES, Body::file(open(&self.path)?)?),
            b"/cached64k" => (BYTES, Body::borrowed_file(&self.file, 0, self.length)),
            b"/echo" => (BYTES, echo(&mut environ)?),
            b"/upload" => (TEXT, upload(&mut environ)?),
            b"/sleep10" => (TEXT, sleep()),
            _ => return not_found(start_response),
        };
        start_response.start(Head::new(Status::OK, headers))?;
        Ok(body)
    }
}

fn json<'r>() -> Result<Body<'r>> {
    #[derive(Serialize)]
    struct Message {
        message: &'static str,
    }
    Ok(Body::from(serde_json::to_vec(&Message { message: "Hello, World!" }).map_err(Error::app)?))
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| Error::app(format!("{}: {error}", path.display())))
}

fn echo<'r>(environ: &mut Environ<'_>) -> Result<Body<'r>> {
    let mut body = Vec::new();
    environ.input().read_to_end(&mut body)?;
    Ok(Body::from(body))
}

fn upload<'r>(environ: &mut Environ<'_>) -> Result<Body<'r>> {
    std::io::copy(&mut environ.input(), &mut std::io::sink())?;
    Ok(Body::from("ok"))
}

/// Not `environ.sleep`: this is the app that blocks and does not tell.
fn sleep<'r>() -> Body<'r> {
    std::thread::sleep(Duration::from_millis(10));
    Body::from("slept")
}

fn not_found<'r>(start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::NOT_FOUND, TEXT))?;
    Ok(Body::from("not found\n"))
}

gateway_spec::export! {
    /// What servers are measured with: /plaintext, /json, /bytes64k and others.
    app => Bench::create
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use gateway_spec::testing::TestClient;

    fn client(pairs: &[(&str, &str)]) -> TestClient<Bench> {
        TestClient::new(Bench::create(&Config::from_pairs(pairs.iter().copied())).expect("bench is created"))
    }

    fn check(path: &str, content_type: &str, body: &[u8]) {
        let client = client(&[]);
        // Twice, because of the file: a position that moves would show.
        for _ in 0..2 {
            let response = client.get(path).send();
            assert_eq!(response.header("content-type"), Some(content_type), "{path}");
            assert_eq!(response.length, Some(body.len() as u64), "{path}");
            assert!(response.body == body, "{path} answers {} bytes", response.body.len());
        }
    }

    #[test]
    fn answers_what_the_table_says() {
        let bytes: Vec<u8> = (b'a'..=b'z').cycle().take(65_536).collect();
        check("/plaintext", "text/plain", b"Hello, World!");
        check("/json", "application/json", br#"{"message":"Hello, World!"}"#);
        check("/bytes64k", "application/octet-stream", &bytes);
        check("/file64k", "application/octet-stream", &bytes);
        check("/cached64k", "application/octet-stream", &bytes);
    }

    #[test]
    fn takes_bodies() {
        let client = client(&[]);
        assert_eq!(client.post("/echo").body("hello").send().text(), "hello");
        assert_eq!(client.post("/upload").body(vec![0; 100_000]).arriving(1000, 0).send().text(), "ok");
        assert!(client.post("/upload").body("cut").truncated().try_send().is_err());
    }

    #[test]
    fn blocks() {
        let started = Instant::now();
        client(&[]).get("/sleep10").send();
        assert!(started.elapsed() >= Duration::from_millis(10));
    }

    #[test]
    fn knows_no_other_path() {
        assert_eq!(client(&[]).get("/").send().status, Status::NOT_FOUND);
    }

    #[test]
    fn takes_a_file_by_its_path() -> Result<()> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(b"short")?;
        let path = file.path().to_str().expect("a path in UTF-8");
        assert_eq!(client(&[("file", path)]).get("/file64k").send().text(), "short");
        Ok(())
    }

    #[test]
    fn says_which_file_is_missing() {
        let error = Bench::create(&Config::from_pairs([("file", "/nonexistent")])).err().expect("refused");
        assert!(error.to_string().starts_with("/nonexistent: "), "{error}");
    }
}
