//! A request that a web server has read, by uwsgi, SCGI or FastCGI: the pieces that it
//! comes in do not matter, a reader takes no byte behind it, and what is understood of
//! it is what HTTP could have said.
#![no_main]

use gateway_server::protocol::Limits;
use gateway_server::protocol::front::{Broken, Found, Front, Variables};
use libfuzzer_sys::fuzz_target;

const FRONTS: [Front; 3] = [Front::Uwsgi, Front::Scgi, Front::FastCgi];
/// Less than the longest input, so that too much can come.
const MOST: usize = 4096;

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (front, at, bytes) = input;
    let front = FRONTS[usize::from(front) % FRONTS.len()];
    let (whole, mut variables) = read(front, bytes);
    // All beginnings of a short one; of a long one some.
    let at = usize::from(at) % (bytes.len() + 1);
    for end in (0..bytes.len().min(64)).chain([at]) {
        let early = read(front, &bytes[..end]).0;
        assert!(early == Ok(Found::Partial) || is_same(&early, &whole), "{early:?} of {end} bytes, then {whole:?}");
    }
    match &whole {
        Ok(Found::Request(envelope, _)) => {
            let size = envelope.size;
            assert_eq!(read(front, &bytes[..size]).0, whole);
            assert_eq!(read(front, &bytes[..size - 1]).0, Ok(Found::Partial));
            understand(&mut variables);
        }
        Ok(Found::Answer { size, .. }) => assert!((1..=bytes.len()).contains(size)),
        Ok(Found::Partial) | Err(_) => {}
    }
});

fn read(front: Front, bytes: &[u8]) -> (Result<Found, Broken>, Variables) {
    let mut variables = Variables::default();
    (front.read(bytes, MOST, &mut variables), variables)
}

/// The end of a ping is not waited for.
fn is_same(early: &Result<Found, Broken>, whole: &Result<Found, Broken>) -> bool {
    match (early, whole) {
        (Ok(Found::Answer { bytes, close: true, .. }), Ok(Found::Answer { bytes: others, close: true, .. })) => {
            bytes == others
        }
        _ => early == whole,
    }
}

fn understand(variables: &mut Variables) {
    let limits = Limits::default();
    if variables.prepare().is_err() {
        return;
    }
    let (mut headers, mut others) = (Vec::new(), Vec::new());
    let Ok(said) = variables.understood(&limits, &mut headers, &mut others) else { return };
    let is_plain = |text: &[u8]| !text.iter().any(|byte| b"\r\n\0".contains(byte));
    for field in headers.iter().chain(&others) {
        assert!(is_plain(field.name()) && is_plain(field.value()) && !field.name().is_empty(), "{field:?}");
    }
    assert!(headers.iter().all(|header| !header.name().iter().any(u8::is_ascii_uppercase)));
    assert!(headers.len() <= limits.fields && said.length <= limits.body && said.target.len() <= limits.line);
    for path in [said.path, said.script_name] {
        assert!(path.is_empty() || path[0] == b'/' && !path.contains(&0), "{said:?}");
    }
    assert!(!said.method.is_empty() && is_plain(said.target) && is_plain(said.query), "{said:?}");
}
