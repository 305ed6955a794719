//! Shows its environ: what a server tells an app about a request, as a page.
//!
//! ```sh
//! cargo build -p environ
//! gateway-server target/debug/libenviron.so:app
//! ```
//!
//! ```text
//! $ curl -s 'http://127.0.0.1:8000/caf%C3%A9?x=1' | grep PATH_INFO
//! <tr><th>PATH_INFO</th><td>/café</td></tr>
//! ```

use gateway_spec::prelude::*;

fn environ<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let headers = [
        Header::new("Content-Type", "text/html; charset=utf-8"),
        Header::new("Cache-Control", "no-store"),
        // The page is made of what the client sent: let nothing of it run.
        Header::new("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    start_response.start(Head::new(Status::OK, &headers))?;
    Ok(Body::from(page(&environ)))
}

fn page(environ: &Environ<'_>) -> String {
    let mut variables: Vec<_> = environ.iter().collect();
    variables.sort();
    let variables: String = variables.iter().map(|(key, value)| row(key.as_bytes(), value)).collect();
    let headers: String = environ.headers().iter().map(|header| row(header.name(), header.value())).collect();
    let method = escape(environ.method().as_bytes());
    let url = escape(environ.url().as_bytes());
    let version = escape(environ.version().as_bytes());
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>environ</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>Hello from a Gateway app</h1>\n\
         <p>You asked for <code>{method} {url}</code>, and this is what the server told the app, \
         by version {version} of the interface.</p>\n\
         <h2>Environ</h2>\n<table>\n{variables}</table>\n\
         <h2>Request headers, as received</h2>\n<table>\n{headers}</table>\n</body>\n</html>\n"
    )
}

fn row(name: &[u8], value: &[u8]) -> String {
    let value = if value.is_empty() { "<i>empty</i>".to_owned() } else { escape(value) };
    format!("<tr><th>{}</th><td>{value}</td></tr>\n", escape(name))
}

/// Bytes as HTML text: markup and control characters are escaped, and what is
/// not UTF-8 shows as `\xff`.
fn escape(bytes: &[u8]) -> String {
    let mut html = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                char if char.is_control() => html.extend(char.escape_default()),
                char => html.push(char),
            }
        }
        html.push_str(&chunk.invalid().escape_ascii().to_string());
    }
    html
}

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --name: light-dark(#0b5394, #8ec5ff) }
body { max-width: 60rem; margin: 3rem auto; padding: 0 1.5rem; font: 16px/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.9rem }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.15rem }
code, th, td { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: .875rem }
code { padding: .15em .4em; background: var(--soft); border-radius: 4px }
table { width: 100%; border-collapse: collapse; border: 1px solid var(--line) }
tr:nth-child(odd) { background: var(--soft) }
th, td { padding: .35rem .75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) }
th { width: 17rem; font-weight: 600; color: var(--name) }
td { overflow-wrap: anywhere }
i { opacity: .5 }
";

gateway_spec::export! {
    /// Shows the environ as a page.
    app => environ
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_spec::testing::TestClient;

    #[test]
    fn shows_every_variable_once_and_sorted() {
        let response = TestClient::new(app_fn(environ)).get("/caf%C3%A9?x=1").header("Accept", "*/*").send();
        let html = response.text();
        let (variables, headers) = html.split_once("as received").expect("two tables");
        for row in ["<tr><th>PATH_INFO</th><td>/café</td></tr>", "<tr><th>QUERY_STRING</th><td>x=1</td></tr>"] {
            assert_eq!(variables.matches(row).count(), 1, "{row} in {html}");
        }
        assert!(variables.contains("<tr><th>SCRIPT_NAME</th><td><i>empty</i></td></tr>"));
        assert!(headers.contains("<tr><th>Accept</th><td>*/*</td></tr>"));
        let at = |name: &str| variables.find(&format!("<th>{name}</th>")).expect("a variable that is always there");
        assert!(at("HTTP_ACCEPT") < at("PATH_INFO") && at("PATH_INFO") < at("gateway.version"));
    }

    #[test]
    fn lets_no_markup_through() {
        let client = TestClient::new(app_fn(environ));
        let response = client.get("/%3Cscript%3E?<script>").header("X-<b>", "<script>").without_lint().send();
        assert!(!response.text().contains("<script>"));
        assert!(response.text().contains("&lt;script&gt;"));
    }

    #[test]
    fn escapes_what_is_not_text() {
        assert_eq!(escape(b"a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
        assert_eq!(escape(b"caf\xc3\xa9 caf\xe9\xff"), "café caf\\xe9\\xff");
        assert_eq!(escape(b"\x1b[0m\t"), "\\u{1b}[0m\\t");
    }
}
