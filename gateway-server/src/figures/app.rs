//! The app: who asks what, and what is answered.

use std::sync::{Arc, Mutex, PoisonError};

use gateway_spec::{App, Body, Environ, Error, Head, Header, Result, StartResponse, Status};

use super::gate::Gate;
use super::history::{History, KEPT};
use super::source::Source;
use super::{json, metrics};

/// See the module's text.
#[derive(Debug)]
pub struct Figures {
    source: Source,
    gate: Gate,
    history: Mutex<History>,
}

/// What is answered.
struct Answer {
    status: Status,
    kind: &'static str,
    text: String,
}

const TEXT: &str = "text/plain; charset=utf-8";

const PAGE: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// No other site may read, show or run any of it, and nobody keeps it.
const HEADERS: [(&str, &str); 7] = [
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
];

impl Figures {
    /// Tells what is read there to those whom the gate lets in.
    #[must_use]
    pub fn new(source: Source, gate: Gate) -> Arc<Self> {
        Arc::new(Self { source, gate, history: Mutex::default() })
    }

    /// Has a look, for the history: to be called each second.
    pub fn look(&self) {
        let reading = self.source.read();
        self.history.lock().unwrap_or_else(PoisonError::into_inner).note(&reading);
    }

    fn answer(&self, environ: &Environ<'_>) -> Result<Answer> {
        if !self.gate.knows_host(environ.get("HTTP_HOST").as_deref()) {
            let text = "figures are told to this machine alone: call it localhost, 127.0.0.1 or [::1]\n";
            return Ok(Answer::text(Status::FORBIDDEN, text));
        }
        if !matches!(environ.method(), "GET" | "HEAD") {
            return Ok(Answer::text(Status::METHOD_NOT_ALLOWED, "only GET and HEAD\n"));
        }
        match environ.path_info() {
            b"/live" => return Ok(self.live()),
            b"/ready" => return Ok(self.ready()),
            _ if !self.gate.knows(environ.get("HTTP_AUTHORIZATION").as_deref()) => {
                return Ok(Answer::text(Status::UNAUTHORIZED, "the token of --stats-token-file is missing or wrong\n"));
            }
            _ => {}
        }
        Ok(match environ.path_info() {
            b"/" => Answer::of("text/html; charset=utf-8", PAGE.to_owned()),
            b"/page.css" => Answer::of("text/css; charset=utf-8", STYLE.to_owned()),
            b"/page.js" => Answer::of("text/javascript; charset=utf-8", SCRIPT.to_owned()),
            b"/stats" => self.stats(environ)?,
            b"/metrics" => self.metrics(environ)?,
            _ => Answer::text(Status::NOT_FOUND, "/, /stats, /metrics, /live, /ready\n"),
        })
    }

    fn live(&self) -> Answer {
        match self.source.has_master() {
            true => Answer::text(Status::OK, "live\n"),
            false => Answer::text(Status::SERVICE_UNAVAILABLE, "the master is gone\n"),
        }
    }

    fn ready(&self) -> Answer {
        let reading = self.source.read();
        match (reading.is_ready(), reading.deeds.is_ending) {
            (true, _) => Answer::text(Status::OK, "ready\n"),
            (false, true) => Answer::text(Status::SERVICE_UNAVAILABLE, "it ends\n"),
            (false, false) => Answer::text(Status::SERVICE_UNAVAILABLE, "no worker serves\n"),
        }
    }

    /// `?history=N`: with the last N seconds too.
    fn stats(&self, environ: &Environ<'_>) -> Result<Answer> {
        let query = std::str::from_utf8(environ.query_string()).unwrap_or_default();
        let wanted = query.split('&').find_map(|pair| pair.strip_prefix("history="));
        let most = wanted.and_then(|number| number.parse().ok()).unwrap_or(0).min(KEPT);
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner).latest(most);
        let text = json::text(&self.source.read(), &history).map_err(Error::app)?;
        Ok(Answer::of("application/json", text + "\n"))
    }

    fn metrics(&self, environ: &Environ<'_>) -> Result<Answer> {
        let text = metrics::open(&self.source.read()).map_err(Error::app)?;
        let accepts = environ.get("HTTP_ACCEPT").unwrap_or_default();
        let is_open = accepts.windows(OPEN.len()).any(|word| word.eq_ignore_ascii_case(OPEN));
        Ok(if is_open { Answer::of(metrics::OPEN, text) } else { Answer::of(metrics::PLAIN, metrics::plain(&text)) })
    }
}

/// What those accept who know OpenMetrics.
const OPEN: &[u8] = b"application/openmetrics-text";

impl Answer {
    const fn of(kind: &'static str, text: String) -> Self {
        Self { status: Status::OK, kind, text }
    }

