//! A folder as a page: what it has that may be asked for.

use std::fmt::Write as _;
use std::os::fd::OwnedFd;

use bytesize::ByteSize;
use gateway_spec::{Error, Result};
use rustix::fs::{AtFlags, Dir, FileType, Stat, statat};

use super::encode;
use super::folder::Folder;
use super::path::Wanted;
use super::stamp::Stamp;

/// The most names on a page; who has more wants an index of another kind.
const MOST: usize = 10_000;

const STYLE: &str = ":root{color-scheme:light dark}body{font-family:sans-serif;margin:2em auto;max-width:60em;padding:0 1em}\
table{border-collapse:collapse;width:100%}td,th{padding:.2em .6em;text-align:left}\
td+td,th+th{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}";

/// One line.
#[derive(Debug)]
struct Entry {
    name: Vec<u8>,
    is_folder: bool,
    stamp: Stamp,
}

/// The page of an open folder, which the client knows as `shown`.
pub(super) fn page(folder: &Folder, open: OwnedFd, wanted: &Wanted<'_>, shown: &[u8]) -> Result<String> {
    let (mut entries, is_whole) = entries(folder, open, wanted)?;
    entries.sort_by(|one, other| (!one.is_folder, &one.name).cmp(&(!other.is_folder, &other.name)));
    let mut title = String::new();
    encode::html(&mut title, &String::from_utf8_lossy(shown));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<h1>{title}</h1>\n<table>\n<tr><th>Name<th>Size<th>Changed (UTC)\n"
    );
    if !wanted.path.is_empty() {
        out.push_str("<tr><td><a href=\"../\">../</a><td><td>\n");
    }
    entries.iter().for_each(|entry| entry.write(&mut out));
    out.push_str("</table>\n");
    if !is_whole {
        let _ = writeln!(out, "<p>Only {MOST} names are shown.</p>");
    }
    out.push_str("</html>\n");
    Ok(out)
}

/// What the folder has, and whether that is all.
fn entries(folder: &Folder, open: OwnedFd, wanted: &Wanted<'_>) -> Result<(Vec<Entry>, bool)> {
    let mut dir = Dir::new(open).map_err(failed)?;
    let mut entries = Vec::new();
    while let Some(found) = dir.read() {
        let found = found.map_err(failed)?;
        let name = found.file_name();
        if name.to_bytes().starts_with(b".") {
            continue;
        }
        if entries.len() == MOST {
            return Ok((entries, false));
        }
        // Gone meanwhile: it was never there.
        let own = dir.fd().and_then(|fd| statat(fd, name, AtFlags::SYMLINK_NOFOLLOW)).ok();
        if let Some(stat) = own.and_then(|stat| seen(folder, wanted, name.to_bytes(), stat)) {
            let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            entries.push(Entry { name: name.to_bytes().to_owned(), is_folder, stamp: Stamp::of(&stat) });
        }
    }
    Ok((entries, true))
}

/// What a request for a name would come to, if it came to something.
fn seen(folder: &Folder, wanted: &Wanted<'_>, name: &[u8], own: Stat) -> Option<Stat> {
    let stat = match FileType::from_raw_mode(own.st_mode) {
        // From the root: a link that stays inside may yet leave this folder.
        FileType::Symlink => folder.look(&wanted.with("/", name))?,
        _ => own,
    };
    let kind = FileType::from_raw_mode(stat.st_mode);
    matches!(kind, FileType::RegularFile | FileType::Directory).then_some(stat)
}

fn failed(error: rustix::io::Errno) -> Error {
    Error::app(std::io::Error::from(error))
}

impl Entry {
    fn write(&self, out: &mut String) {
        let slash = if self.is_folder { "/" } else { "" };
        out.push_str("<tr><td><a href=\"");
        encode::path(out, &self.name);
        let _ = write!(out, "{slash}\">");
        encode::html(out, &String::from_utf8_lossy(&self.name));
        let _ = write!(out, "{slash}</a><td>");
        if !self.is_folder {
            let _ = write!(out, "{}", ByteSize(self.stamp.size));
        }
        out.push_str("<td>");
        if let Some(time) = self.stamp.time() {
            // 2026-01-31T08:30:00Z, of which the seconds are nobody's concern.
            let text = humantime::format_rfc3339_seconds(time).to_string();
            let _ = write!(out, "{} {}", &text[..10], &text[11..16]);
        }
        out.push('\n');
    }
}
