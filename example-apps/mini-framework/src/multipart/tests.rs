use proptest::prelude::*;

use super::*;

/// Gives at most so many bytes at a time.
struct Slowly<'b>(&'b [u8], usize);

impl Read for Slowly<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = buf.len().min(self.1);
        self.0.read(&mut buf[..most])
    }
}

type Parts = Vec<(String, Option<String>, Vec<u8>)>;

fn parse(body: &[u8], boundary: &str, piece: usize) -> io::Result<Parts> {
    let mut form = Multipart::new(Slowly(body, piece), boundary);
    let mut parts = Vec::new();
    while let Some(mut part) = form.next_part()? {
        let mut content = Vec::new();
        part.read_to_end(&mut content)?;
        parts.push((part.name().to_owned(), part.filename().map(str::to_owned), content));
    }
    // The end stays the end.
    assert!(form.next_part()?.is_none());
    Ok(parts)
}

fn refusal(body: &str) -> String {
    let error = parse(body.as_bytes(), "b", 3).expect_err("this is no form");
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    error.to_string()
}

fn encode(parts: &Parts, boundary: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, filename, content) in parts {
        let filename = filename.as_ref().map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n");
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(format!("--{boundary}--\r\n").into_bytes());
    body
}

/// Contents that are made of what a boundary is made of.
fn content() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&[u8]] = &[b"\r\n--bo", b"\r\n--", b"\r", b"\n", b"--boundary", b"und", b"\0\xff", &[b'x'; 20_000]];
    proptest::collection::vec(proptest::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_goes_in_comes_out(
        parts in proptest::collection::vec(("[a-z]{1,8}", proptest::option::of("[a-z. ]{0,9}"), content()), 0..5),
        piece in prop_oneof![1_usize..40, Just(100_000)],
    ) {
        // The pieces may come to be a boundary: then it is not one that a client had chosen.
        prop_assume!(parts.iter().all(|(_, _, content)| memchr::memmem::find(content, b"\r\n--boundary").is_none()));
        prop_assume!(parts.iter().all(|(_, _, content)| !content.starts_with(b"--boundary")));
        prop_assert_eq!(parse(&encode(&parts, "boundary"), "boundary", piece).unwrap(), parts);
    }

    #[test]
    fn nothing_that_comes_panics(body in proptest::collection::vec(any::<u8>(), 0..200), piece in 1_usize..9) {
        let _ = parse(&body, "b", piece);
    }

    #[test]
    fn a_form_that_is_changed_anywhere_never_panics(at in 0_usize..200, byte in any::<u8>(), cut in any::<bool>()) {
        let parts = vec![("a".to_owned(), None, b"one".to_vec()), ("b".to_owned(), Some("f".to_owned()), b"two".to_vec())];
        let mut body = encode(&parts, "b");
        let at = at.min(body.len() - 1);
        body[at] = byte;
        let body = if cut { &body[..at] } else { &body[..] };
        let _ = parse(body, "b", 2);
    }
}

#[test]
fn a_preamble_and_blanks_behind_a_boundary_are_left_out() {
    let body =
        b"hear ye\r\n--b \t\r\ncontent-DISPOSITION:form-data;name=a\r\nContent-Type: text/css\r\n\r\nx\r\n--b--\r\nbye";
    assert_eq!(parse(body, "b", 1).unwrap(), vec![("a".to_owned(), None, b"x".to_vec())]);
    let mut form = Multipart::new(&body[..], "b");
    assert_eq!(form.next_part().unwrap().unwrap().content_type(), Some("text/css"));
    // What nobody read of it is left out.
    assert!(form.next_part().unwrap().is_none());
}

/// The blank line's end is the delimiter's beginning.
#[test]
fn a_part_may_have_headers_and_no_content() {
    let body = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b\r\n\
                 Content-Disposition: form-data; name=c\r\n\r\nx\r\n--b--";
    for piece in [1, 7, 1000] {
        let parts = parse(body, "b", piece).unwrap();
        assert_eq!(parts, [("a".to_owned(), None, vec![]), ("c".to_owned(), None, b"x".to_vec())]);
    }
}

