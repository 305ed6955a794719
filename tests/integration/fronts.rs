//! Behind nginx, by each protocol that it passes requests on by, with the files of
//! parameters that it comes with: all answers are those of plain HTTP.

mod fixtures;
mod kept;
mod refusals;
mod trouble;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use gateway_tests::skip;

use crate::engines::{Engine, on_every_engine};
use crate::peers::curl::curl;
use crate::proxies::peers::{Running, nginx};

on_every_engine! {
    front_10_nginx_by_uwsgi_and_tcp => |engine| behind_nginx(engine, "uwsgi", false),
    front_10_nginx_by_uwsgi_and_a_unix_socket => |engine| behind_nginx(engine, "uwsgi", true),
    front_10_nginx_by_scgi_and_tcp => |engine| behind_nginx(engine, "scgi", false),
    front_10_nginx_by_scgi_and_a_unix_socket => |engine| behind_nginx(engine, "scgi", true),
    front_10_nginx_by_fastcgi_and_tcp => |engine| behind_nginx(engine, "fastcgi", false),
    front_10_nginx_by_fastcgi_and_a_unix_socket => |engine| behind_nginx(engine, "fastcgi", true),
    front_10_nginx_by_http_and_tcp => |engine| behind_nginx(engine, "proxy", false),
    front_10_nginx_by_http_and_a_unix_socket => |engine| behind_nginx(engine, "proxy", true),
}

/// What nginx is told, and what the server.
fn passed(protocol: &str, place: &str) -> String {
    let place = place.split_once("://").map_or(place, |(_, place)| place);
    match protocol {
        "proxy" if place.starts_with("unix:") => {
            format!("proxy_pass http://{place}:;\nproxy_http_version 1.1;\nproxy_set_header Host $host;\n")
        }
        "proxy" => format!("proxy_pass http://{place};\nproxy_http_version 1.1;\nproxy_set_header Host $host;\n"),
        "fastcgi" => format!("fastcgi_pass {place};\nfastcgi_keep_conn on;\ninclude /etc/nginx/fastcgi_params;\n"),
        _ => format!("{protocol}_pass {place};\ninclude /etc/nginx/{protocol}_params;\n"),
    }
}

/// nginx, which passes everything but `/static/` on.
pub(super) fn front(protocol: &str, place: &str) -> Running {
    front_with(protocol, place, "")
}

/// The same, with these lines about what it passes on.
pub(super) fn front_with(protocol: &str, place: &str, lines: &str) -> Running {
    let passed = passed(protocol, place) + lines;
    nginx(|address| {
        format!(
            "events {{}}\nhttp {{\naccess_log off;\n@PATHS@client_max_body_size 100m;\n\
             server {{\nlisten {address};\nlocation / {{\n{passed}}}\n\
             location /static/ {{\nalias /etc/nginx/;\n}}\n}}\n}}\n"
        )
    })
}

/// What is asked of both. The first word is the path.
const ASKED: &[&[&str]] = &[
    &["/"],
    &["/inspect?a=%20&b", "--header", "X-One: 1", "--header", "X-Two: a b"],
    &["/inspect", "--data", "some=body"],
    &["/inspect", "--data", "x", "--header", "Content-Type: text/x", "--header", "Transfer-Encoding: chunked"],
    &["/inspect", "--request", "PROPFIND"],
    &["/nowhere/caf%C3%A9%20au%2520lait?x=%2F"],
    &["/", "--head"],
    &["/stream?n=3&size=2"],
    &["/stream?n=300&size=1000"],
    &["/status/204"],
    &["/status/304"],
    &["/status/404"],
    &["/status/418"],
    &["/status/500"],
    &["/image.png"],
    &["/echo", "--data", "echoed"],
];

/// Status, type and body.
fn answer(base: &str, asked: &[&str]) -> String {
    let url = format!("{base}{}", asked[0]);
    let shown =
        ["--write-out", "\n%{http_code} %{content_type}", "--header", "Host: example.org", "--header", "Accept:"];
    let head_only = asked.contains(&"--head");
    let arguments = [&shown[..], &asked[1..], &["--user-agent", "test", &url]].concat();
    let text = String::from_utf8_lossy(&curl(&arguments)).into_owned();
    match head_only {
        // Date, Server, and what becomes of the connection are nginx's.
        true => {
            let kept = |line: &&str| ["HTTP/", "Content-", "200"].iter().any(|begin| line.starts_with(begin));
            text.lines().filter(kept).collect::<Vec<_>>().join("\n")
        }
        false => text,
    }
}

/// What `/inspect` says of headers, in an order of its own: nginx and curl add some.
fn sorted(answer: &str) -> String {
    let Some((json, rest)) = answer.split_once("\n\n").or_else(|| answer.split_once('\n')) else {
        return answer.to_owned();
    };
    let Ok(mut json) = serde_json::from_str::<serde_json::Value>(json) else { return answer.to_owned() };
    if let Some(headers) = json.get_mut("headers").and_then(|headers| headers.as_array_mut()) {
        let is_of_connection = |header: &serde_json::Value| {
            let name = header[0].as_str().unwrap_or_default();
            ["connection", "transfer-encoding", "content-length", "expect"].contains(&name)
        };
        headers.retain(|header| !is_of_connection(header));
        headers.sort_by_key(ToString::to_string);
    }
    format!("{json}\n{rest}")
}

fn behind_nginx(engine: Engine, protocol: &str, unix: bool) {
    if !skip::has("behind_nginx", "nginx") || !skip::has("behind_nginx", "curl") {
        return;
    }
    // nginx's workers are another user's.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let scheme = if protocol == "proxy" { String::new() } else { format!("{protocol}://") };
    let place = match unix {
        true => format!("{scheme}unix:{}", folder.path().join("socket").display()),
        false => format!("{scheme}127.0.0.1:0"),
    };
    let server = engine.serve("probe:app", &["--bind", "127.0.0.1:0", "--bind", &place, "--socket-mode", "666"]);
    let nginx = front(protocol, &server.places()[1]);
    let (plain, behind) = (server.url(""), format!("http://{}", nginx.address));
    for asked in ASKED {
        let (expected, got) = (answer(&plain, asked), answer(&behind, asked));
        assert_eq!(sorted(&got), sorted(&expected), "{protocol} {asked:?}\n{}", server.log());
    }
    uploads(&behind, &folder.path().join("upload"));
    let page = curl(&[&format!("{behind}/static/mime.types")]);
    assert!(String::from_utf8_lossy(&page).contains("text/html"), "nginx serves its own files");
}

/// 20 MB, by their hash.
fn uploads(behind: &str, file: &std::path::Path) {
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|number| (number % 251) as u8).collect();
    std::fs::write(file, &bytes).unwrap();
    let hash = Command::new("sha256sum").arg(file).output().unwrap();
    let hash = String::from_utf8_lossy(&hash.stdout).split(' ').next().unwrap().to_owned();
    let url = format!("{behind}/inspect");
    let data = format!("@{}", file.display());
    let answer = curl(&["--data-binary", &data, &url]);
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((answer["body_len"].as_u64(), answer["body_sha256"].as_str()), (Some(20_000_000), Some(&*hash)));
}
