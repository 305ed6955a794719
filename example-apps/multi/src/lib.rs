//! Several apps in one module. None is named `app`, so the server has to be
//! told which, and lists the names when it is not:
//!
//! ```sh
//! cargo build -p multi
//! gateway-server target/debug/libmulti.so:goodbye
//! ```
//!
//! ```text
//! $ curl http://127.0.0.1:8000/
//! Goodbye!
//! ```
//!
//! A module with one app only, or with one named `app`, needs no name:
//! `gateway-server target/debug/libhello.so` will do.

use gateway_spec::prelude::*;

const TEXT: &[Header<'_>] = &[Header::from_static("Content-Type", "text/plain")];

fn hello<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(Body::from("Hello!\n"))
}

fn goodbye<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(Body::from("Goodbye!\n"))
}

fn count<'r>(mut environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let bytes = std::io::copy(&mut environ.input(), &mut std::io::sink())?;
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(Body::from(format!("{bytes} bytes\n")))
}

// The doc comments are what `gateway-server --list` shows.
gateway_spec::export! {
    /// Says hello.
    hello => hello,
    /// Says goodbye.
    goodbye => goodbye,
    /// Counts the bytes of an upload. The flag asks the server to call the app
    /// while they still arrive, instead of collecting them first.
    count [STREAMS_INPUT] => count,
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_spec::testing::TestClient;

    #[test]
    fn each_app_answers_for_itself() {
        assert_eq!(TestClient::new(app_fn(hello)).get("/").send().text(), "Hello!\n");
        assert_eq!(TestClient::new(app_fn(goodbye)).get("/").send().text(), "Goodbye!\n");
    }

    #[test]
    fn count_reads_to_the_end_with_and_without_a_length() {
        let client = TestClient::new(app_fn(count));
        assert_eq!(client.post("/").body("12345").send().text(), "5 bytes\n");
        assert_eq!(client.post("/").chunked("1234567").arriving(2, 1).send().text(), "7 bytes\n");
    }

    #[test]
    fn count_fails_on_an_upload_that_was_cut_short() {
        let client = TestClient::new(app_fn(count));
        assert!(client.post("/").body("12345").truncated().try_send().is_err());
    }
}
