//! What others are told of an answer.

use crate::stats::{Asked, Board, Crowd, Journal, Record, RequestId};

use super::*;

/// Keeps a line of each record.
#[derive(Debug, Default)]
struct Lines(Mutex<Vec<String>>);

impl Journal for Lines {
    fn note(&self, record: &Record<'_>) {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let asked = match record.asked {
            Asked::Request { method, target, protocol, headers, .. } => {
                format!("{} {} {} {}", text(method), text(target), text(protocol), headers.len())
            }
            Asked::Line(line) => format!("({})", text(line)),
        };
        let (addr, sample) = (text(record.client.0), record.sample);
        let timed = if sample.took.is_some() { "timed" } else { "-" };
        self.0.lock().unwrap().push(format!("{addr} {asked} {} {} {timed}", sample.status, sample.bytes));
    }
}

/// What the journal has, and how many answers of each class the board, after a client
/// has sent this.
fn observe(app: impl App + 'static, input: &str, window: usize) -> (Vec<String>, [u64; 6]) {
    let lines = Arc::new(Lines::default());
    let board = Board::new(Crowd::new().unwrap().seat(1)).unwrap();
    let journal: Arc<dyn Journal> = lines.clone();
    let (journal, board_of) = (Some(journal), Some(Arc::clone(&board)));
    let service = Service { timed: true, journal, board: board_of, ..service(app) };
    serve(&Arc::new(service), vec![input.into()], window);
    let noted = std::mem::take(&mut *lines.0.lock().unwrap());
    let totals = board.totals();
    let timed = noted.iter().filter(|line| line.ends_with("timed")).count() as u64;
    assert_eq!((totals.latency.count(), totals.queued.count()), (timed, timed), "{noted:?}");
    (noted, totals.statuses)
}

fn check_observed(app: impl App + 'static + Clone, input: &str, lines: &[&str], classes: [u64; 6]) {
    for window in [usize::MAX, 3] {
        assert_eq!(observe(app.clone(), input, window), (lines.iter().map(ToString::to_string).collect(), classes));
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri maps no memory that processes share")]
fn each_answer_is_told_once() {
    check_observed(
        echo,
        "GET /a?b HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n\
         POST /c HTTP/1.0\r\nContent-Length: 3\r\nX: y\r\n\r\nxyz",
        &[" GET /a?b HTTP/1.1 1 200 7 timed", " HEAD / HTTP/1.1 1 200 0 timed", " POST /c HTTP/1.0 2 200 11 timed"],
        [0, 3, 0, 0, 0, 0],
    );
    check_observed(
        stream,
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        &[" GET / HTTP/1.1 1 200 6 timed", " GET / HTTP/1.0 0 200 6 timed"],
        [0, 2, 0, 0, 0, 0],
    );
}

/// 9,000 bytes, which are not copied.
fn long<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::new(404)?, &[]))?;
    Ok(Body::from(vec![b'x'; 9000]))
}

#[test]
#[cfg_attr(miri, ignore = "Miri maps no memory that processes share")]
fn bytes_are_those_of_the_content() {
    check_observed(
        long,
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &[" GET / HTTP/1.1 1 404 9000 timed"],
        [0, 0, 0, 1, 0, 0],
    );
}

fn failing<'r>(_: Environ<'r>, _: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    Err(Error::State("no".into()))
}

/// Ends in the middle of what it has said it will send.
fn short<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, &[Header::new("Content-Length", "10")]))?;
    Ok(Body::chunks(["one"]))
}

#[test]
#[cfg_attr(miri, ignore = "Miri maps no memory that processes share")]
fn answers_that_are_no_good_are_told_too() {
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    check_observed(failing, get, &[" GET / HTTP/1.1 1 500 26 timed"], [0, 0, 0, 0, 1, 0]);
    check_observed(short, get, &[" GET / HTTP/1.1 1 200 3 timed"], [0, 1, 0, 0, 0, 0]);
}

#[test]
#[cfg_attr(miri, ignore = "Miri maps no memory that processes share")]
fn a_request_that_is_none_is_told_by_its_line() {
    check_observed(
        echo,
        "GET  /\x1b HTTP/1.1\r\nHost: a\r\n\r\n",
        &[" (GET  /\\x1b HTTP/1.1) 400 0 -"],
        [0, 0, 0, 1, 0, 0],
    );
    check_observed(
        echo,
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nxyz",
        &[" (POST / HTTP/1.1) 400 0 -"],
        [0, 0, 0, 1, 0, 0],
    );
}

#[test]
#[cfg_attr(miri, ignore = "Miri maps no memory that processes share")]
fn a_client_that_has_left_is_told_by_its_status() {
    let lines = Arc::new(Lines::default());
    let journal: Arc<dyn Journal> = lines.clone();
    let service = Arc::new(Service { journal: Some(journal), ..service(app_fn(echo)) });
    let endpoint = Endpoint::new(Arc::new(crate::net::Local::new("localhost", 80)), None);
    let mut exchange = Exchange::new(Arc::clone(&service), endpoint, &now());
    let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    exchange.room()[..get.len()].copy_from_slice(get);
    exchange.fed(get.len(), &now());
    assert_eq!(exchange.want(), Want::Run);
    exchange.gone();
    exchange.gone();
    assert_eq!(*lines.0.lock().unwrap(), [" GET / HTTP/1.1 1 499 0 timed"]);
}

#[test]
#[cfg_attr(miri, ignore = "Miri maps no memory that processes share")]
fn an_app_runs_for_a_request_that_has_an_id() {
    fn told<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        start_response.start(Head::new(Status::OK, &[]))?;
        Ok(Body::from(RequestId::current().map(|id| id.to_string()).unwrap_or_default()))
    }
    let client = serve(&Arc::new(service(app_fn(told))), vec![b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()], 999);
    let output = String::from_utf8_lossy(&client.output);
    assert!(output.contains(&format!("\r\n\r\n{}-", std::process::id())), "{output}");
    assert_eq!(RequestId::current(), None);
}
