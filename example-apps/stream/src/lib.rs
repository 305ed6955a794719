//! A body that is not there yet: a clock that sends a line each second, until
//! the client leaves or `?n=` lines are sent.
//!
//! ```sh
//! cargo build -p stream
//! gateway-server target/debug/libstream.so:app
//! ```
//!
//! ```text
//! $ curl -N 'http://127.0.0.1:8000/?n=3'
//! 09:41:07
//! 09:41:08
//! 09:41:09
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway_spec::prelude::*;
use gateway_spec::{Chunk, Source};

/// The body owns the environ, so it can sleep through it: `environ.sleep` lets
/// the server serve others meanwhile where it can, `thread::sleep` never does.
struct Clock<'r> {
    environ: Environ<'r>,
    started: bool,
    left: u64,
    line: String,
}

impl Source for Clock<'_> {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        if self.left == 0 {
            return Ok(None);
        }
        if self.started {
            // Fails once the client has left; that ends the stream.
            self.environ.sleep(Duration::from_secs(1))?;
        }
        self.started = true;
        self.left -= 1;
        self.line = format!("{}\n", time_of_day(SystemTime::now()));
        // Without the flush the server may gather lines until a packet is full.
        Ok(Some(Chunk { bytes: self.line.as_bytes(), flush: true, last: self.left == 0 }))
    }
}

fn stream<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let Ok(left) = limit(&environ) else {
        start_response.start(Head::new(Status::BAD_REQUEST, &[Header::new("Content-Type", "text/plain")]))?;
        return Ok(Body::from("n is a number of lines\n"));
    };
    let headers = [Header::new("Content-Type", "text/plain"), Header::new("Cache-Control", "no-store")];
    start_response.start(Head::new(Status::OK, &headers))?;
    Ok(Body::source(Clock { environ, started: false, left, line: String::new() }))
}

/// `?n=3`; without it, as many lines as the client wants.
fn limit(environ: &Environ<'_>) -> Result<u64> {
    let query = std::str::from_utf8(environ.query_string())?;
    match query.split('&').find_map(|pair| pair.strip_prefix("n=")) {
        None => Ok(u64::MAX),
        Some(number) => number.parse().map_err(Error::app),
    }
}

/// Hours, minutes and seconds in UTC.
fn time_of_day(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

gateway_spec::export! {
    /// A clock: a line each second, ?n= of them.
    app => stream
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_spec::testing::TestClient;

    #[test]
    fn sends_as_many_lines_as_asked_for() {
        let response = TestClient::new(app_fn(stream)).get("/?n=3").send();
        assert_eq!(response.text().lines().count(), 3);
        assert!(response.text().lines().all(|line| line.len() == "09:41:07".len()));
        assert_eq!(response.length, None, "a stream has no length before its end");
    }

    #[test]
    fn is_closed_once_when_the_client_leaves() {
        let response = TestClient::new(app_fn(stream)).get("/").leave_after(2).send();
        assert_eq!(response.text().lines().count(), 2);
        assert_eq!(response.closed, 1);
    }

    #[test]
    fn stops_by_itself_when_the_client_has_left() {
        let outcome = TestClient::new(app_fn(stream)).get("/").gone().try_send();
        assert!(matches!(outcome, Err(Error::Gone)), "{outcome:?}");
    }

    #[test]
    fn refuses_a_limit_that_is_no_number() {
        let response = TestClient::new(app_fn(stream)).get("/?n=many").send();
        assert_eq!(response.status, Status::BAD_REQUEST);
    }

    #[test]
    fn reads_the_clock() {
        let time = UNIX_EPOCH + Duration::from_secs(86_400 + 9 * 3600 + 41 * 60 + 7);
        assert_eq!(time_of_day(time), "09:41:07");
    }
}
