//! State and configuration: an app made by a constructor, which counts its
//! visits.
//!
//! ```sh
//! cargo build -p counter
//! gateway-server target/debug/libcounter.so:app --set start=10 --set step=2
//! ```
//!
//! ```text
//! $ curl http://127.0.0.1:8000/
//! 10
//! $ curl http://127.0.0.1:8000/
//! 12
//! ```
//!
//! Each worker process makes an app of its own, so with `--workers 2` there
//! are two counts. What all processes shall see belongs into a file or a
//! database.

use std::sync::atomic::{AtomicU64, Ordering};

use gateway_spec::prelude::*;

struct Counter {
    next: AtomicU64,
    step: u64,
}

impl Counter {
    /// Runs once, before the first request; an error here keeps the server
    /// from starting.
    fn create(config: &Config<'_>) -> Result<Self> {
        // First, so that a misspelt `--set stpe=2` is an error and no silence.
        config.only(&["start", "step"])?;
        let start = config.parse("start")?.unwrap_or(0);
        let step = config.parse("step")?.unwrap_or(1);
        Ok(Self { next: AtomicU64::new(start), step })
    }
}

impl App for Counter {
    fn call<'r>(&'r self, _: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        // Calls come from several threads at once, so state that changes needs
        // an atomic or a lock; `&self` makes the compiler hold that.
        let count = self.next.fetch_add(self.step, Ordering::Relaxed);
        start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
        Ok(Body::from(format!("{count}\n")))
    }
}

gateway_spec::export! {
    /// Counts its visits: --set start=N, --set step=N.
    app => Counter::create
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_spec::testing::TestClient;

    fn create(pairs: &[(&str, &str)]) -> Result<Counter> {
        Counter::create(&Config::from_pairs(pairs.iter().copied()))
    }

    fn refusal(pairs: &[(&str, &str)]) -> String {
        create(pairs).err().expect("this configuration is refused").to_string()
    }

    #[test]
    fn counts_from_zero_by_one() -> Result<()> {
        let client = TestClient::new(create(&[])?);
        assert_eq!(client.get("/").send().text(), "0\n");
        assert_eq!(client.get("/").send().text(), "1\n");
        Ok(())
    }

    #[test]
    fn counts_as_configured() -> Result<()> {
        let client = TestClient::new(create(&[("start", "10"), ("step", "2")])?);
        assert_eq!(client.get("/").send().text(), "10\n");
        assert_eq!(client.get("/").send().text(), "12\n");
        Ok(())
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert!(refusal(&[("stpe", "2")]).contains("\"stpe\"; known: start, step"));
        assert!(refusal(&[("step", "two")]).starts_with("step = \"two\": "));
    }

    #[test]
    fn counts_every_visit_of_many_threads() -> Result<()> {
        let client = TestClient::new(create(&[])?);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..25).for_each(|_| drop(client.get("/").send())));
            }
        });
        assert_eq!(client.get("/").send().text(), "100\n");
        Ok(())
    }
}
