//! Forms with files (multipart/form-data, RFC 7578), read as they come.

use std::io::{self, BufRead as _, BufReader, Read};

use memchr::memmem::Finder;

/// How much is read at once.
const PIECE: usize = 16 * 1024;
/// The headers of a part, all together.
const HEADERS: usize = 8 * 1024;
/// A form of empty parts costs its client little.
const PARTS: usize = 1000;

/// The parts of a form, one after the other.
///
/// ```
/// use std::io::Read as _;
/// use mini_framework::Multipart;
///
/// let body = "--x\r\nContent-Disposition: form-data; name=\"note\"; filename=\"a.txt\"\r\n\r\nhello\r\n--x--\r\n";
/// let mut form = Multipart::new(body.as_bytes(), "x");
/// let mut part = form.next_part()?.expect("there is a part");
/// assert_eq!((part.name(), part.filename()), ("note", Some("a.txt")));
/// let mut text = String::new();
/// part.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// assert!(form.next_part()?.is_none());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Multipart<R> {
    reader: BufReader<R>,
    /// CR LF, two dashes, the boundary: what ends a part, and the preamble too.
    delimiter: Finder<'static>,
    buffer: Vec<u8>,
    start: usize,
    /// How much behind `start` is known to be content: nothing is searched twice.
    sure: usize,
    parts: usize,
    state: State,
}

/// Where reading stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Inside a part, or in what precedes the first.
    Content,
    /// Behind a delimiter.
    Delimiter,
    End,
}

/// The boundary that a Content-Type states.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let boundary = parameter(content_type, "boundary")?;
    // RFC 2046, section 5.1.1.
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

impl<R: Read> Multipart<R> {
    /// Reads a form with that boundary.
    pub fn new(reader: R, boundary: &str) -> Self {
        let delimiter = Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned();
        // The first delimiter may be the first line: then this is the line before it.
        let buffer = b"\r\n".to_vec();
        let reader = BufReader::with_capacity(PIECE, reader);
        Self { reader, delimiter, buffer, start: 0, sure: 0, parts: 0, state: State::Content }
    }

    /// The next part; what was not read of the one before is left out.
    ///
    /// # Errors
    /// `InvalidData` for what is no such form; those of the reader.
    pub fn next_part(&mut self) -> io::Result<Option<Part<'_, R>>> {
        while self.state == State::Content {
            self.skip()?;
        }
        if self.state == State::End || self.ends()? {
            self.state = State::End;
            return Ok(None);
        }
        self.parts += 1;
        if self.parts > PARTS {
            return Err(invalid("The form has too many parts"));
        }
        let headers = self.headers()?;
        self.state = State::Content;
        Part::new(self, &headers).map(Some)
    }

    fn skip(&mut self) -> io::Result<()> {
        let count = self.content()?.len();
        self.pass(count);
        Ok(())
    }

    const fn pass(&mut self, count: usize) {
        self.start += count;
        self.sure -= count;
    }

    /// Bytes of the part that are at hand; none at its end, which is passed then.
    fn content(&mut self) -> io::Result<&[u8]> {
        while self.sure == 0 {
            let held = &self.buffer[self.start..];
            match self.delimiter.find(held) {
                Some(0) => {
                    self.start += self.delimiter.needle().len();
                    self.state = State::Delimiter;
                    return Ok(&[]);
                }
                Some(at) => self.sure = at,
                None => {
                    // The last bytes may be the beginning of a delimiter.
                    self.sure = held.len().saturating_sub(self.delimiter.needle().len() - 1);
                    if self.sure == 0 {
                        self.fill()?;
                    }
                }
            }
        }
        Ok(&self.buffer[self.start..self.start + self.sure])
    }

    /// Behind a delimiter: whether it was the last, with two dashes. Else the rest of
    /// its line is blank.
    fn ends(&mut self) -> io::Result<bool> {
        if self.peek(2)? == b"--" {
            return Ok(true);
        }
        while matches!(self.peek(1)?, b" " | b"\t") {
            self.start += 1;
        }
        if self.peek(2)? != b"\r\n" {
            return Err(invalid("The form has a boundary in the midst of a line"));
        }
        self.start += 2;
        Ok(false)
    }

    /// The headers of a part, with their line ends.
    fn headers(&mut self) -> io::Result<String> {
        let length = self.headers_length()?;
        let headers = self.buffer[self.start..self.start + length].to_vec();
        self.start += length;
        // The blank line's end may be a delimiter's beginning: a part without content.
        self.peek(self.delimiter.needle().len())?;
        if !self.buffer[self.start..].starts_with(self.delimiter.needle()) {
            self.start += 2;
        }
        let headers = String::from_utf8(headers).map_err(|_| invalid("The form has a header that is not UTF-8"))?;
        // Others may take one of the two for a line's end, and see other headers.
        if headers.split("\r\n").any(|line| line.contains(['\r', '\n'])) {
            return Err(invalid("The form has a header with half a line end"));
        }
        Ok(headers)
    }

    /// Where the blank line behind the headers is.
    fn headers_length(&mut self) -> io::Result<usize> {
        let mut from = 0;
        loop {
            let held = &self.buffer[self.start..];
            let end = if held.starts_with(b"\r\n") {
                Some(0)
            } else {
                memchr::memmem::find(&held[from..], b"\r\n\r\n").map(|at| from + at + 2)
            };
            if end.unwrap_or(held.len()) > HEADERS {
                return Err(invalid("The form has a part with headers that are too long"));
            }
            if let Some(end) = end {
                return Ok(end);
            }
            // Three bytes of the blank line may be there.
            from = held.len().saturating_sub(3);
            self.fill()?;
        }
    }

    fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.buffer.len() - self.start < count {
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.start + count])
    }

    /// Reads more behind what is held.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let piece = self.reader.fill_buf()?;
        if piece.is_empty() {
            return Err(invalid("The form ends before its last boundary"));
        }
        self.buffer.extend_from_slice(piece);
        let count = piece.len();
        self.reader.consume(count);
        Ok(())
    }
}

