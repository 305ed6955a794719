//! Whose process serves.

use std::fmt;
use std::str::FromStr;

use crate::sys::{Account, account, change_identity, group_id, is_identity};

/// Whom `--user` and `--group` want to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Stays who it is where there is none.
    account: Option<Account>,
    group: u32,
    /// As it was asked for.
    text: String,
}

impl Identity {
    /// Of the two flags.
    pub(super) fn of(user: Option<UserFlag>, group: Option<GroupFlag>) -> Result<Option<Self>, String> {
        let (user, group) = match (user, group) {
            (None, None) => return Ok(None),
            (None, Some(group)) => {
                let text = format!("group {}", group.text);
                return Ok(Some(Self { account: None, group: group.number, text }));
            }
            (Some(UserFlag { group: Some(_), text, .. }), Some(group)) => {
                return Err(format!("--user {text} names a group, and --group {}: leave one out", group.text));
            }
            (Some(user), group) => (user, group),
        };
        let own = user.account.listed.as_ref().map(|(_, group)| *group);
        let group = user.group.or(group.map(|group| group.number)).or(own);
        let group = group.ok_or_else(|| {
            let user = &user.text;
            format!("--user {user}: the system does not know this user, and so no group: write --user {user}:GROUP")
        })?;
        Ok(Some(Self { account: Some(user.account), group, text: format!("user {}", user.text) }))
    }

    /// Whether this process is so already.
    #[must_use]
    pub fn is_held(&self) -> bool {
        is_identity(self.account.as_ref().map(|account| account.user), self.group).unwrap_or(false)
    }

    /// Whether a process that is so has all rights.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.account.as_ref().is_none_or(|account| account.user == 0)
    }

    /// Gives a file to it.
    ///
    /// # Errors
    /// The system's: this process may not.
    pub fn own(&self, file: impl std::os::fd::AsFd) -> std::io::Result<()> {
        let user = self.account.as_ref().map(|account| account.user);
        std::os::unix::fs::fchown(file, user, Some(self.group))
    }

    /// Makes this process so, for good.
    ///
    /// # Errors
    /// The system's: this process may not. It is not fit to go on then.
    pub fn take(&self) -> std::io::Result<()> {
        change_identity(self.account.as_ref(), self.group)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `--user`
#[derive(Clone, Debug)]
pub(super) struct UserFlag {
    account: Account,
    group: Option<u32>,
    text: String,
}

impl FromStr for UserFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        if user.is_empty() || group == Some("") {
            return Err("write it as USER or USER:GROUP, by name or by number".to_owned());
        }
        Ok(Self { account: account(user)?, group: group.map(group_id).transpose()?, text: text.to_owned() })
    }
}

/// `--group`
#[derive(Clone, Debug)]
pub(super) struct GroupFlag {
    number: u32,
    text: String,
}

impl FromStr for GroupFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("write a group, by name or by number".to_owned());
        }
        Ok(Self { number: group_id(text)?, text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the two flags: the user, the group.
    fn identity(user: &str, group: &str) -> Result<(Option<u32>, u32), String> {
        let user = (!user.is_empty()).then(|| user.parse()).transpose()?;
        let group = (!group.is_empty()).then(|| group.parse()).transpose()?;
        let identity = Identity::of(user, group)?.expect("one of them is given");
        Ok((identity.account.map(|account| account.user), identity.group))
    }

    #[test]
    fn names_and_numbers() {
        assert_eq!(identity("root", ""), Ok((Some(0), 0)));
        assert_eq!(identity("0", ""), Ok((Some(0), 0)));
        assert_eq!(identity("root:7", ""), Ok((Some(0), 7)));
        assert_eq!(identity("root", "7"), Ok((Some(0), 7)));
        assert_eq!(identity("", "root"), Ok((None, 0)));
        assert_eq!(identity("54321:12345", ""), Ok((Some(54321), 12345)));
        assert!(Identity::of(None, None).is_ok_and(|identity| identity.is_none()));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (user, group, words) in [
            ("no-such-user", "", "there is no user no-such-user"),
            ("root:no-such-group", "", "there is no group no-such-group"),
            ("", "no-such-group", "there is no group no-such-group"),
            (":root", "", "write it as USER or USER:GROUP"),
            ("root:", "", "write it as USER or USER:GROUP"),
            ("4294967295:0", "", "4294967295 is the number of no user"),
            ("root:4294967295", "", "4294967295 is the number of no group"),
            ("3054321", "", "write --user 3054321:GROUP"),
            ("root:7", "7", "--user root:7 names a group, and --group 7: leave one out"),
        ] {
            let refused = identity(user, group).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }
}
