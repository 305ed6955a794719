//! Each promise of `docs/static-files.md`, through the client that lints.

mod answers;
mod codings;
mod conditions;
mod escapes;
mod listing;
mod ranges;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use gateway_spec::testing::{Request, Response, TestClient};
use tempfile::TempDir;

use super::{Files, Settings};

/// What stands outside of the folder, and must never come back.
const SECRET: &str = "the secret outside";

/// Sun, 06 Nov 1994 08:49:37 GMT
const THEN: u64 = 784_111_777;
const THEN_TEXT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// A folder `site`, with a secret beside it.
struct Site {
    root: TempDir,
}

impl Site {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("site")).unwrap();
        fs::write(root.path().join("secret.txt"), SECRET).unwrap();
        Self { root }
    }

    /// With these files.
    fn of(files: &[(&str, &str)]) -> Self {
        let site = Self::new();
        files.iter().for_each(|(name, text)| site.write(name, text));
        site
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("site")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.touch(name, THEN);
    }

    /// Says when a file changed, in seconds.
    fn touch(&self, name: &str, seconds: u64) {
        touch(&self.path(name), Duration::from_secs(seconds));
    }

    fn client(&self) -> TestClient<Files> {
        self.client_with(|_| {})
    }

    fn client_with(&self, change: impl FnOnce(&mut Settings)) -> TestClient<Files> {
        let mut settings = Settings::default();
        change(&mut settings);
        TestClient::new(Files::new(&self.folder(), &settings).unwrap())
    }
}

fn touch(path: &Path, time: Duration) {
    File::options().read(true).open(path).unwrap().set_modified(UNIX_EPOCH + time).unwrap();
}

/// Sends a request and holds what each answer owes: no rule broken, no advice
/// passed over, nothing from outside.
fn send(request: Request<'_, Files>) -> Response {
    let response = request.send();
    assert_eq!(response.warnings, Vec::<String>::new());
    assert!(!String::from_utf8_lossy(&response.body).contains(SECRET), "the secret came back");
    response
}

fn get(client: &TestClient<Files>, target: &str) -> Response {
    send(client.get(target))
}

/// The status and the body.
fn outcome(response: &Response) -> (u16, &str) {
    (response.status.code(), response.text())
}
