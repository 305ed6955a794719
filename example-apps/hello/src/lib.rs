//! The shortest app: a function that says a head and returns a body.
//!
//! ```sh
//! cargo build -p hello
//! gateway-server target/debug/libhello.so:app
//! ```
//!
//! ```text
//! $ curl http://127.0.0.1:8000/
//! Hello, World!
//! ```

use gateway_spec::prelude::*;

fn hello<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
    Ok(Body::from("Hello, World!\n"))
}

gateway_spec::export! {
    /// Greets the world.
    app => hello
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_spec::testing::TestClient;

    #[test]
    fn greets() {
        let response = TestClient::new(app_fn(hello)).get("/").send();
        assert_eq!(response.status, Status::OK);
        assert_eq!(response.header("content-type"), Some("text/plain"));
        assert_eq!(response.text(), "Hello, World!\n");
        assert_eq!(response.warnings, [""; 0], "lint has nothing to say");
    }
}
