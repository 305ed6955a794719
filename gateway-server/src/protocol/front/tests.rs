//! What each protocol takes, byte by byte, and what it refuses.

use gateway_spec::Header;

use super::fastcgi::Records;
use super::*;
use crate::protocol::{Limits, Refusal};

fn uwsgi(pairs: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat();
    let body: Vec<u8> = pairs.iter().flat_map(|(name, value)| [text(name), text(value)].concat()).collect();
    [&[0][..], &(body.len() as u16).to_le_bytes(), &[0], &body].concat()
}

fn scgi(pairs: &[(&str, &str)]) -> Vec<u8> {
    let body: String = pairs.iter().map(|(name, value)| format!("{name}\0{value}\0")).collect();
    format!("{}:{body},", body.len()).into_bytes()
}

fn record(kind: u8, id: u16, content: &[u8], padding: u8) -> Vec<u8> {
    let mut out = Vec::new();
    begin_record(&mut out, kind, id, content.len());
    out[6] = padding;
    [out, content.to_vec(), vec![b'p'; padding.into()]].concat()
}

fn params(pairs: &[(&str, &str)]) -> Vec<u8> {
    let length = |text: &str| match text.len() {
        short @ 0..0x80 => vec![short as u8],
        long => (long as u32 | 1 << 31).to_be_bytes().to_vec(),
    };
    pairs
        .iter()
        .flat_map(|(name, value)| [length(name), length(value), name.as_bytes().to_vec(), value.as_bytes().to_vec()])
        .flatten()
        .collect()
}

const BEGIN: &[u8] = &[0, 1, 1, 0, 0, 0, 0, 0];

/// A request whose variables come in records of `piece` bytes, without its body.
fn fastcgi(pairs: &[(&str, &str)], piece: usize) -> Vec<u8> {
    let mut out = record(1, 7, BEGIN, 0);
    params(pairs).chunks(piece).for_each(|piece| out.extend(record(4, 7, piece, 3)));
    out.extend(record(4, 7, b"", 0));
    out
}

/// Reads a request whole, and holds that any beginning of it is none yet.
fn read(front: Front, bytes: &[u8]) -> (Envelope, Vec<(String, String)>) {
    let mut variables = Variables::default();
    for end in 0..bytes.len() {
        let found = front.read(&bytes[..end], 65_536, &mut variables);
        assert_eq!(found, Ok(Found::Partial), "{front:?}, {end} of {} bytes", bytes.len());
    }
    let Ok(Found::Request(envelope, aside)) = front.read(bytes, 65_536, &mut variables) else { panic!("{front:?}") };
    assert_eq!((envelope.size, aside.len()), (bytes.len(), 0));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (envelope, variables.all().map(|(name, value)| (text(name), text(value))).collect())
}

const PAIRS: &[(&str, &str)] = &[("CONTENT_LENGTH", "0"), ("SCGI", "1"), ("REQUEST_METHOD", "GET"), ("EMPTY", "")];

#[test]
fn each_brings_the_same_variables() {
    let long = "x".repeat(300);
    let pairs = [PAIRS, &[("HTTP_LONG", &long)]].concat();
    let expected: Vec<_> = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    assert_eq!(read(Front::Uwsgi, &uwsgi(&pairs)).1, expected);
    assert_eq!(read(Front::Scgi, &scgi(&pairs)).1, expected);
    for piece in [1, 5, 1000] {
        let bytes = [fastcgi(&pairs, piece), record(5, 7, b"", 0)].concat();
        let (envelope, variables) = read(Front::FastCgi, &bytes);
        assert_eq!(variables, expected);
        assert_eq!(envelope, Envelope { size: bytes.len(), id: 7, keep_alive: true });
    }
}

#[test]
fn front_06_what_has_uwsgi_load_code_is_left_out() {
    let (_, variables) = read(Front::Uwsgi, &uwsgi(&[("UWSGI_FILE", "/tmp/evil.py"), ("A", "b")]));
    assert_eq!(variables, [("A".to_owned(), "b".to_owned())]);
}

