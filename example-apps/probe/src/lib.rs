//! A small httpbin: what a server has to do shows in what this app answers.
//!
//! | path | answer |
//! |---|---|
//! | `/` | 200 and a line of text |
//! | `/echo` | the body, sent back with its length |
//! | `/chunked-echo` | the body, sent back piece by piece while it is read |
//! | `/inspect` | the request as JSON (bytes as Latin-1) |
//! | `/status/NNN` | that status, 200 to 599; outside of it 400 |
//! | `/stream?n=10&size=10` | n chunks of that size, without a Content-Length |
//! | `/sleep?ms=100` | a line of text, later |
//! | `/deadline` | how many seconds the server gives this call |
//! | `/process` | the numbers of the process that answers, and of its parent |
//! | `/ignore-body` | a line of text; the body stays unread |
//! | `/set-header?v=a%20b` | the decoded value in `X-Out`; 500 where the server refuses it (CR LF) |
//! | `/page` | a page that tells the client's port, with an image from `/image.png?port=` that port |
//! | `/image.png?port=N` | an image, if that is the client's port; 409 where it is another connection |
//! | anything else | 404 with what `/inspect` answers |
//!
//! ```sh
//! cargo build -p probe
//! gateway-server target/debug/libprobe.so:app
//! ```
//!
//! ```text
//! $ curl -d hello http://127.0.0.1:8000/echo
//! hello
//! ```

mod page;
mod query;
mod stream;

use std::io::{BufRead as _, Read as _};
use std::time::Duration;

use gateway_spec::prelude::*;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

const TEXT: &[Header<'_>] = &[Header::from_static("Content-Type", "text/plain")];
const JSON: &[Header<'_>] = &[Header::from_static("Content-Type", "application/json")];

fn probe<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    match environ.path_info() {
        b"/" | b"/ignore-body" => text(Status::OK, "This is the probe.\n", start_response),
        b"/echo" => echo(environ, start_response),
        b"/chunked-echo" => stream::echo(environ, start_response),
        b"/inspect" => inspect(Status::OK, environ, start_response),
        b"/stream" => stream::chunks(environ, start_response),
        b"/sleep" => sleep(environ, start_response),
        b"/deadline" => deadline(&environ, start_response),
        b"/process" => process(start_response),
        b"/set-header" => set_header(environ, start_response),
        b"/page" => page::page(environ, start_response),
        b"/image.png" => page::image(environ, start_response),
        path if path.starts_with(b"/status/") => status(environ, start_response),
        _ => inspect(Status::NOT_FOUND, environ, start_response),
    }
}

fn text<'r>(status: Status, text: impl Into<String>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(status, TEXT))?;
    Ok(Body::from(text.into()))
}

fn bad_request<'r>(why: impl Into<String>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    text(Status::BAD_REQUEST, why.into() + "\n", start_response)
}

fn echo<'r>(mut environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    // To its end, not for Content-Length bytes: a chunked body has no length.
    let mut body = Vec::new();
    environ.input().read_to_end(&mut body)?;
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(Body::from(body))
}

/// The request as JSON. Bytes become text as Latin-1, one character per byte,
/// because that loses nothing: `é` in UTF-8 is the two characters `Ã©` here.
fn inspect<'r>(
    status: Status,
    mut environ: Environ<'r>,
    start_response: &mut dyn StartResponse<'r>,
) -> Result<Body<'r>> {
    let (body_sha256, body_len) = digest(&mut environ)?;
    let headers: Vec<_> = environ
        .headers()
        .iter()
        .map(|header| (latin1(&header.name().to_ascii_lowercase()), latin1(header.value())))
        .collect();
    let answer = Inspection {
        inspect: 1,
        method: environ.method(),
        path: latin1(environ.path_info()),
        path_is_decoded: true,
        query: latin1(environ.query_string()),
        version: environ.server_protocol(),
        host: environ.get("HTTP_HOST").map(|host| latin1(&host)),
        headers,
        body_sha256,
        body_len,
    };
    let answer = serde_json::to_string(&answer).map_err(Error::app)?;
    start_response.start(Head::new(status, JSON))?;
    Ok(Body::from(answer + "\n"))
}

/// What `/inspect` answers, in this order.
#[derive(Serialize)]
struct Inspection<'a> {
    inspect: u8,
    method: &'a str,
    path: String,
    path_is_decoded: bool,
    query: String,
    version: &'a str,
    host: Option<String>,
    headers: Vec<(String, String)>,
    body_sha256: String,
    body_len: usize,
}

/// Hash and length of the body, which is read to its end and kept nowhere.
fn digest(environ: &mut Environ<'_>) -> Result<(String, usize)> {
    let mut input = environ.input();
    let (mut hash, mut length) = (Sha256::new(), 0);
    loop {
        let piece = input.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        hash.update(piece);
        let count = piece.len();
        input.consume(count);
        length += count;
    }
    Ok((hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), length))
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn status<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let code = environ.path_str().ok().and_then(|path| path.strip_prefix("/status/")?.parse::<u16>().ok());
    let Some(code @ 200..=599) = code else {
        return bad_request("a status is a number from 200 to 599", start_response);
    };
    let status = Status::new(code)?;
    // 205 may not carry content either, but says so with a length of 0
    // (RFC 9110, section 15.3.6), which is what a server makes of no bytes.
    if status.forbids_body() || status == Status::RESET_CONTENT {
        start_response.start(Head::new(status, &[]))?;
        return Ok(Body::empty());
    }
    text(status, format!("{status}\n"), start_response)
}

fn sleep<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    match query::number(&environ, "ms", 100, 0..=60_000) {
        Err(why) => bad_request(why, start_response),
        Ok(ms) => {
            environ.sleep(Duration::from_millis(ms))?;
            text(Status::OK, format!("slept {ms} ms\n"), start_response)
        }
    }
}

/// How many seconds the server gives this call, where it says so.
fn deadline<'r>(environ: &Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let left = environ.deadline().map_or_else(|| "none".to_owned(), |left| format!("{} s", left.as_secs()));
    text(Status::OK, format!("left: {left}\n"), start_response)
}

/// Who answers, where several processes may.
fn process<'r>(start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let (own, parent) = (std::process::id(), std::os::unix::process::parent_id());
    text(Status::OK, format!("{own} {parent}\n"), start_response)
}

/// Puts a value of the client's choice into a header: the hole that splits
/// responses. Here the server refuses CR, LF and NUL, and the app lets that
/// refusal be its own error: the client gets a 500.
fn set_header<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let Some(value) = query::bytes(&environ, "v") else {
        return bad_request("v, the value of the header, is missing", start_response);
    };
    start_response.start(Head::new(Status::OK, &[TEXT[0], Header::new("X-Out", &value)]))?;
    Ok(Body::from("see X-Out\n"))
}

gateway_spec::export! {
    /// A small httpbin: /echo, /inspect, /status/NNN, /stream and others.
    app => probe,
    /// The same, called before the body is complete.
    live [STREAMS_INPUT] => probe,
}

#[cfg(test)]
mod tests;
