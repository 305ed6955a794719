//! Lines that an app has logged about a request whose web server wants them too: in
//! FastCGI they go to its own log.

use std::cell::RefCell;

use super::RequestId;

/// The most bytes of lines that are kept for a request at once.
const MOST: usize = 16 * 1024;

thread_local! {
    /// By request: while a coroutine waits the thread is about another one.
    static LINES: RefCell<Vec<(RequestId, String)>> = const { RefCell::new(Vec::new()) };
}

/// The lines of a request are kept from now on, as far as its own threads log them,
/// until they are taken.
pub fn overhear(id: RequestId) {
    LINES.with_borrow_mut(|lines| lines.push((id, String::new())));
}

/// An app logs a line about the request that this thread serves.
pub fn heard(line: impl FnOnce() -> String) {
    let Some(id) = RequestId::current() else { return };
    LINES.with_borrow_mut(|lines| {
        if let Some((_, text)) = lines.iter_mut().find(|(kept, _)| *kept == id) {
            let line = line();
            if text.len() + line.len() < MOST {
                text.push_str(&line);
                text.push('\n');
            }
        }
    });
}

/// What was kept of a request's lines; nothing is kept any more.
#[must_use]
pub fn overheard(id: RequestId) -> Option<String> {
    LINES.with_borrow_mut(|lines| {
        let place = lines.iter().position(|(kept, _)| *kept == id)?;
        Some(lines.swap_remove(place).1).filter(|text| !text.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_for_those_who_want_them() {
        let (one, other) = (RequestId::of_exchange().next(), RequestId::of_exchange().next());
        overhear(one);
        heard(|| "about nobody".to_owned());
        for (id, line) in [(one, "first"), (other, "not wanted"), (one, "second")] {
            let before = RequestId::enter(Some(id));
            heard(|| line.to_owned());
            RequestId::enter(before);
        }
        assert_eq!(overheard(other), None);
        assert_eq!(overheard(one).as_deref(), Some("first\nsecond\n"));
        assert_eq!(overheard(one), None);
    }
}