#[test]
fn a_part_can_be_read_byte_by_byte() {
    let content = [&[b'x'; 40_000][..], b"\r\n--\r\n"].concat();
    let parts = vec![("a".to_owned(), None, content.clone()), ("b".to_owned(), None, b"y".to_vec())];
    let body = encode(&parts, "b");
    let mut form = Multipart::new(&body[..], "b");
    let (mut part, mut read, mut byte) = (form.next_part().unwrap().unwrap(), Vec::new(), [0]);
    while part.read(&mut byte).unwrap() > 0 {
        read.push(byte[0]);
    }
    assert!(read == content);
    assert_eq!(form.next_part().unwrap().unwrap().name(), "b");
}

#[test]
fn what_is_no_form_says_why() {
    assert_eq!(refusal(""), "The form ends before its last boundary");
    assert_eq!(
        refusal("--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx"),
        "The form ends before its last boundary"
    );
    assert_eq!(refusal("--boundary\r\n"), "The form has a boundary in the midst of a line");
    assert_eq!(refusal("--b\r\n\r\nx\r\n--b--"), "The form has a part without a name");
    let long = format!("--b\r\nX: {}", "x".repeat(100_000));
    assert_eq!(refusal(&long), "The form has a part with headers that are too long");
    // Also where they end in what is at hand.
    let long = format!("--b\r\nContent-Disposition: form-data; name=a\r\nX: {}\r\n\r\nx\r\n--b--", "x".repeat(9_000));
    for piece in [1, 100_000] {
        let error = parse(long.as_bytes(), "b", piece).expect_err("this is too long").to_string();
        assert_eq!(error, "The form has a part with headers that are too long");
    }
    for end in ["\n", "\r"] {
        let form = format!("--b\r\nX: y{end}Content-Disposition: form-data; name=a\r\n\r\nx\r\n--b--");
        assert_eq!(refusal(&form), "The form has a header with half a line end");
    }
    let many = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n".repeat(1001);
    assert_eq!(refusal(&many), "The form has too many parts");
}

#[test]
fn names_are_written_in_several_ways() {
    let filename = |text: &str| parameter(&format!("form-data; name=\"a;b\"; filename={text}; x=y"), "filename");
    assert_eq!(filename("plain.txt").as_deref(), Some("plain.txt"));
    assert_eq!(filename("\"a \\\"b\\\".txt\"").as_deref(), Some("a \"b\".txt"));
    assert_eq!(filename("\"a %22b%22.txt\"").as_deref(), Some("a \"b\".txt"));
    assert_eq!(filename("\"C:\\temp\\a.txt\"").as_deref(), Some("C:\\temp\\a.txt"));
    assert_eq!(filename("\"C:\\dir\\\"").as_deref(), Some("C:\\dir\\"));
    let without = |text: &str| parameter(&format!("form-data; filename={text}"), "filename");
    assert_eq!(without("\"C:\\dir\\\"").as_deref(), Some("C:\\dir\\"));
    assert_eq!(without("\"never ends").as_deref(), Some("never ends"));
    assert_eq!(parameter("form-data; foo; name=\"a\"", "name").as_deref(), Some("a"));
    assert_eq!(parameter("form-data; foo; name=\"a\"", "foo"), None);
    assert_eq!(boundary("multipart/form-data; charset; boundary=BB").as_deref(), Some("BB"));
    assert_eq!(parameter("form-data; name=\"a;b\"", "name").as_deref(), Some("a;b"));
    assert_eq!(boundary("multipart/form-data; charset=x; Boundary=\"a b\"").as_deref(), Some("a b"));
    assert_eq!(boundary("multipart/form-data; boundary="), None);
    assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71))), None);
}