fn answer(front: Front, bytes: &[u8]) -> (usize, Vec<u8>, bool) {
    match front.read(bytes, 1000, &mut Variables::default()) {
        Ok(Found::Answer { size, bytes, close }) => (size, bytes, close),
        other => panic!("{other:?}"),
    }
}

#[test]
fn front_06_a_ping_is_answered() {
    assert_eq!(answer(Front::Uwsgi, &[100, 0, 0, 0]), (4, vec![100, 0, 0, 1], true));
}

#[test]
fn front_08_what_is_no_request_is_answered_as_specified() {
    let asked = params(&[("FCGI_MPXS_CONNS", ""), ("FCGI_MAX_CONNS", ""), ("OTHER", "")]);
    let values = record(9, 0, &asked, 0);
    let told = record(10, 0, &params(&[("FCGI_MPXS_CONNS", "0")]), 0);
    assert_eq!(answer(Front::FastCgi, &values), (values.len(), told, false));
    let unknown = record(77, 0, b"", 0);
    assert_eq!(answer(Front::FastCgi, &unknown).1, record(11, 0, &[77, 0, 0, 0, 0, 0, 0, 0], 0));
    // An authorizer, on a connection that does not stay.
    let role = record(1, 1, &[0, 2, 0, 0, 0, 0, 0, 0], 0);
    assert_eq!(answer(Front::FastCgi, &role), (16, record(3, 1, &[0, 0, 0, 0, 3, 0, 0, 0], 0), true));
    let given_up = [record(1, 7, BEGIN, 0), record(2, 7, b"", 0)].concat();
    assert_eq!(answer(Front::FastCgi, &given_up), (24, record(3, 7, &[0; 8], 0), false));
    // A second request beside the first.
    let both = [record(1, 7, BEGIN, 0), record(1, 8, BEGIN, 0), record(4, 8, b"\x01\x00A", 0), record(4, 7, b"", 0)];
    let bytes = [both.concat(), record(5, 7, b"", 0)].concat();
    let found = Front::FastCgi.read(&bytes, 1000, &mut Variables::default());
    let Ok(Found::Request(_, aside)) = found else { panic!("{found:?}") };
    assert_eq!(aside, record(3, 8, &[0, 0, 0, 0, 1, 0, 0, 0], 0));
}

#[test]
fn front_07_what_is_malformed_is_told_from_what_is_too_large_and_from_http() {
    let check = |front: Front, bytes: &[u8], expected: fn(Broken) -> bool| {
        let found = front.read(bytes, 1000, &mut Variables::default());
        assert!(found.as_ref().is_err_and(|broken| expected(*broken)), "{front:?} {bytes:?}: {found:?}");
    };
    let malformed = |broken| matches!(broken, Broken::Malformed(_));
    for front in [Front::Uwsgi, Front::Scgi, Front::FastCgi] {
        for text in ["GET / HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n", "PROPFIND"] {
            check(front, text.as_bytes(), |broken| broken == Broken::Http);
        }
    }
    for bytes in [&[1, 0, 0, 0][..], &[0, 0, 0, 1], &[0, 3, 0, 0, 5, 0, b'A'], &[0, 1, 0, 0, 0]] {
        check(Front::Uwsgi, bytes, malformed);
    }
    check(Front::Uwsgi, &[0, 0xff, 0xff, 0], |broken| broken == Broken::TooLarge);
    for text in [
        ":a,",
        "x",
        "12345678:",
        "01:x,",
        "3:A\0b,",
        "4:A\0b\0,",
        "4:A\0b\0;",
        "2:A\0,",
        "23:CONTENT_LENGTH\x000\0A\0b\0\0\0,",
        "17:CONTENT_LENGTH\x000\0,",
    ] {
        check(Front::Scgi, text.as_bytes(), malformed);
    }
    check(Front::Scgi, b"1001:", |broken| broken == Broken::TooLarge);
    for bytes in [
        record(3, 1, b"", 0),
        record(1, 1, b"", 0),
        vec![2, 1, 0, 1, 0, 0, 0, 0],
        [record(1, 1, BEGIN, 0), record(5, 1, b"x", 0)].concat(),
        [record(1, 1, BEGIN, 0), record(4, 1, b"\x05\x00A", 0), record(4, 1, b"", 0)].concat(),
        [record(1, 1, BEGIN, 0), record(4, 1, b"\x80\x00", 0), record(4, 1, b"", 0)].concat(),
        [record(1, 1, BEGIN, 0), record(4, 1, b"", 0), record(5, 1, b"x", 0)].concat(),
    ] {
        check(Front::FastCgi, &bytes, malformed);
    }
    let large = [record(1, 1, BEGIN, 0), record(4, 1, &[0; 1001], 0)].concat();
    check(Front::FastCgi, &large, |broken| broken == Broken::TooLarge);
}

