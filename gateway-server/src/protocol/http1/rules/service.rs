//! How requests are served: connections, responses, limits.

use super::Rule;
use crate::protocol::Refusal;

pub(super) const RULES: &[Rule] = &[
    Rule::keeping(
        "CONN-01",
        "RFC 9112, 9.3",
        "An HTTP/1.1 connection stays unless `close` is among the tokens of Connection; an HTTP/1.0 one closes unless \
         `keep-alive` is, which is then answered. `close` wins.",
        "-",
    ),
    Rule::keeping(
        "CONN-02",
        "RFC 9112, 9.6",
        "`Connection: close` is honoured both ways: a client's is answered with one, and after either no request is \
         read.",
        "-",
    ),
    Rule::keeping("CONN-03", "RFC 9112, 9.6", "A client that has closed its sending side still gets its answers.", "-"),
    Rule::keeping("CONN-04", "RFC 9112, 9.3.2", "Pipelined requests are answered in their order.", "-"),
    Rule::keeping(
        "CONN-05",
        "RFC 9112, 9.3",
        "A body that the app left unread is read over, up to 64 KiB, to keep the connection.",
        "More than that, or one that cannot be read: the connection closes.",
    ),
    Rule::keeping(
        "CONN-06",
        "RFC 9112, 9.6",
        "A connection over which a client may still send is closed in two steps: the sending side first, then, after \
         2 seconds, 4 MiB or the client's own close, the rest. One whose client has said `close` itself, and of which \
         nothing lies unread, is closed at once.",
        "A close over what was sent would reset the connection and take back the answer.",
    ),
    Rule::keeping(
        "CONN-07",
        "-",
        "After as many requests as `--keep-alive-requests` says, the answer says `Connection: close`.",
        "-",
    ),
    Rule::refusing(
        "CONN-08",
        "-",
        "Where TLS is spoken a client begins with its handshake.",
        Refusal::NotEncrypted,
        "Answered without TLS, if it begins with a letter as a request does.",
    ),
    Rule::keeping(
        "CONN-09",
        "RFC 8446, 6.1",
        "Where TLS is spoken a close is announced by close_notify, but not that of a response which is cut. A client \
         that closes without it has closed all the same.",
        "-",
    ),
    Rule::keeping(
        "EXPECT-01",
        "RFC 9110, 10.1.1",
        "100 Continue is sent when the app first reads the body, or before the body is collected for it; once, and not if \
         the body has begun to arrive.",
        "-",
    ),
    Rule::refusing(
        "EXPECT-02",
        "RFC 9110, 10.1.1",
        "`100-continue` is the only expectation.",
        Refusal::Expectation,
        "Refused.",
    ),
    Rule::keeping(
        "EXPECT-03",
        "RFC 9110, 10.1.1",
        "Where the app answers without reading, no 100 is sent, and the answer says `Connection: close`: whether the \
         body still comes, nobody knows.",
        "-",
    ),
    Rule::keeping("EXPECT-04", "RFC 9110, 10.1.1", "An HTTP/1.0 client gets no 100, whatever it expects.", "-"),
    Rule::keeping(
        "RESP-01",
        "RFC 9112, 6.3",
        "The end of a response is told in exactly one way: Content-Length where the length is known, else chunks to \
         HTTP/1.1, else the close of the connection.",
        "-",
    ),
    Rule::keeping(
        "RESP-02",
        "RFC 9110, 6.4.1",
        "Responses to HEAD and those with 1xx, 204 and 304 have no body, whatever the app gives; 205 has a length of 0.",
        "-",
    ),
    Rule::keeping(
        "RESP-03",
        "RFC 9110, 8.6",
        "A declared length is held: bytes beyond it are cut.",
        "The excess is logged as the app's error.",
    ),
    Rule::keeping(
        "RESP-04",
        "RFC 9112, 8",
        "A response that is shorter than its length, or fails after its first byte, is cut, so that the client can \
         tell.",
        "The connection closes without an end of the body; logged.",
    ),
    Rule::keeping(
        "RESP-05",
        "RFC 9110, 15.5",
        "The server's own errors have a small plain-text body; one that is the client's names the rule in words.",
        "-",
    ),
    Rule::keeping(
        "RESP-06",
        "RFC 9112, 11.1",
        "An app's head is one head: names are tokens, values have no CR, LF or NUL, and the fields of the connection \
         are the server's.",
        "An error to the app; 500 if it gives up.",
    ),
    Rule::refusing(
        "LIMIT-01",
        "RFC 9110, 15.5.15",
        "A request line has at most `--max-line`, 8 KiB.",
        Refusal::LineTooLong,
        "Refused as soon as it is longer.",
    ),
    Rule::refusing(
        "LIMIT-02",
        "RFC 6585, 5",
        "A head has at most `--max-head`, 32 KiB.",
        Refusal::HeadTooLarge,
        "Refused as soon as it is larger.",
    ),
    Rule::refusing(
        "LIMIT-03",
        "RFC 6585, 5",
        "A head has at most `--max-fields`, 100.",
        Refusal::TooManyFields,
        "Refused.",
    ),
    Rule::refusing(
        "LIMIT-04",
        "RFC 9110, 15.5.14",
        "A body has at most `--max-body`, 1 GiB.",
        Refusal::BodyTooLarge,
        "Refused at its Content-Length; a chunked one at the chunk that would pass the limit.",
    ),
    Rule::refusing(
        "LIMIT-05",
        "RFC 9110, 15.5.14",
        "Where bodies are collected before the call, one has at most `--max-spool`, 1 GiB.",
        Refusal::BodyTooLarge,
        "Refused at its Content-Length, or at the chunk that would pass the limit.",
    ),
    Rule::refusing(
        "LIMIT-06",
        "RFC 4918, 11.5",
        "A collected body beyond 64 KiB goes to a file.",
        Refusal::Storage,
        "Refused where the file cannot be made or written.",
    ),
    Rule::keeping(
        "LIMIT-07",
        "-",
        "As many connections as `--connections` says are served at once; more wait until one ends.",
        "-",
    ),
    Rule::refusing(
        "TIME-01",
        "RFC 9110, 15.5.9",
        "A head is complete within `--head-timeout`, 10 seconds, of its first byte.",
        Refusal::HeadTimeout,
        "Refused. A connection on which no byte has come is closed without a word.",
    ),
    Rule::refusing(
        "TIME-02",
        "RFC 9110, 15.5.9",
        "After `--body-timeout`, 10 seconds, a body has brought `--body-rate`, 512 bytes, for each second more.",
        Refusal::BodyTimeout,
        "Refused; an error to an app that reads.",
    ),
    Rule::keeping(
        "TIME-03",
        "RFC 9112, 9.8",
        "A kept connection waits `--keep-alive-timeout`, 75 seconds, for its next request.",
        "It is closed without a word.",
    ),
    Rule::keeping(
        "TIME-04",
        "-",
        "A client takes some bytes of its answer within every `--write-timeout`, 30 seconds.",
        "The connection closes.",
    ),
];
