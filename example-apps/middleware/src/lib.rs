//! Middleware: an app around an app. This one gives each request an id, which
//! the app inside finds in the environ and the client in a header, and says how
//! long the app took: to the client until the head, to the log until the end.
//!
//! ```sh
//! cargo build -p middleware
//! gateway-server target/debug/libmiddleware.so:app
//! ```
//!
//! ```text
//! $ curl -i http://127.0.0.1:8000/
//! HTTP/1.1 200 OK
//! Content-Type: text/plain
//! X-Request-Id: 4711-1
//! Server-Timing: app;dur=0.012
//! ...
//!
//! This is request 4711-1.
//! ```

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use gateway_spec::prelude::*;

/// Where the app inside finds the id. Names of one's own have a dot, which no
/// CGI variable has.
const REQUEST_ID: &str = "timed.request_id";

/// Numbers and times the requests of the app inside.
struct Timed<A> {
    inner: A,
    requests: AtomicU64,
}

impl<A: App> Timed<A> {
    fn new(inner: A) -> Self {
        Self { inner, requests: AtomicU64::new(0) }
    }

    fn next_id(&self) -> String {
        // Several processes may serve the same app, each with its own count.
        format!("{}-{}", process::id(), self.requests.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl<A: App> App for Timed<A> {
    fn call<'r>(&'r self, mut environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        let started = Instant::now();
        let errors = environ.errors();
        let id = self.next_id();
        environ.insert(REQUEST_ID, id.as_str());

        let mut timed = |head: Head<'_>| {
            let duration = format!("app;dur={:.3}", started.elapsed().as_secs_f64() * 1e3);
            let mut headers = head.headers.to_vec();
            headers.push(Header::new("X-Request-Id", &id));
            headers.push(Header::new("Server-Timing", &duration));
            // `..head` keeps the reason and the error of a replacing call.
            start_response.start(Head { headers: &headers, ..head })
        };
        let body = self.inner.call(environ, &mut timed)?;
        Ok(body.on_close(move || errors.info(format_args!("{id}: closed after {:?}", started.elapsed()))))
    }

    // What wraps an app passes on what the app wants to know and to have.
    fn shutdown(&self) {
        self.inner.shutdown();
    }

    fn flags(&self) -> gateway_spec::AppFlags {
        self.inner.flags()
    }
}

fn inner<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let id = environ.get_str(REQUEST_ID)?.unwrap_or_default().into_owned();
    start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
    Ok(Body::from(format!("This is request {id}.\n")))
}

// `use<>` says that the app borrows nothing from the configuration.
fn create(config: &Config<'_>) -> Result<impl App + use<>> {
    config.only(&[])?;
    Ok(Timed::new(app_fn(inner)))
}

gateway_spec::export! {
    /// An app inside middleware that numbers and times its requests.
    app => create
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_spec::Level;
    use gateway_spec::testing::TestClient;

    #[test]
    fn app_and_client_see_the_same_id() {
        let client = TestClient::new(Timed::new(app_fn(inner)));
        let response = client.get("/").send();
        let id = response.header("x-request-id").expect("the middleware adds it");
        assert_eq!(response.text(), format!("This is request {id}.\n"));
        assert_ne!(client.get("/").send().header("x-request-id"), Some(id));
    }

    #[test]
    fn keeps_the_headers_of_the_app_and_adds_the_time() {
        let response = TestClient::new(Timed::new(app_fn(inner))).get("/").send();
        assert_eq!(response.header("content-type"), Some("text/plain"));
        let timing = response.header("server-timing").expect("the middleware adds it");
        let duration = timing.strip_prefix("app;dur=").and_then(|text| text.parse::<f64>().ok());
        assert!(duration.is_some_and(|duration| duration >= 0.0), "{timing}");
    }

    #[test]
    fn logs_when_the_body_is_closed() {
        let response = TestClient::new(Timed::new(app_fn(inner))).get("/").send();
        let id = response.header("x-request-id").expect("the middleware adds it");
        let [line] = &response.log[..] else { panic!("one line: {:?}", response.log) };
        assert_eq!(line.level, Level::Info);
        assert!(line.message.starts_with(&format!("{id}: closed after ")), "{}", line.message);
    }

    #[test]
    fn lets_a_replacing_head_through() {
        let app = app_fn(|_, start_response| {
            start_response.start(Head::new(Status::OK, &[]))?;
            let error = Error::app("too late for 200");
            start_response.start(Head::new(Status::SERVICE_UNAVAILABLE, &[]).replacing(&error))?;
            Ok(Body::empty())
        });
        let response = TestClient::new(Timed::new(app)).get("/").send();
        assert_eq!(response.status, Status::SERVICE_UNAVAILABLE);
    }
}
