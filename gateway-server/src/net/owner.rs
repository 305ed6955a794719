//! Whose a socket's file is.

use std::str::FromStr;

use crate::sys::{account, group_id};

/// What `--socket-owner` takes: `www-data`, `www-data:www-data`, `:www-data`,
/// or numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Stays who it is where there is none.
    pub(super) user: Option<u32>,
    /// The same.
    pub(super) group: Option<u32>,
}

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (user, group) = text.split_once(':').unwrap_or((text, ""));
        if user.is_empty() && group.is_empty() {
            return Err("write it as USER, USER:GROUP or :GROUP".to_owned());
        }
        let user = (!user.is_empty()).then(|| account(user)).transpose()?;
        let group = (!group.is_empty()).then(|| group_id(group)).transpose()?;
        Ok(Self { user: user.map(|account| account.user), group })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        let owner = |user, group| Ok(Owner { user, group });
        assert_eq!("root".parse(), owner(Some(0), None));
        assert_eq!("root:root".parse(), owner(Some(0), Some(0)));
        assert_eq!(":7".parse(), owner(None, Some(7)));
        assert_eq!("12:34".parse(), owner(Some(12), Some(34)));
        assert_eq!("no-such-user:root".parse::<Owner>(), Err("there is no user no-such-user".to_owned()));
        assert_eq!("root:no-such-group".parse::<Owner>(), Err("there is no group no-such-group".to_owned()));
        for text in ["", ":"] {
            assert!(text.parse::<Owner>().unwrap_err().contains("USER:GROUP"));
        }
    }
}