/// A part: a reader of its content.
pub struct Part<'m, R> {
    form: &'m mut Multipart<R>,
    name: String,
    filename: Option<String>,
    content_type: Option<String>,
}

impl<'m, R: Read> Part<'m, R> {
    fn new(form: &'m mut Multipart<R>, headers: &str) -> io::Result<Self> {
        let value = |name: &str| {
            let fields = headers.split("\r\n").filter_map(|line| line.split_once(':'));
            fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
        };
        let disposition = value("content-disposition").unwrap_or_default();
        let name = parameter(disposition, "name").ok_or_else(|| invalid("The form has a part without a name"))?;
        let filename = parameter(disposition, "filename");
        let content_type = value("content-type").map(str::to_owned);
        Ok(Self { form, name, filename, content_type })
    }

    /// The name of the field.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the file, if it is one, as the client says it: never a path to
    /// write to.
    #[must_use]
    pub fn filename(&self) -> Option<&str> {
        self.filename.as_deref()
    }

    /// The content's type, as the client says it.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }
}

impl<R: Read> Read for Part<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.form.state != State::Content || buf.is_empty() {
            return Ok(0);
        }
        let content = self.form.content()?;
        let count = content.len().min(buf.len());
        buf[..count].copy_from_slice(&content[..count]);
        self.form.pass(count);
        Ok(count)
    }
}

/// A parameter of a header's value: `name=token` or `name="text"`.
fn parameter(value: &str, name: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        // One without a value ends here, and not behind the next one's.
        let at = rest.find(['=', ';'])?;
        let (known, after) = (&rest[..at], &rest[at + 1..]);
        if rest[at..].starts_with(';') {
            rest = after;
            continue;
        }
        let (text, behind) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if known.trim().eq_ignore_ascii_case(name) {
            return Some(text);
        }
        rest = behind.split_once(';')?.1;
    }
}

/// The text up to a quote that stands alone, and what follows that. Browsers write
/// `%22` and line ends as `%0D%0A`, curl writes `\"`; other backslashes are themselves.
///
/// A file that is called `a\` comes as `"a\"` from a browser: where no quote stands alone,
/// the last one ends the text. It has to have a name, or the file would be a field.
fn unquote(quoted: &str) -> (String, &str) {
    let decode = |text: &str| text.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n");
    let mut text = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (decode(&text), &quoted[at + 1..]),
            '\\' => text.push(chars.next_if(|(_, next)| matches!(next, '"' | '\\')).map_or('\\', |(_, next)| next)),
            _ => text.push(char),
        }
    }
    let (text, behind) = quoted.rsplit_once('"').unwrap_or((quoted, ""));
    (decode(text), behind)
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests;
