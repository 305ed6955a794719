//! The time, as a module to drop in: where a folder of modules is served, to copy this
//! file into it is all it takes. (Where a server runs already, it is renamed into place:
//! see `docs/several-apps.md`.) The app itself does not know where it is.
//!
//! ```sh
//! cargo build -p ctime
//! mkdir -p apps && cp target/debug/libctime.so apps/
//! gateway-server --app-dir /apps=apps
//! ```
//!
//! ```text
//! $ curl 'http://127.0.0.1:8000/apps/ctime?timezone=e8'
//! Sun Nov 22 02:12:25 2026 UTC+08:00
//! ```
//!
//! Alone, as `gateway-server target/debug/libctime.so:app`, it answers at `/`.

use gateway_spec::prelude::*;
use mini_framework::{Application, Outcome, Request, Response, Zone};

fn ctime(request: &mut Request<'_>) -> Outcome {
    Ok(Response::text(Zone::of(request)?.now() + "\n"))
}

fn create(config: &Config<'_>) -> Result<Application> {
    config.only(&[])?;
    Ok(Application::new().get("/", ctime))
}

gateway_spec::export! {
    /// The time: ?timezone=e8
    app => create
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_spec::testing::TestClient;

    #[test]
    fn tells_the_time_wherever_it_is_mounted() -> Result<()> {
        let client = TestClient::new(create(&Config::from_pairs([("", ""); 0]))?);
        let answer = client.get("/apps/ctime?timezone=w3:30").script_name("/apps/ctime").send();
        assert!(answer.text().ends_with(" UTC-03:30\n"), "{}", answer.text());
        assert!(client.get("/").send().text().ends_with(" UTC+00:00\n"));
        assert_eq!(client.get("/?timezone=mars").send().status, Status::BAD_REQUEST);
        assert_eq!(client.get("/other").send().status, Status::NOT_FOUND);
        Ok(())
    }
}
