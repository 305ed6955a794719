//! The handlers.

use gateway_spec::Status;
use mini_framework::{Failure, Outcome, Request, Response, json};

use crate::database::Database;
use crate::entry::{Draft, Problems};
use crate::{flash, pages, store, token};

/// The guest book.
pub(crate) struct Book {
    database: Database,
}

impl Book {
    pub(crate) const fn new(database: Database) -> Self {
        Self { database }
    }

    /// GET `/`
    pub(crate) fn read(&self, request: &mut Request<'_>) -> Outcome {
        let query = request.query()?;
        let message = flash::message(request);
        let page = self.show(request, query.get("page"), message, &Draft::default(), &Problems::default())?;
        Ok(flash::told(request, page))
    }

    /// POST `/entries`
    pub(crate) fn write(&self, request: &mut Request<'_>) -> Outcome {
        let form = request.form()?;
        token::check(request, &form)?;
        let draft = Draft::new(&form);
        let problems = draft.problems();
        if problems != Problems::default() {
            let page = self.show(request, None, None, &draft, &problems)?;
            return Ok(flash::told(request, page.with_status(Status::UNPROCESSABLE_CONTENT)));
        }
        store::write(&self.database, &draft)?;
        Ok(flash::written(request, Response::see_other(&request.link("/"))))
    }

    /// GET `/entries/{id}`
    pub(crate) fn entry(&self, request: &mut Request<'_>) -> Outcome {
        let id = pages::number(request.param("id")).ok_or_else(Failure::not_found)?;
        let entry = store::find(&self.database, id)?.ok_or_else(Failure::not_found)?;
        request.render("entry.html", json!({ "entries": [entry] }))
    }

    /// GET `/entries.json`
    pub(crate) fn json(&self, request: &mut Request<'_>) -> Outcome {
        let (entries, pages) = store::page(&self.database, request.query()?.get("page"))?;
        Response::json(&json!({ "entries": entries, "pages": pages }))
    }

    /// The form with what was typed, and a page of entries.
    fn show(
        &self,
        request: &Request<'_>,
        page: Option<&str>,
        message: Option<&str>,
        draft: &Draft,
        problems: &Problems,
    ) -> Outcome {
        let (entries, pages) = store::page(&self.database, page)?;
        let (token, cookie) = token::of(request)?;
        let values = json!({
            "entries": entries,
            "pages": pages,
            "token": token,
            "message": message,
            "draft": draft,
            "problems": problems,
        });
        // The page is this visitor's: it has a token, and what somebody typed.
        let mut response = request.render("book.html", values)?.with_header("Cache-Control", "private, no-cache");
        if let Some(cookie) = cookie {
            response = response.with_cookie(&cookie);
        }
        Ok(response)
    }
}

/// GET `/style.css`
pub(crate) fn style(_: &mut Request<'_>) -> Outcome {
    let style = include_str!("../static/style.css");
    Ok(Response::body("text/css; charset=utf-8", style).with_header("Cache-Control", "max-age=300"))
}