#[test]
fn what_comes_where_http_is_spoken_is_guessed() {
    let pairs = &[("CONTENT_LENGTH", "0"), ("SCGI", "1")];
    assert_eq!(Front::guess(&uwsgi(pairs)), Some(Front::Uwsgi));
    assert_eq!(Front::guess(&scgi(pairs)), Some(Front::Scgi));
    assert_eq!(Front::guess(&fastcgi(pairs, 10)), Some(Front::FastCgi));
    for text in ["GET / HTTP/1.1\r\n", "12 x", "12", ":1", "\x16\x03\x01", ""] {
        assert_eq!(Front::guess(text.as_bytes()), None);
    }
}

// ----- what variables say ---------------------------------------------------------

fn understand(pairs: &[(&str, &str)]) -> Result<String, Refusal> {
    let mut variables = Variables::default();
    pairs.iter().for_each(|(name, value)| variables.add(name.as_bytes(), value.as_bytes()));
    variables.prepare()?;
    let (mut headers, mut others) = (Vec::new(), Vec::new());
    let said = variables.understood(&Limits::default(), &mut headers, &mut others)?;
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let list = |list: &[Header<'_>]| {
        let all = list.iter().map(|field| format!("{}={}", text(field.name()), text(field.value())));
        all.collect::<Vec<_>>().join(",")
    };
    let (method, script, path, query, target) =
        (text(said.method), text(said.script_name), text(said.path), text(said.query), text(said.target));
    let rest = (list(&headers), list(&others), said.length, said.is_secure);
    Ok(format!("{method} [{script}][{path}]?{query} {target} {} {} {} {}", rest.0, rest.1, rest.2, rest.3))
}

#[test]
fn front_04_a_path_is_not_decoded_again() {
    let get = ("REQUEST_METHOD", "GET");
    for (pairs, expected) in [
        (
            vec![get, ("PATH_INFO", "/a%20b c"), ("REQUEST_URI", "/a%2520b%20c?d=e"), ("QUERY_STRING", "d=e")],
            "GET [][/a%20b c]?d=e /a%2520b%20c?d=e   0 false",
        ),
        // SCGI's and FastCGI's files of nginx.
        (
            vec![get, ("DOCUMENT_URI", "/a b"), ("REQUEST_URI", "/x/../a%20b")],
            "GET [][/a b]? /x/../a%20b  DOCUMENT_URI=/a b 0 false",
        ),
        (
            vec![get, ("SCRIPT_NAME", "/a"), ("DOCUMENT_URI", "/a"), ("REQUEST_URI", "/a")],
            "GET [][/a]? /a  DOCUMENT_URI=/a 0 false",
        ),
        (
            vec![get, ("PATH_INFO", "/a\nb"), ("REQUEST_URI", "/a%0Ab"), ("DOCUMENT_URI", "/a\nb")],
            "GET [][/a\\nb]? /a%0Ab   0 false",
        ),
        (vec![get, ("REQUEST_URI", "/a%20b?c")], "GET [][/a b]? /a%20b?c   0 false"),
        // A mount.
        (
            vec![get, ("SCRIPT_NAME", "/shop"), ("PATH_INFO", "/a"), ("QUERY_STRING", "b")],
            "GET [/shop][/a]?b /shop/a?b   0 false",
        ),
        (vec![("REQUEST_METHOD", "OPTIONS"), ("REQUEST_URI", "*"), ("PATH_INFO", "*")], "OPTIONS [][]? *   0 false"),
    ] {
        assert_eq!(understand(&pairs).as_deref(), Ok(expected), "{pairs:?}");
    }
    assert_eq!(understand(&[get, ("REQUEST_URI", "/%zz")]), Err(Refusal::PercentEncoding));
}

