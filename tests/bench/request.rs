//! The requests that are measured.

use gateway_server::protocol::Limits;
use gateway_server::protocol::http1::head;
use gateway_spec::Header;
use gateway_spec::abi::host::RequestHead;

/// What a browser sends for a page: twelve headers.
pub(crate) const BROWSER: &[u8] = b"GET /articles/2024/why-interfaces-matter?page=2 HTTP/1.1\r\n\
    Host: www.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Accept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: https://www.example.com/articles/\r\n\
    DNT: 1\r\n\
    Connection: keep-alive\r\n\
    Cookie: session=0f4a6c1e9b7d42d8; theme=dark\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Cache-Control: max-age=0\r\n\
    \r\n";

/// What a load generator sends.
pub(crate) const PLAIN: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";

/// The same for an app below a path.
pub(crate) const MOUNTED: &[u8] = b"GET /app/ HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";

/// The variables that a server adds.
pub(crate) const ENV: &[Header<'static>] = &[
    Header::from_static("SERVER_PROTOCOL", "HTTP/1.1"),
    Header::from_static("SERVER_NAME", "www.example.com"),
    Header::from_static("SERVER_PORT", "8000"),
    Header::from_static("REMOTE_ADDR", "127.0.0.1"),
    Header::from_static("REMOTE_PORT", "50000"),
    Header::from_static("gateway.version", gateway_spec::VERSION),
    Header::from_static("gateway.url_scheme", "http"),
    Header::from_static("gateway.multithread", "1"),
    Header::from_static("gateway.multiprocess", "0"),
    Header::from_static("gateway.run_once", "0"),
];

/// A head as the server parses it, its fields in `room`.
pub(crate) fn parse<'p>(
    bytes: &'static [u8],
    room: &mut head::Room<'static>,
    path: &'p mut Vec<u8>,
    limits: &Limits,
) -> head::Head<'p> {
    head::parse(bytes, limits, room, path).expect("the request is well formed")
}

/// The request of a parsed head.
pub(crate) fn request<'b>(head: &head::Head<'b>, headers: &'b [Header<'b>]) -> RequestHead<'b> {
    RequestHead {
        method: head.method,
        path_info: head.path,
        query_string: head.query,
        request_uri: head.target,
        body_complete: true,
        env: ENV,
        headers,
        ..RequestHead::EMPTY
    }
}
