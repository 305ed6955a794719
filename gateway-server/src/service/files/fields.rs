//! The headers of an answer, without an allocation.

use gateway_spec::Header;

/// A short list of headers.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    list: [Header<'a>; Fields::MOST],
    count: usize,
}

impl<'a> Fields<'a> {
    /// More than any answer has.
    const MOST: usize = 10;

    pub(super) const fn new() -> Self {
        Self { list: [Header::from_static("", ""); Self::MOST], count: 0 }
    }

    pub(super) fn push(&mut self, name: &'static str, value: &'a (impl AsRef<[u8]> + ?Sized)) {
        self.add(Header::new(name, value));
    }

    pub(super) fn add(&mut self, header: Header<'a>) {
        debug_assert!(self.count < Self::MOST, "no room for {header:?}");
        if let Some(place) = self.list.get_mut(self.count) {
            *place = header;
            self.count += 1;
        }
    }

    pub(super) fn as_slice(&self) -> &[Header<'a>] {
        &self.list[..self.count]
    }
}
