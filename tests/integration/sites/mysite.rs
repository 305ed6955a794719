//! The small site: each address that its text names, served alone and behind nginx.

use std::fs::{self, Permissions};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use gateway_tests::client::Client;
use gateway_tests::server::{Server, command};
use gateway_tests::{artifacts, skip};

use super::{Asked, answers};
use crate::proxies::peers::nginx;

const ASKED: &[Asked] = &[
    ("GET /", 200, "<img src=\"/gate.svg\""),
    ("GET /ctime", 200, " UTC+00:00\n"),
    ("GET /ctime?timezone=e8", 200, " UTC+08:00\n"),
    ("GET /ctime?timezone=8", 400, "as in e8, w5 or e5:30."),
    ("GET /sayhello", 200, "<form method=\"post\" action=\"/sayhello\""),
    ("POST /sayhello name=Ada", 200, "Hello, Ada!"),
    ("POST /sayhello name=+", 400, "Nobody is called that."),
    ("GET /sayhaha", 200, "Haha!\n"),
    ("GET /nowhere", 404, "404"),
];

#[test]
fn mysite_gives_a_page_and_its_picture_over_one_connection() {
    let server = Server::start("mysite:app", &["--lint"]);
    let mut client = Client::new(server.connect());
    answers(&mut client, ASKED);
    client.send(b"GET /gate.svg HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let picture = client.response("GET").unwrap();
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/svg+xml")));
    assert!(picture.text().starts_with("<svg"), "{}", picture.text());
}

/// With nothing but its name, as its text says: under a master, then.
#[test]
fn mysite_is_served_by_its_name_alone() {
    let mut command = command(&[&format!("{}:app", artifacts::module("mysite").display())]);
    command.env("GATEWAY_BIND", "127.0.0.1:0");
    let server = Server::spawn(command, 1);
    answers(&mut Client::new(server.connect()), ASKED);
    server.stop();
}

/// What lies in nginx's folder is nginx's, the picture of the page too.
#[test]
fn mysite_behind_nginx_has_its_files_from_there() {
    if !skip::has("mysite_behind_nginx_has_its_files_from_there", "nginx") {
        return;
    }
    // nginx's workers are another user's.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("gate.svg"), "<svg>of nginx</svg>").unwrap();
    fs::create_dir(folder.path().join("static")).unwrap();
    fs::write(folder.path().join("static/style.css"), "p {}").unwrap();
    let place = format!("unix:{}", folder.path().join("socket").display());
    let server = Server::start("mysite:app", &["--bind", &format!("uwsgi://{place}"), "--socket-mode", "666"]);
    let root = folder.path().display();
    let nginx = nginx(|address| {
        format!(
            "events {{}}\nhttp {{\naccess_log off;\ninclude /etc/nginx/mime.types;\n@PATHS@\
             server {{\nlisten {address};\nroot {root};\nlocation = /gate.svg {{ }}\nlocation /static/ {{ }}\n\
             location / {{\ninclude /etc/nginx/uwsgi_params;\nuwsgi_pass {place};\n}}\n}}\n}}\n"
        )
    });
    let mut client = Client::new(TcpStream::connect(nginx.address).unwrap());
    answers(&mut client, ASKED);
    let of_nginx: &[Asked] = &[
        ("GET /gate.svg", 200, "<svg>of nginx</svg>"),
        ("GET /static/style.css", 200, "p {}"),
        ("GET /static/nowhere.css", 404, "nginx"),
    ];
    answers(&mut client, of_nginx);
    server.stop();
}
