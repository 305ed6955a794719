//! Requests as web servers pass them on, by uwsgi, SCGI and FastCGI: written here by
//! the protocols' documents, and by nothing of the server's.

/// A name and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// FastCGI: the head of a request for a responder, on a connection that stays.
pub const BEGIN: &[u8] = &[0, 1, 1, 0, 0, 0, 0, 0];

/// A uwsgi packet of variables.
///
/// # Panics
/// When they are longer than a packet may be.
#[must_use]
pub fn uwsgi(pairs: &[Pair]) -> Vec<u8> {
    let text = |text: &[u8]| [&length16(text.len()).to_le_bytes()[..], text].concat();
    let body: Vec<u8> = pairs.iter().flat_map(|(name, value)| [text(name), text(value)].concat()).collect();
    [&[0][..], &length16(body.len()).to_le_bytes(), &[0], &body].concat()
}

/// A netstring of variables.
#[must_use]
pub fn scgi(pairs: &[Pair]) -> Vec<u8> {
    let body: Vec<u8> = pairs.iter().flat_map(|(name, value)| [name, &b"\0"[..], value, b"\0"].concat()).collect();
    [format!("{}:", body.len()).as_bytes(), &body, b","].concat()
}

/// A FastCGI record, with so many bytes of padding.
///
/// # Panics
/// When it is longer than one may be.
#[must_use]
pub fn record(kind: u8, id: u16, content: &[u8], padding: u8) -> Vec<u8> {
    let ([high, low], [length, length_low]) = (id.to_be_bytes(), length16(content.len()).to_be_bytes());
    [&[1, kind, high, low, length, length_low, padding, 0][..], content, &vec![b'p'; padding.into()]].concat()
}

/// The variables of a FastCGI request, as they lie in its records.
///
/// # Panics
/// When one is longer than 2 GiB.
#[must_use]
pub fn params(pairs: &[Pair]) -> Vec<u8> {
    let length = |text: &[u8]| match u8::try_from(text.len()) {
        Ok(short @ 0..0x80) => vec![short],
        _ => (u32::try_from(text.len()).expect("a length") | 1 << 31).to_be_bytes().to_vec(),
    };
    pairs.iter().flat_map(|(name, value)| [length(name), length(value), name.clone(), value.clone()].concat()).collect()
}

/// Bytes in records of these lengths, one after the other and again from the first,
/// each with so many bytes of padding; and an empty one.
///
/// # Panics
/// When no length is given.
#[must_use]
pub fn stream(kind: u8, id: u16, mut bytes: &[u8], lengths: &[usize], padding: u8) -> Vec<u8> {
    let (mut out, mut lengths) = (Vec::new(), lengths.iter().cycle());
    while !bytes.is_empty() {
        let length = (*lengths.next().expect("a length")).clamp(1, bytes.len());
        let (piece, behind) = bytes.split_at(length);
        out.extend(record(kind, id, piece, padding));
        bytes = behind;
    }
    out.extend(record(kind, id, b"", 0));
    out
}

/// A FastCGI request, its variables and its body in records of these lengths.
#[must_use]
pub fn fastcgi(id: u16, pairs: &[Pair], body: &[u8], lengths: &[usize], padding: u8) -> Vec<u8> {
    let params = stream(4, id, &params(pairs), lengths, padding);
    [record(1, id, BEGIN, 0), params, stream(5, id, body, lengths, padding)].concat()
}

/// What the records are that a server answers: the number and the kind of each.
///
/// # Panics
/// When they are none, or the last one is not whole.
#[must_use]
pub fn kinds(mut output: &[u8]) -> Vec<(u16, u8)> {
    let mut kinds = Vec::new();
    while !output.is_empty() {
        let [1, kind, high, low, length, length_low, padding, _, behind @ ..] = output else {
            panic!("no record: {}", output.escape_ascii());
        };
        let size = usize::from(u16::from_be_bytes([*length, *length_low])) + usize::from(*padding);
        output = behind.get(size..).expect("the record is whole");
        kinds.push((u16::from_be_bytes([*high, *low]), *kind));
    }
    kinds
}

fn length16(length: usize) -> u16 {
    u16::try_from(length).expect("64 KiB at most")
}