#[test]
fn front_05_headers_are_those_of_the_request() {
    let said = understand(&[
        ("REQUEST_METHOD", "POST"),
        ("PATH_INFO", "/"),
        ("REQUEST_URI", "/"),
        ("CONTENT_LENGTH", "12"),
        ("CONTENT_TYPE", "text/plain"),
        ("HTTP_X_A_B", "c"),
        ("HTTP_HOST", "example.org"),
        ("HTTP_TRANSFER_ENCODING", "chunked"),
        ("HTTP_PROXY", "evil"),
        ("HTTP_CONTENT_LENGTH", "99"),
        ("HTTP_Content-Length", "98"),
        ("HTTP_Proxy", "evil"),
        ("HTTP_Transfer-Encoding", "chunked"),
        ("REMOTE_ADDR", "unix:"),
        ("HTTPS", "on"),
        ("REMOTE_USER", "eva"),
        ("gateway.version", "9"),
        ("lower", "x"),
    ]);
    let expected = "POST [][/]? / x-a-b=c,host=example.org,content-length=12,content-type=text/plain \
                    HTTPS=on,REMOTE_USER=eva 12 true";
    assert_eq!(said.as_deref(), Ok(expected));
}

#[test]
fn front_05_of_what_is_said_twice_the_last_one_counts() {
    let base = [("REQUEST_METHOD", "PUT"), ("PATH_INFO", "/a"), ("REQUEST_URI", "/a"), ("HTTPS", "on")];
    let more = [("REMOTE_ADDR", "10.0.0.1"), ("REMOTE_USER", "eva"), ("X", "1"), ("REMOTE_USER", "ada")];
    let again = [("REQUEST_METHOD", "GET"), ("HTTPS", "off"), ("REMOTE_ADDR", "10.0.0.2"), ("X", "")];
    let none = [("CONTENT_LENGTH", "3"), ("CONTENT_LENGTH", "")];
    let said = understand(&[&base[..], &more, &again, &none].concat());
    let expected = "GET [][/a]? /a content-length=3 REMOTE_USER=ada,HTTPS=off,REMOTE_ADDR=10.0.0.2 3 false";
    assert_eq!(said.as_deref(), Ok(expected));
    assert_eq!(understand(&[&base[..], &[("REQUEST_METHOD", "")]].concat()), Err(Refusal::RequestLine));
}

