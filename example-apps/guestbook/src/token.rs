//! Who may post: a page of this site.
//!
//! Another site can have a visitor's browser post a form here. Browsers say so, in one
//! header or another, and such a form is refused. For those that say nothing there is a
//! token: a form repeats what a cookie says ("double submit"). Another site cannot read
//! this site's cookies. Its neighbours below the same domain can set one, though, unless
//! its name begins with `__Host-`, which needs https. Nothing has to be kept, which all
//! workers would have to agree on.

use gateway_spec::{Error, Status};
use mini_framework::{Cookie, Failure, Fields, Request, SameSite};
use subtle::ConstantTimeEq as _;

const COOKIE: &str = "guestbook-token";
/// The same where it came encrypted: browsers let nobody else set it.
const HOST_COOKIE: &str = "__Host-guestbook-token";
/// The field that repeats it.
const FIELD: &str = "token";
/// In bytes: more than anybody guesses.
const LENGTH: usize = 16;

/// The visitor's token, and the cookie that brings it where there is none yet.
pub(crate) fn of(request: &Request<'_>) -> Result<(String, Option<Cookie<'static>>), Failure> {
    if let Some(token) = known(request).next() {
        return Ok((token, None));
    }
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| Error::app(error.to_string()))?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut cookie = cookie(request, name(request), token.clone());
    if cookie.name() == HOST_COOKIE {
        // Browsers take it for no other path.
        cookie.set_path("/");
    }
    Ok((token, Some(cookie)))
}

/// Refuses a form of another site, and one that does not repeat the cookie.
pub(crate) fn check(request: &Request<'_>, form: &Fields) -> Result<(), Failure> {
    let field = form.get(FIELD).unwrap_or_default();
    // In constant time: how long it takes says nothing of where they differ.
    if !request.is_foreign() && known(request).any(|cookie| cookie.as_bytes().ct_eq(field.as_bytes()).into()) {
        return Ok(());
    }
    let words = "This form is too old, or does not come from this site. Nothing was written. \
                 If it was you: please go back, load the page anew, and allow its cookie.";
    Err(Failure::new(Status::FORBIDDEN, words))
}

/// What the visitor has that may be a token: the domain above may have set a cookie of
/// that name, too.
fn known(request: &Request<'_>) -> impl Iterator<Item = String> {
    let is_ours = |token: &String| token.len() == 2 * LENGTH && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    request.cookies(name(request)).into_iter().filter(is_ours)
}

fn name(request: &Request<'_>) -> &'static str {
    if request.environ().is_https() { HOST_COOKIE } else { COOKIE }
}

/// A cookie that stays with this site: no script reads it, no other site's form brings it,
/// and it goes the way that it came, encrypted where that was.
pub(crate) fn cookie(request: &Request<'_>, name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build((name, value))
        .path(request.link("/"))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(request.environ().is_https())
        .build()
}
