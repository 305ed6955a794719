//! The rules of the protocols that web servers speak to applications.

use super::Rule;
use crate::protocol::Refusal;

const UWSGI: &str = "uwsgi protocol";
const SCGI: &str = "SCGI protocol";
const FASTCGI: &str = "FastCGI 1.0";

pub(super) const RULES: &[Rule] = &[
    Rule::refusing(
        "FRONT-01",
        "-",
        "At an address of uwsgi, SCGI or FastCGI a web server speaks that protocol.",
        Refusal::NotHttpHere,
        "An HTTP request there is recognised by its first letters, and answered in HTTP.",
    ),
    Rule::refusing(
        "FRONT-02",
        "-",
        "Where HTTP is spoken nobody speaks uwsgi, SCGI or FastCGI.",
        Refusal::OnlyHttpHere,
        "Recognised by the first bytes, and answered in HTTP, which nginx's log shows.",
    ),
    Rule::keeping(
        "FRONT-03",
        "-",
        "Only who comes by a Unix socket, from this machine's own addresses, or from a network of `--front-allow` is \
         listened to: what it says of a client is believed.",
        "The connection is closed; the log says so.",
    ),
    Rule::keeping(
        "FRONT-04",
        "RFC 3875, 4.1",
        "PATH_INFO and SCRIPT_NAME arrive decoded, and are not decoded again. Where no PATH_INFO is said, as in \
         nginx's own files for SCGI and FastCGI, all of the path is PATH_INFO: SCRIPT_NAME, DOCUMENT_URI, or that of \
         REQUEST_URI, decoded once.",
        "-",
    ),
    Rule::keeping(
        "FRONT-05",
        "RFC 3875, 4.1.18",
        "HTTP_ variables are the request's headers. Left out are Transfer-Encoding, Connection, Keep-Alive, TE, Upgrade \
         and Proxy. Names with a hyphen and with an underscore are the same here, in whatever case. Of other variables \
         that are said twice the last one counts, also where that one is empty.",
        "What HTTP does not allow in a header, a target or a method is refused as it is there; and what is said twice \
         of Host, Content-Length and Content-Type, or is no address of a client. Variables longer than twice \
         `--max-head`, or more than 1,000, are answered with 431.",
    ),
    Rule::keeping(
        "FRONT-06",
        UWSGI,
        "Packets have modifier 0, and 64 KiB at most. Modifier 100 is a ping, and answered. Variables that begin with \
         UWSGI_ are left out: they have uWSGI load code.",
        "Another modifier, or lengths that do not fit: a line in the log, and the connection is closed.",
    ),
    Rule::keeping(
        "FRONT-07",
        SCGI,
        "A netstring of variables: CONTENT_LENGTH first, SCGI=1 among them.",
        "A line in the log, and the connection is closed.",
    ),
    Rule::keeping(
        "FRONT-08",
        FASTCGI,
        "Responder is the role that is played; a connection serves one request at a time, and stays where the web server \
         wants that. FCGI_GET_VALUES, other roles, and, while its variables come, a second request beside the first \
         are answered as the specification says.",
        "Records out of order: a line in the log, and the connection is closed.",
    ),
    Rule::refusing(
        "FRONT-09",
        FASTCGI,
        "The records of FCGI_STDIN have as many bytes as CONTENT_LENGTH says.",
        Refusal::Records,
        "A body that is given up by FCGI_ABORT_REQUEST, or ends early, is cut short.",
    ),
    Rule::keeping(
        "FRONT-10",
        "RFC 3875, 6",
        "Responses are never chunked: they have a length, or end with the connection, or by FCGI_END_REQUEST. They \
         begin with a status line for uwsgi, with `Status:` for the others.",
        "One that is not whole ends without FCGI_END_REQUEST; where the connection's end is its own, that is a reset, \
         which Unix sockets do not have. A call that takes too long is answered with 504, but in \
         FastCGI, where the connection is cut.",
    ),
];
