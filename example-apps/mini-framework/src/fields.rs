//! What a query or a form says.

use gateway_spec::Status;

use crate::Failure;

/// A field costs its client two bytes, and its reader a hundred.
const FIELDS: usize = 1000;

/// Names and values, decoded, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Parses `a=1&b=two+words`. Anything is a form; what is not UTF-8 in it becomes
    /// `U+FFFD`.
    ///
    /// # Errors
    /// 413 for more than a thousand fields.
    pub fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let mut fields = form_urlencoded::parse(bytes);
        let known = fields.by_ref().take(FIELDS).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        match fields.next() {
            None => Ok(Self(known)),
            Some(_) => Err(Failure::new(Status::CONTENT_TOO_LARGE, format!("These are more than {FIELDS} fields."))),
        }
    }

    /// The first value of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of that name: several boxes that are ticked.
    pub fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// 400 that names it.
    pub fn required(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| Failure::bad_request(format!("{name} is missing.")))
    }
}
