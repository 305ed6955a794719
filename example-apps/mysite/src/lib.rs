//! A site of four pages on the small framework.
//!
//! | address | answer |
//! |---|---|
//! | `/` | a page with text and a picture, which is the browser's second request |
//! | `/ctime?timezone=e8` | the time, eight hours to the east of Greenwich |
//! | `/sayhello` | a form that asks for a name, and by POST the greeting |
//! | `/sayhaha` | haha |
//!
//! ```sh
//! cargo build -p mysite
//! gateway-server target/debug/libmysite.so:app
//! ```
//!
//! Page, picture and style are a part of the module: that one file is the site. With
//! `--set static=FOLDER`, more files are served below `/static`.

use gateway_spec::prelude::*;
use mini_framework::{Application, Failure, Outcome, Request, Response, Zone, json};

static PICTURE: &[u8] = include_bytes!("../static/gate.svg");

fn home(request: &mut Request<'_>) -> Outcome {
    request.render("home.html", json!({}))
}

fn picture(_: &mut Request<'_>) -> Outcome {
    Ok(Response::body("image/svg+xml", PICTURE))
}

fn ctime(request: &mut Request<'_>) -> Outcome {
    Ok(Response::text(Zone::of(request)?.now() + "\n"))
}

fn ask_name(request: &mut Request<'_>) -> Outcome {
    request.render("sayhello.html", json!({ "name": "" }))
}

fn say_hello(request: &mut Request<'_>) -> Outcome {
    let form = request.form()?;
    match form.required("name")?.trim() {
        "" => Err(Failure::bad_request("Nobody is called that.")),
        name => request.render("sayhello.html", json!({ "name": name })),
    }
}

fn say_haha(_: &mut Request<'_>) -> Outcome {
    Ok(Response::text("Haha!\n"))
}

fn create(config: &Config<'_>) -> Result<Application> {
    config.only(&["static"])?;
    let site = Application::new()
        .template("layout.html", include_str!("../templates/layout.html"))
        .template("home.html", include_str!("../templates/home.html"))
        .template("sayhello.html", include_str!("../templates/sayhello.html"))
        .template("error.html", include_str!("../templates/error.html"))
        .get("/", home)
        .get("/gate.svg", picture)
        .get("/ctime", ctime)
        .get("/sayhello", ask_name)
        .post("/sayhello", say_hello)
        .get("/sayhaha", say_haha);
    Ok(match config.get("static") {
        Some(folder) => site.files("/static", folder),
        None => site,
    })
}

gateway_spec::export! {
    /// A small site: /, /ctime, /sayhello, /sayhaha.
    app => create
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_spec::testing::{Response as Answer, TestClient};

    fn site() -> TestClient<Application> {
        TestClient::new(create(&Config::from_pairs([("", ""); 0])).expect("it takes no configuration"))
    }

    fn post(body: &str) -> Answer {
        site().post("/sayhello").header("Content-Type", "application/x-www-form-urlencoded").body(body).send()
    }

    #[test]
    fn the_page_leads_to_its_picture_and_the_others_wherever_it_is() {
        let page = site().get("/my/").script_name("/my").send();
        for link in
            ["src=\"/my/gate.svg\"", "href=\"/my/ctime?timezone=e8\"", "href=\"/my/sayhello\"", "href=\"/my/sayhaha\""]
        {
            assert!(page.text().contains(link), "no {link} in {}", page.text());
        }
        let picture = site().get("/gate.svg").send();
        assert_eq!(picture.header("content-type"), Some("image/svg+xml"));
        assert!(picture.text().starts_with("<svg"));
        assert_eq!(site().get("/sayhaha").send().text(), "Haha!\n");
    }

    #[test]
    fn the_time_is_told_in_zones() {
        assert!(site().get("/ctime?timezone=e8").send().text().ends_with(" UTC+08:00\n"));
        assert!(site().get("/ctime").send().text().ends_with(" UTC+00:00\n"));
        let wrong = site().get("/ctime?timezone=%3Ce8").send();
        assert_eq!(wrong.status, Status::BAD_REQUEST);
        assert!(wrong.text().contains("as in e8, w5 or e5:30."), "{}", wrong.text());
    }

    #[test]
    fn a_name_is_greeted_as_it_is() {
        assert!(site().get("/sayhello").send().text().contains("<form method=\"post\""));
        assert!(post("name=+Ada+").text().contains("Hello, Ada!"));
        assert!(post("name=%3Cb%3E").text().contains("Hello, &lt;b&gt;!"));
        assert_eq!(post("name=+").status, Status::BAD_REQUEST);
        assert_eq!(post("").status, Status::BAD_REQUEST);
    }

    #[test]
    fn what_is_not_there_and_not_allowed() {
        assert_eq!(site().get("/static/x").send().status, Status::NOT_FOUND);
        assert_eq!(site().delete("/sayhello").send().header("allow"), Some("GET, HEAD, POST, OPTIONS"));
        assert!(create(&Config::from_pairs([("statc", "x")])).is_err());
    }
}
