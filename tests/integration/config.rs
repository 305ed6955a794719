//! Settings: flags, variables and a file; which wins, what is refused and how.

mod documents;
mod layers;
mod refusals;

use std::path::{Path, PathBuf};

use gateway_tests::server::command;
use tempfile::TempDir;

/// A folder with a configuration in it.
struct Case {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Case {
    fn new(file: impl AsRef<[u8]>) -> Self {
        let case = Self { folder: TempDir::new().unwrap(), variables: Vec::new() };
        std::fs::write(case.path(), file).unwrap();
        case
    }

    /// With a variable of the environment.
    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn path(&self) -> PathBuf {
        self.folder().join("gateway.toml")
    }

    /// Runs the program in the file's folder: its exit code, standard output and
    /// standard error.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = command(&["--config", "gateway.toml"]);
        command.args(arguments).current_dir(self.folder()).envs(self.variables.iter().cloned());
        let output = command.output().unwrap();
        let [out, log] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        (output.status.code(), out, log)
    }

    /// What `--print-config` says of a key: the value, and who says so.
    fn value(&self, key: &str, arguments: &[&str]) -> String {
        let (code, out, log) = self.run(&[&["--print-config"], arguments].concat());
        assert_eq!(code, Some(0), "{log}");
        let line = out.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.unwrap_or_else(|| panic!("no {key} in:\n{out}")).to_owned()
    }

    /// Holds that it is refused with these words and nothing else.
    fn refused(&self, arguments: &[&str], words: &str) {
        let (code, out, log) = self.run(arguments);
        assert_eq!((log.trim_end(), out.as_str(), code), (&*format!("gateway-server: {words}"), "", Some(2)));
    }
}
