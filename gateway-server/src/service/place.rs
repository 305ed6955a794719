//! Where an app is mounted.

use std::fmt;
use std::str::FromStr;

use super::{Hosts, Prefix};

/// Where an app is mounted: its hosts and its part of the path, written
/// `[HOST]/PREFIX`.
///
/// ```
/// use gateway_server::service::Place;
/// let place: Place = "API.example.org/v1".parse()?;
/// assert_eq!(place.to_string(), "api.example.org/v1");
/// assert!("/v1/".parse::<Place>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// For which hosts.
    pub hosts: Hosts,
    /// For which part of the path.
    pub prefix: Prefix,
}

impl Place {
    /// Whether it is that of every request.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.hosts == Hosts::Any && self.prefix.is_root()
    }

    /// The place of a segment below this one.
    ///
    /// # Errors
    /// Why no path has such a segment.
    pub fn join(&self, segment: &str) -> Result<Self, String> {
        Ok(Self { hosts: self.hosts.clone(), prefix: self.prefix.join(segment)? })
    }

    /// Whether another one is below this one, by one segment.
    #[must_use]
    pub fn is_parent_of(&self, other: &Self) -> bool {
        let segment = other.prefix.as_str().strip_prefix(self.prefix.as_str()).and_then(|rest| rest.strip_prefix('/'));
        self.hosts == other.hosts && segment.is_some_and(|segment| !segment.is_empty() && !segment.contains('/'))
    }
}

impl FromStr for Place {
    /// What to write instead.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(slash) = text.find('/') else {
            return Err(
                "write where the app is mounted as /PREFIX, or HOST/PREFIX; / and HOST/ for all paths".to_owned()
            );
        };
        let (hosts, prefix) = text.split_at(slash);
        Ok(Self { hosts: Hosts::parse(hosts)?, prefix: Prefix::parse(prefix)? })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.hosts, self.prefix)
    }
}
