//! What went wrong last: as text, and without the queries of requests.

use gateway_tests::client::Client;
use serde_json::Value;

use super::Told;

#[test]
fn the_last_errors_are_told_without_queries() {
    let told = Told::start("faulty:app", "2", &[]);
    for _ in 0..20 {
        let mut client = Client::new(told.server.connect());
        client
            .send(b"GET /error_before_start?password=secret HTTP/1.1\r\nHost: a\r\nCookie: a=biscuit\r\n\r\n")
            .unwrap();
        client.response("GET").unwrap();
    }
    let is_full = |stats: &Value| stats["errors"].as_array().is_some_and(|all| all.len() == 16);
    let stats = told.wait("sixteen errors", is_full);
    let text = stats.to_string();
    assert!(!text.contains("secret") && !text.contains("biscuit"), "{text}");
    for error in stats["errors"].as_array().unwrap() {
        assert!(error["text"].as_str().unwrap().contains("GET /error_before_start"), "{error}");
        assert!(told.workers().contains(&error["process"].as_u64().unwrap()), "{error}");
    }
    told.server.stop();
}
