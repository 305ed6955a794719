//! An app that logs by `tracing`: its events are lines of the server's log, each with the
//! id of the request that it is about.
//!
//! ```sh
//! cargo build -p traced
//! gateway-server --log-level debug target/debug/libtraced.so:app
//! ```
//!
//! ```text
//! $ curl http://127.0.0.1:8000/tea
//! Noted.
//! ```

use std::thread;
use std::time::Duration;

use gateway_spec::prelude::*;
use gateway_spec::{Level, bridge};

/// The constructor: a module has a `tracing` of its own, which is led to the server here.
fn create(config: &Config<'_>) -> Result<impl App + use<>> {
    config.only(&[])?;
    bridge::install(Level::Debug);
    tracing::info!("created");
    Ok(app_fn(traced))
}

fn traced<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let path = environ.path_str()?.to_owned();
    tracing::info!(path, length = path.len(), "asked");
    tracing::trace!("nobody sees this");
    match &*path {
        "/panic" => panic!("nothing is here"),
        // Others may be served meanwhile: lines are about this request still.
        "/nap" => environ.sleep(Duration::from_millis(20))?,
        // What it says is about no request.
        "/thread" => thread::scope(|scope| drop(scope.spawn(|| tracing::warn!("elsewhere")).join())),
        _ => {}
    }
    tracing::debug!("answers");
    start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
    Ok(Body::from("Noted.\n"))
}

gateway_spec::export! {
    /// Notes what it is asked for.
    app => create
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_spec::testing::TestClient;

    #[test]
    fn notes() {
        let app = create(&Config::from_pairs([("", ""); 0])).unwrap();
        assert_eq!(TestClient::new(app).get("/").send().text(), "Noted.\n");
    }
}