#[test]
fn what_http_refuses_is_refused() {
    let base = [("REQUEST_METHOD", "GET"), ("PATH_INFO", "/"), ("REQUEST_URI", "/")];
    for (name, value, refusal) in [
        ("REQUEST_METHOD", "G T", Refusal::RequestLine),
        ("REQUEST_METHOD", "CONNECT", Refusal::Connect),
        ("PATH_INFO", "a", Refusal::Target),
        ("PATH_INFO", "/\0", Refusal::Target),
        ("SCRIPT_NAME", "a", Refusal::Target),
        ("REQUEST_URI", "/ a", Refusal::Target),
        ("QUERY_STRING", "a\n", Refusal::Target),
        ("CONTENT_LENGTH", "-1", Refusal::ContentLength),
        ("CONTENT_LENGTH", "99999999999999999999", Refusal::ContentLength),
        ("CONTENT_LENGTH", "9999999999999", Refusal::BodyTooLarge),
        ("HTTP_A", "b\r\nc", Refusal::Field),
        ("HTTP_", "b", Refusal::Field),
        ("HTTP_HOST", "a b", Refusal::InvalidHost),
        ("REMOTE_USER", "a\n", Refusal::Field),
        ("SERVER_PROTOCOL", "HTTP/1.1\"\nforged", Refusal::Field),
        ("REMOTE_ADDR", "1.2.3.4 - - \"x", Refusal::Field),
        ("REMOTE_ADDR", "localhost", Refusal::Field),
        ("REMOTE_PORT", "1 2", Refusal::Field),
    ] {
        let pairs = [&base[..], &[(name, value)]].concat();
        assert_eq!(understand(&pairs), Err(refusal), "{name}={value:?}");
    }
    assert_eq!(understand(&[("PATH_INFO", "/")]), Err(Refusal::RequestLine));
    for (name, value, refusal) in [
        ("HTTP_HOST", "a", Refusal::RepeatedHost),
        ("CONTENT_LENGTH", "1", Refusal::RepeatedContentLength),
        ("CONTENT_TYPE", "a/b", Refusal::RepeatedContentType),
    ] {
        let pairs = [&base[..], &[(name, value), (name, value)]].concat();
        assert_eq!(understand(&pairs), Err(refusal), "{name} twice");
    }
    let many: Vec<_> = (0..101).map(|_| ("HTTP_A", "b")).collect();
    assert_eq!(understand(&[&base[..], &many].concat()), Err(Refusal::TooManyFields));
}

// ----- bodies -----------------------------------------------------------------------

/// The data, how much is left over, and whether it is complete.
fn decode(input: &[u8], length: u64, piece: usize) -> Result<(Vec<u8>, usize, bool), Refusal> {
    let (mut records, mut data, mut used) = (Records::new(7, length), Vec::new(), 0);
    for piece in input.chunks(piece) {
        let mut piece = piece;
        while !piece.is_empty() && !records.is_done() {
            let step = records.decode(piece)?;
            data.extend_from_slice(&piece[step.data]);
            used += step.consumed;
            piece = &piece[step.consumed..];
        }
    }
    Ok((data, input.len() - used, records.is_done()))
}

#[test]
fn front_09_a_body_is_as_long_as_it_says() {
    let (one, end) = (record(5, 7, b"abc", 5), record(5, 7, b"", 0));
    for (input, length, expected) in [
        ([&one[..], &end, b"next"].concat(), 3, Ok((b"abc".to_vec(), 4, true))),
        ([&one[..], &record(5, 7, b"de", 0), &end].concat(), 5, Ok((b"abcde".to_vec(), 0, true))),
        ([&one[..], &record(5, 7, b"", 9), b"next"].concat(), 3, Ok((b"abc".to_vec(), 4, true))),
        (one.clone(), 3, Ok((b"abc".to_vec(), 0, false))),
        ([&one[..], &end].concat(), 4, Err(Refusal::Truncated)),
        ([&one[..], &record(2, 7, b"", 0)].concat(), 4, Err(Refusal::Truncated)),
        (one.clone(), 2, Err(Refusal::Records)),
        (record(5, 8, b"abc", 0), 3, Err(Refusal::Records)),
        (record(6, 7, b"abc", 0), 3, Err(Refusal::Records)),
        (vec![2, 5, 0, 7, 0, 0, 0, 0], 3, Err(Refusal::Records)),
    ] {
        for piece in 1..=input.len() {
            assert_eq!(decode(&input, length, piece), expected, "{input:?} in pieces of {piece}");
        }
    }
}

#[test]
fn long_bytes_are_several_records() {
    let mut out = Vec::new();
    push_records(&mut out, STDOUT, 7, &vec![b'x'; 70_000]);
    end_request(&mut out, 7);
    assert_eq!(out.len(), 70_000 + 3 * 8 + 16);
    assert_eq!(&out[..8], &[1, 6, 0, 7, 0xff, 0xf8, 0, 0]);
}
