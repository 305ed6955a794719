//! A small web framework on top of Gateway: what stands between an
//! [`App`](gateway_spec::App) and a site. It is read in ten minutes, in this order:
//!
//! | file | noun |
//! |---|---|
//! | `application` | [`Application`]: routes, middleware, limits; the one `App` in here |
//! | `route` | a pattern as `/entries/{id}`, and the table that finds one |
//! | `request` | [`Request`]: parameters, query, cookies, form, upload, JSON |
//! | `response` | [`Response`]: pages, JSON, files, redirects, cookies |
//! | `failure` | [`Failure`]: what is answered instead, and how it becomes a page |
//! | `fields` | [`Fields`]: what a query or a form says |
//! | `multipart` | [`Multipart`]: uploads, read as they come |
//! | `limited` | a body with an end |
//! | `templates` | pages by minijinja, escaped |
//! | `files` | a folder under a prefix |
//! | `zone` | [`Zone`]: the time, there |
//!
//! ```
//! use gateway_spec::testing::TestClient;
//! use mini_framework::{Application, Outcome, Request, Response, json};
//!
//! fn greet(request: &mut Request<'_>) -> Outcome {
//!     let name = request.param("name");
//!     request.render("greeting.html", json!({ "name": name }))
//! }
//!
//! fn sign(request: &mut Request<'_>) -> Outcome {
//!     let form = request.form()?;
//!     let name = form.required("name")?;
//!     Ok(Response::see_other(&request.link(&format!("/hello/{name}"))))
//! }
//!
//! let site = Application::new()
//!     .template("greeting.html", "<h1>Hello, {{ name }}!</h1>")
//!     .get("/hello/{name}", greet)
//!     .post("/sign", sign);
//!
//! let client = TestClient::new(site);
//! assert_eq!(client.get("/hello/%3CAda%3E").send().text(), "<h1>Hello, &lt;Ada&gt;!</h1>");
//!
//! let form = "application/x-www-form-urlencoded";
//! let response = client.post("/sign").header("Content-Type", form).body("name=Ada").send();
//! assert_eq!((response.status.code(), response.header("location")), (303, Some("/hello/Ada")));
//!
//! // What nobody wrote a line for.
//! assert_eq!(client.get("/nowhere").send().status.code(), 404);
//! assert_eq!(client.get("/sign").send().header("allow"), Some("POST, OPTIONS"));
//! ```
//!
//! What a handler shares with others is captured, or lent by [`with`]. A handler runs
//! on any thread of the server, also on several at once.

mod application;
mod failure;
mod fields;
mod files;
mod limited;
mod multipart;
mod request;
mod response;
mod route;
mod templates;
mod zone;

pub use application::{Application, Next, with};
pub use cookie::{Cookie, SameSite};
pub use failure::Failure;
pub use fields::Fields;
pub use limited::Limited;
pub use multipart::{Multipart, Part};
pub use request::Request;
pub use response::Response;
pub use serde_json::json;
pub use zone::Zone;

/// What a handler gives: an answer, or why there is none.
pub type Outcome = Result<Response, Failure>;

#[cfg(test)]
mod tests;
