//! From `path:app` to a file that exists.

use std::path::{Path, PathBuf};

use super::error::LoadError;
use super::target::Target;

/// Where a bare name is looked for, below the current folder: where cargo puts
/// a module, so that `gateway-server libhello.so` works in a project's folder.
const PLACES: [&str; 3] = ["", "target/release", "target/debug"];

/// The file of a target, and the app's name.
pub(super) fn find(target: &Target, base: Option<&Path>) -> Result<(PathBuf, Option<String>), LoadError> {
    let base = base.unwrap_or(Path::new(""));
    if let Some(path) = places(target.text(), base).into_iter().find(|path| path.is_file()) {
        return Ok((path, None));
    }
    let (name, app) = target.split();
    let looked = places(name, base);
    if let Some(path) = looked.iter().find(|path| path.is_file()) {
        return Ok((path.clone(), app.map(str::to_owned)));
    }
    for path in looked.iter().filter(|_| !name.is_empty()) {
        match path.metadata() {
            Ok(data) if data.is_dir() => return Err(LoadError::Folder { path: path.clone() }),
            Ok(_) => return Err(LoadError::NotALibrary { path: path.clone(), what: "not a regular file".into() }),
            Err(reason) if absent(&reason) => {}
            Err(reason) => return Err(LoadError::Unreadable { path: path.clone(), reason }),
        }
    }
    Err(LoadError::NoSuchFile { target: target.clone(), hint: hint(target.text(), name, app, base), looked })
}

fn absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

fn places(name: &str, base: &Path) -> Vec<PathBuf> {
    let places = if name.contains('/') { &PLACES[..1] } else { &PLACES };
    places.iter().map(|place| base.join(place).join(name)).collect()
}

/// What the user may have meant.
fn hint(text: &str, name: &str, app: Option<&str>, base: &Path) -> Option<String> {
    let colon = |app: Option<&str>| app.map(|app| format!(":{app}")).unwrap_or_default();
    for path in places(name, base) {
        let stem = path.file_name().and_then(|stem| stem.to_str()).unwrap_or_default().replace('-', "_");
        let stem = stem.strip_suffix(".so").unwrap_or(&stem);
        for guess in [format!("lib{stem}.so"), format!("{stem}.so")] {
            let guess = path.with_file_name(guess);
            if !stem.is_empty() && guess.is_file() {
                return Some(format!("did you mean {}{}?", guess.display(), colon(app)));
            }
        }
    }
    // `libhello.so/app`, `libhello.so.app`, `libhello.so::app`.
    let (path, rest) = text.split_at(text.find(".so")? + 3);
    let rest = rest.trim_start_matches(['/', '.', ':', '#', ' ']);
    let found = !rest.is_empty() && places(path, base).iter().any(|path| path.is_file());
    found.then(|| format!("a colon stands before the app's name: did you mean {path}:{rest}?"))
}
