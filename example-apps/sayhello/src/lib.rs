//! A greeting, as a module to drop in: in a folder that a server serves with
//! `--app-dir /apps=FOLDER` it answers at `/apps/sayhello`, alone at `/`.
//!
//! ```sh
//! cargo build -p sayhello
//! gateway-server target/debug/libsayhello.so:app
//! ```
//!
//! ```text
//! $ curl 'http://127.0.0.1:8000/?name=Ada'
//! Hello, Ada!
//! ```

use gateway_spec::prelude::*;
use mini_framework::{Application, Outcome, Request, Response};

fn say_hello(request: &mut Request<'_>) -> Outcome {
    let query = request.query()?;
    let name = query.get("name").filter(|name| !name.trim().is_empty()).unwrap_or("World");
    Ok(Response::text(format!("Hello, {}!\n", name.trim())))
}

fn create(config: &Config<'_>) -> Result<Application> {
    config.only(&[])?;
    Ok(Application::new().get("/", say_hello))
}

gateway_spec::export! {
    /// A greeting: ?name=Ada
    app => create
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_spec::testing::TestClient;

    #[test]
    fn greets_wherever_it_is_mounted() -> Result<()> {
        let client = TestClient::new(create(&Config::from_pairs([("", ""); 0]))?);
        let mounted = client.get("/apps/sayhello/?name=+Ada+L.").script_name("/apps/sayhello").send();
        assert_eq!(mounted.text(), "Hello, Ada L.!\n");
        assert_eq!(client.get("/?name=+").send().text(), "Hello, World!\n");
        Ok(())
    }
}
