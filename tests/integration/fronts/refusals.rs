//! Who is not let in, and what is told to whom.

use gateway_tests::server::Server;

#[test]
fn front_02_what_nginx_is_told_that_speaks_uwsgi_to_http() {
    if !gateway_tests::skip::has("front_02", "nginx") || !gateway_tests::skip::has("front_02", "curl") {
        return;
    }
    let server = Server::start("hello:app", &[]);
    let nginx = super::front("uwsgi", &server.places()[0]);
    let page = super::curl(&[&format!("http://{}/", nginx.address)]);
    assert!(String::from_utf8_lossy(&page).contains("this port speaks HTTP, and not uwsgi"), "{page:?}");
    assert!(server.stop().contains("this port speaks HTTP, and not uwsgi"));
}
