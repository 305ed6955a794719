//! Counts the bodies of this module, so that a test can tell whether each was
//! closed, and once.

use std::sync::atomic::{AtomicUsize, Ordering};

use gateway_spec::prelude::*;

use crate::TEXT;

static OPENED: AtomicUsize = AtomicUsize::new(0);
static CLOSED: AtomicUsize = AtomicUsize::new(0);

/// Counts a body, now and when it is closed.
pub(crate) fn counted(body: Body<'_>) -> Body<'_> {
    OPENED.fetch_add(1, Ordering::SeqCst);
    body.on_close(|| {
        CLOSED.fetch_add(1, Ordering::SeqCst);
    })
}

pub(crate) fn good<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(counted(Body::from("good\n")))
}

pub(crate) fn opened<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(Body::from(format!("{}\n", OPENED.load(Ordering::SeqCst))))
}

pub(crate) fn closed<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(Body::from(format!("{}\n", CLOSED.load(Ordering::SeqCst))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_spec::testing::TestClient;

    #[test]
    fn counts_what_is_opened_and_what_is_closed() {
        // Other tests of this process count too, so only the least is known.
        let number = |app: crate::Function| -> usize {
            let response = TestClient::new(app).get("/").send();
            response.text().trim_end().parse().expect("a number")
        };
        let before = (number(opened), number(closed));
        TestClient::new(app_fn(good)).get("/").send();
        assert!(number(opened) > before.0);
        assert!(number(closed) > before.1);
    }
}