    fn text(status: Status, text: &str) -> Self {
        Self { status, kind: TEXT, text: text.to_owned() }
    }
}

impl App for Figures {
    fn call<'r>(&'r self, environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        let Answer { status, kind, text } = self.answer(&environ)?;
        let mut headers = vec![Header::new("Content-Type", kind)];
        headers.extend(HEADERS.map(|(name, value)| Header::new(name, value)));
        if status == Status::UNAUTHORIZED {
            headers.push(Header::new("WWW-Authenticate", "Basic realm=\"gateway-server\", charset=\"UTF-8\""));
            headers.push(Header::new("WWW-Authenticate", "Bearer"));
        }
        if status == Status::METHOD_NOT_ALLOWED {
            headers.push(Header::new("Allow", "GET, HEAD"));
        }
        start_response.start(Head::new(status, &headers))?;
        Ok(Body::from(text))
    }
}

#[cfg(test)]
mod tests {
    use gateway_spec::testing::TestClient;
    use rustix::process::getppid;

    use super::*;
    use crate::stats::{Boards, Crowd, Deeds, Recent, Standing};

    /// What a master with one worker would show, and the app over it. This process has
    /// a parent, which stands for the master.
    fn server() -> (Arc<Boards>, Arc<Recent>, TestClient<Arc<Figures>>) {
        let (boards, recent) = (Arc::new(Boards::new(2).unwrap()), Arc::new(Recent::new().unwrap()));
        let source = Source::new(Arc::clone(&boards), Arc::clone(&recent), "leader", getppid().unwrap());
        (boards, recent, TestClient::new(Figures::new(source, Gate::default())))
    }

    /// The client checks each answer against the rules of the interface.
    #[test]
    fn it_is_ready_when_a_worker_serves_and_the_master_stays() {
        let (boards, _, client) = server();
        let ready = || client.get("/ready").send().status;
        assert_eq!((client.get("/live").send().status, ready()), (Status::OK, Status::SERVICE_UNAVAILABLE));
        let board = boards.take(Crowd::new().unwrap().seat(1)).unwrap();
        board.introduce(1, std::process::id(), 0);
        assert_eq!(ready(), Status::SERVICE_UNAVAILABLE);
        board.stand(Standing::Serving);
        assert_eq!(ready(), Status::OK);
        boards.ledger().write(&Deeds { is_ending: true, ..Deeds::NONE });
        assert_eq!(ready(), Status::SERVICE_UNAVAILABLE);
        boards.ledger().write(&Deeds::NONE);
        board.stand(Standing::Draining);
        assert_eq!(ready(), Status::SERVICE_UNAVAILABLE);
    }

    #[test]
    fn each_page_is_told_in_its_own_form() {
        let (boards, recent, client) = server();
        let board = boards.take(Crowd::new().unwrap().seat(1)).unwrap();
        board.introduce(7, std::process::id(), 0);
        let flight = board.flight().unwrap();
        flight.begin(b"GET", b"/<b>?secret");
        recent.keep(1, true, "a \"mishap\"");
        for (path, kind, text) in [
            ("/", "text/html; charset=utf-8", "<script src=\"page.js\""),
            ("/page.js", "text/javascript; charset=utf-8", "textContent"),
            ("/page.css", "text/css; charset=utf-8", "prefers-color-scheme"),
            ("/stats", "application/json", "\"running\":[\"GET /<b>\"]"),
            ("/stats", "application/json", "\"text\":\"a \\\"mishap\\\"\""),
            ("/metrics", metrics::PLAIN, "gateway_in_flight_requests 1\n"),
        ] {
            for response in [client.get(path).send(), client.head(path).send()] {
                assert_eq!((response.status, response.header("content-type")), (Status::OK, Some(kind)), "{path}");
            }
            let page = client.get(path).send();
            let page = page.text();
            assert!(page.contains(text) && !page.contains("secret"), "{path}: {page}");
        }
        assert_eq!(client.get("/stats?history=9999999999").send().status, Status::OK);
        assert_eq!(client.get("/stats?history=x&history").send().status, Status::OK);
        assert_eq!(client.post("/stats").send().status, Status::METHOD_NOT_ALLOWED);
        assert_eq!(client.get("/nothing").send().status, Status::NOT_FOUND);
    }

    /// No markup is made of what others say.
    #[test]
    fn the_page_shows_text() {
        for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://"] {
            let is_namespace = |line: &&str| line.contains("http://www.w3.org/2000/svg");
            let lines = SCRIPT.lines().chain(PAGE.lines()).chain(STYLE.lines()).filter(|line| !is_namespace(line));
            assert_eq!(lines.filter(|line| line.contains(word)).collect::<Vec<_>>(), [""; 0], "{word}");
        }
    }
}
