//! Who may know: those who have the token, where there is one; and no page of another
//! site, whatever its name leads to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;

/// See the module's text.
#[derive(Clone, Default)]
pub struct Gate {
    token: Option<String>,
    /// Where only browsers of this machine come, the address at which they do.
    address: Option<String>,
}

/// The shortest token: one that cannot be guessed.
const SHORTEST: usize = 16;

impl Gate {
    /// Lets in who has this token, as it stands in a file: white space around it is none
    /// of it.
    ///
    /// # Errors
    /// A sentence: it is too short, or cannot stand in a header.
    pub fn token(self, text: &str) -> Result<Self, String> {
        let token = text.trim();
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a token is one line of visible ASCII characters".to_owned());
        }
        if token.len() < SHORTEST {
            return Err(format!(
                "the token has {} characters, and could be guessed: at least {SHORTEST}, as `openssl rand -hex 32` gives",
                token.len()
            ));
        }
        Ok(Self { token: Some(token.to_owned()), ..self })
    }

    /// Lets in only who calls the server by a name of this machine alone, or by this
    /// address of it. A browser sends the name that a page has, and anybody may have a
    /// name lead here (DNS rebinding).
    #[must_use]
    pub fn local(self, address: String) -> Self {
        Self { address: Some(address), ..self }
    }

    /// Whether that is a name by which it may be called.
    pub(super) fn knows_host(&self, host: Option<&[u8]>) -> bool {
        let Some(own) = &self.address else { return true };
        let host = host.and_then(|host| std::str::from_utf8(host).ok()).unwrap_or_default();
        let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        let name = name.map_or(host, |(name, _)| name);
        ["localhost", "127.0.0.1", "[::1]", own].iter().any(|known| name.eq_ignore_ascii_case(known))
    }

    /// Whether an Authorization header has the token: as a bearer's, or as the password
    /// of any user, for browsers.
    pub(super) fn knows(&self, authorization: Option<&[u8]>) -> bool {
        let Some(token) = &self.token else { return true };
        let given = authorization.and_then(given).unwrap_or_default();
        // In the same time, however much of it is right.
        bool::from(given.as_slice().ct_eq(token.as_bytes()))
    }
}

/// What an Authorization header gives for a token.
fn given(header: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = header.split_at_checked(header.iter().position(|byte| *byte == b' ')?)?;
    let rest = rest.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Some(rest.to_vec());
    }
    let pair = scheme.eq_ignore_ascii_case(b"basic").then(|| STANDARD.decode(rest).ok()).flatten()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

/// Tells no token.
impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gate(token: {}, {:?})", self.token.is_some(), self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    #[test]
    fn a_token_is_long_and_can_be_sent() {
        let refused = |text: &str| Gate::default().token(text).is_err();
        assert!(
            refused("") && refused("0123456789abcde") && refused("0123456789 abcdef") && refused("0123456789abcdé!")
        );
        let gate = Gate::default().token(&format!(" {TOKEN}\n")).unwrap();
        assert!(!format!("{gate:?}").contains(TOKEN));
    }

    #[test]
    fn who_has_the_token_is_let_in() {
        let gate = Gate::default().token(TOKEN).unwrap();
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        let check =
            |header: &str, expected: bool| assert_eq!(gate.knows(Some(header.as_bytes())), expected, "{header}");
        check(&format!("Bearer {TOKEN}"), true);
        check(&format!("bearer  {TOKEN} "), true);
        check(&basic(&format!("anybody:{TOKEN}")), true);
        check(&basic(&format!(":{TOKEN}")), true);
        for wrong in ["", "Bearer", "Bearer ", TOKEN, "Bearer 0123456789abcde", "Bearer 0123456789abcdeg", "Basic !"] {
            check(wrong, false);
        }
        check(&format!("Bearer {TOKEN}0"), false);
        check(&basic(TOKEN), false);
        check(&basic(&format!("{TOKEN}:")), false);
        assert!(!gate.knows(None) && Gate::default().knows(None));
    }

    #[test]
    fn names_of_this_machine_are_known() {
        let gate = Gate::default().local("127.8.0.1".to_owned());
        let check = |host: &str, expected: bool| assert_eq!(gate.knows_host(Some(host.as_bytes())), expected, "{host}");
        for host in ["localhost", "LOCALHOST:9000", "127.0.0.1", "127.0.0.1:1", "[::1]:9000", "[::1]", "127.8.0.1:1"] {
            check(host, true);
        }
        for host in [
            "",
            "evil.example",
            "evil.example:9000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "a:b",
            "10.0.0.1",
        ] {
            check(host, false);
        }
        assert!(!gate.knows_host(None) && Gate::default().knows_host(Some(b"evil.example")));
    }
}
