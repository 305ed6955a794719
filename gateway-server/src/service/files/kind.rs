//! What a file is, told from its name.

use std::borrow::Cow;

/// The media type for Content-Type. Text is taken for UTF-8, which nearly all is.
pub(super) fn content_type(name: &[u8]) -> Cow<'static, str> {
    let essence = essence(name);
    match essence {
        // Most requests are for one of these.
        "text/html" => "text/html; charset=utf-8".into(),
        "text/css" => "text/css; charset=utf-8".into(),
        // RFC 9239 has made the one of the other.
        "text/javascript" | "application/javascript" => "text/javascript; charset=utf-8".into(),
        "text/plain" => "text/plain; charset=utf-8".into(),
        "application/json" => "application/json; charset=utf-8".into(),
        _ if essence.starts_with("text/") || essence.ends_with("+json") => format!("{essence}; charset=utf-8").into(),
        _ => essence.into(),
    }
}

/// Whether a shorter form may lie beside a file of that type: not beside what is
/// compressed already.
pub(super) fn is_compressible(content_type: &str) -> bool {
    match content_type.split_once('/') {
        Some(("image", kind)) => matches!(kind, "svg+xml" | "bmp" | "x-icon" | "vnd.microsoft.icon"),
        Some(("audio" | "video", _)) => false,
        Some(("font", kind)) => !kind.starts_with("woff"),
        Some(("application", kind)) => !PACKED.contains(&kind),
        _ => true,
    }
}

const PACKED: [&str; 9] =
    ["font-woff", "gzip", "zip", "zstd", "x-bzip2", "x-xz", "x-7z-compressed", "vnd.rar", "java-archive"];

fn essence(name: &[u8]) -> &'static str {
    let extension = name.rsplit(|byte| matches!(byte, b'.' | b'/')).next().unwrap_or_default();
    let has_dot = name.len() > extension.len() && name[name.len() - extension.len() - 1] == b'.';
    let known = std::str::from_utf8(extension).ok().filter(|_| has_dot);
    known.and_then(|extension| mime_guess::from_ext(extension).first_raw()).unwrap_or("application/octet-stream")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_types() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("a/b/INDEX.HTM", "text/html; charset=utf-8"),
            ("style.css", "text/css; charset=utf-8"),
            ("app.js", "text/javascript; charset=utf-8"),
            ("app.mjs", "text/javascript; charset=utf-8"),
            ("data.json", "application/json; charset=utf-8"),
            ("readme.md", "text/markdown; charset=utf-8"),
            ("a.txt", "text/plain; charset=utf-8"),
            ("a.svg", "image/svg+xml"),
            ("a.png", "image/png"),
            ("a.wasm", "application/wasm"),
            ("a.woff2", "font/woff2"),
            ("a.tar.gz", "application/gzip"),
            ("a.pdf", "application/pdf"),
            ("Makefile", "application/octet-stream"),
            ("html", "application/octet-stream"),
            ("a.html/html", "application/octet-stream"),
            ("a.unheard-of", "application/octet-stream"),
            ("a.", "application/octet-stream"),
            ("", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name.as_bytes()), expected, "{name}");
        }
        assert_eq!(content_type(b"a.\xff"), "application/octet-stream");
    }

    #[test]
    fn what_is_compressed_has_no_shorter_form() {
        for name in ["a.html", "a.js", "a.json", "a.svg", "a.ico", "a.wasm", "a.bin", "a.ttf", "a.pdf"] {
            assert!(is_compressible(&content_type(name.as_bytes())), "{name}");
        }
        for name in ["a.png", "a.jpg", "a.webp", "a.mp4", "a.mp3", "a.gz", "a.zip", "a.woff", "a.woff2"] {
            assert!(!is_compressible(&content_type(name.as_bytes())), "{name}");
        }
    }
}
