//! URL reconstruction (PEP 3333, "URL Reconstruction").

use super::Environ;

pub(super) fn reconstruct(environ: &Environ<'_>) -> String {
    let scheme = environ.url_scheme();
    let mut url = format!("{scheme}://");
    match environ.get("HTTP_HOST") {
        Some(host) if !host.is_empty() => url.push_str(&String::from_utf8_lossy(&host)),
        _ => push_server(&mut url, environ, scheme),
    }
    push_path(&mut url, environ.script_name());
    push_path(&mut url, environ.path_info());
    if !environ.query_string().is_empty() {
        url.push('?');
        url.push_str(&String::from_utf8_lossy(environ.query_string()));
    }
    url
}

fn push_server(url: &mut String, environ: &Environ<'_>, scheme: &str) {
    let name = environ.server_name();
    // An IPv6 address stands in brackets in a URL (RFC 3986, section 3.2.2).
    if name.contains(':') && !name.starts_with('[') {
        url.push('[');
        url.push_str(name);
        url.push(']');
    } else {
        url.push_str(name);
    }
    let standard = if scheme == "https" { 443 } else { 80 };
    if let Some(port) = environ.server_port().filter(|port| *port != standard) {
        url.push_str(&format!(":{port}"));
    }
}

/// Percent-encodes what may not stand in a path (RFC 3986, section 3.3).
fn push_path(url: &mut String, path: &[u8]) {
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
}
