//! Apps that go wrong, one fault each: what a server has to survive.
//!
//! Each is an app of its own (`libfaulty.so:panic_in_call`), and all but the
//! last two are paths of `app` too (`/panic_in_call`), so that a test can ask
//! the same process afterwards whether it still serves.
//!
//! | name | what it does | what the client gets |
//! |---|---|---|
//! | `app` | every app below that is created, by its name as the path | |
//! | `good` | nothing wrong | 200 `good` |
//! | `opened` | says how many bodies this module has returned, its own not counted | 200 `3` |
//! | `closed` | says how many of them were closed | 200 `3` |
//! | `panic_in_call` | panics before `start_response` | 500 |
//! | `panic_after_start` | panics after `start_response` | 500 |
//! | `panic_in_stream` | panics after the chunk `one` | `one`, cut |
//! | `panic_first_in_stream` | panics before the first chunk | 500 |
//! | `panic_in_close` | sends `fine`, panics when closed | 200 `fine` |
//! | `panic_payload` | panics with a payload whose drop panics | 500 |
//! | `panic_payload_in_stream` | the same after the chunk `one` | `one`, cut |
//! | `panic_with_body` | panics with the request's body as its text | 500 |
//! | `start_never` | returns without `start_response` | 500 |
//! | `start_twice` | a second `start_response` without the error | 500 |
//! | `start_twice_with_error` | a second one with the error: allowed | 503 `replaced` |
//! | `start_too_late` | one with the error after a write of `one` | `one`, cut |
//! | `header_crlf` | a value with CR LF | 500 |
//! | `header_hop_by_hop` | `Connection: close` | 500 |
//! | `header_name` | a name that is no token | 500 |
//! | `status_99` | a status that no response has | 500 |
//! | `short_bytes` | Content-Length 10, a body of 4 bytes | 4 bytes, cut |
//! | `short_stream` | the same, streamed | 4 bytes, cut |
//! | `short_write` | the same, written | 4 bytes, cut |
//! | `long_bytes` | Content-Length 4, a body of 10 bytes | the first 4 |
//! | `long_stream` | the same, streamed in two chunks | the first 4 |
//! | `long_write` | the same, in two writes, the second of which fails | at most the first 4 |
//! | `error_before_start` | an error before `start_response` | 500 |
//! | `error_after_start` | an error after it | 500 |
//! | `error_first_in_stream` | an error before the first chunk | 500 |
//! | `error_in_stream` | an error after the chunk `one` | `one`, cut |
//! | `endless` | a stream without an end | as much as it takes |
//! | `hang` | blocks its thread for a minute | what the server's deadline says |
//! | `exit` | ends the process with code 3 | nothing |
//! | `abort` | ends the process by SIGABRT | nothing |
//! | `overflow` | calls itself until its stack is full, which ends the process | nothing |
//! | `create_fails` | its constructor fails with `the database is away` | the server does not start |
//! | `create_panics` | its constructor panics | the server does not start |
//!
//! ```sh
//! cargo build -p faulty
//! gateway-server target/debug/libfaulty.so:app
//! ```
//!
//! ```text
//! $ curl -si http://127.0.0.1:8000/panic_in_call | head -1
//! HTTP/1.1 500 Internal Server Error
//! $ curl http://127.0.0.1:8000/good
//! good
//! ```

mod counted;
mod ending;
mod failing;
mod length;
mod panicking;
mod starting;

use gateway_spec::prelude::*;

use counted::counted;

const TEXT: &[Header<'_>] = &[Header::from_static("Content-Type", "text/plain")];

/// An app function, for a table of them.
type Function = for<'r> fn(Environ<'r>, &mut dyn StartResponse<'r>) -> Result<Body<'r>>;

/// Declares the apps once: for the module's table, and for `app`'s.
macro_rules! apps {
    ($($(#[doc = $doc:literal])* $name:ident => $app:path,)*) => {
        const APPS: &[(&str, Function)] = &[$((stringify!($name), $app)),*];

        gateway_spec::export! {
            /// Every app of this module that is created, by its name as the path.
            app => by_path,
            $($(#[doc = $doc])* $name => $app,)*
            /// Cannot be created: fails.
            create_fails => starting::create_fails,
            /// Cannot be created: panics.
            create_panics => starting::create_panics,
        }
    };
}

apps! {
    /// Nothing wrong.
    good => counted::good,
    /// How many bodies were returned.
    opened => counted::opened,
    /// How many bodies were closed.
    closed => counted::closed,
    /// Panics before start_response.
    panic_in_call => panicking::in_call,
    /// Panics after start_response.
    panic_after_start => panicking::after_start,
    /// Panics after the first chunk.
    panic_in_stream => panicking::in_stream,
    /// Panics before the first chunk.
    panic_first_in_stream => panicking::first_in_stream,
    /// Panics when its body is closed.
    panic_in_close => panicking::in_close,
    /// Panics with a payload whose drop panics.
    panic_payload => panicking::payload,
    /// The same after the first chunk.
    panic_payload_in_stream => panicking::payload_in_stream,
    /// Panics with the request's body as its text.
    panic_with_body => panicking::with_body,
    /// Never calls start_response.
    start_never => starting::never,
    /// Calls start_response twice, without an error.
    start_twice => starting::twice,
    /// Calls start_response twice, with the error: allowed.
    start_twice_with_error => starting::twice_with_error,
    /// Calls start_response after bytes were sent.
    start_too_late => starting::too_late,
    /// A header value with CR LF.
    header_crlf => starting::crlf,
    /// A header that belongs to the connection.
    header_hop_by_hop => starting::hop_by_hop,
    /// A header name that is no token.
    header_name => starting::name,
    /// A status that no response has.
    status_99 => starting::status_99,
    /// Too few bytes, at once.
    short_bytes => length::short_bytes,
    /// Too few bytes, streamed.
    short_stream => length::short_stream,
    /// Too few bytes, written.
    short_write => length::short_write,
    /// Too many bytes, at once.
    long_bytes => length::long_bytes,
    /// Too many bytes, streamed.
    long_stream => length::long_stream,
    /// Too many bytes, written.
    long_write => length::long_write,
    /// An error before start_response.
    error_before_start => failing::before_start,
    /// An error after start_response.
    error_after_start => failing::after_start,
    /// An error before the first chunk.
    error_first_in_stream => failing::first_in_stream,
    /// An error after the first chunk.
    error_in_stream => failing::in_stream,
    /// A stream without an end.
    endless => length::endless,
    /// Blocks its thread for a minute.
    hang => ending::hang,
    /// Ends the process with code 3.
    exit => ending::exit,
    /// Ends the process by SIGABRT.
    abort => ending::abort,
    /// Calls itself until its stack is full.
    overflow => ending::overflow,
}

fn by_path<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let name = environ.path_info().strip_prefix(b"/").unwrap_or_default();
    if let Some((_, app)) = APPS.iter().find(|(known, _)| known.as_bytes() == name) {
        return app(environ, start_response);
    }
    start_response.start(Head::new(Status::NOT_FOUND, TEXT))?;
    Ok(Body::parts(APPS.iter().flat_map(|(name, _)| [*name, "\n"])))
}

#[cfg(test)]
mod tests;
