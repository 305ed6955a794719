//! A message for the next page: what was done is told where the redirect leads, once.

use mini_framework::{Request, Response};

use crate::token::cookie;

const COOKIE: &str = "guestbook-flash";
/// The cookie says which message, not its words: a visitor cannot be made to read others.
const WRITTEN: &str = "written";

/// Tells the next page that an entry was written.
pub(crate) fn written(request: &Request<'_>, response: Response) -> Response {
    response.with_cookie(&cookie(request, COOKIE, WRITTEN.to_owned()))
}

/// The message for this page.
pub(crate) fn message(request: &Request<'_>) -> Option<&'static str> {
    (request.cookie(COOKIE)? == WRITTEN).then_some("Thank you! Your entry is in the book.")
}

/// Takes the message away, if there is one: it was told, or is true no more. HEAD shows
/// nobody anything.
pub(crate) fn told(request: &Request<'_>, response: Response) -> Response {
    if message(request).is_none() || request.method() == "HEAD" {
        return response;
    }
    let mut cookie = cookie(request, COOKIE, String::new());
    cookie.make_removal();
    response.with_cookie(&cookie)
}
