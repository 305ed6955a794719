//! Patterns, and the table that finds the one for a request.

use crate::{Outcome, Request};

pub(crate) type Handler = Box<dyn Fn(&mut Request<'_>) -> Outcome + Send + Sync>;

/// The values of a pattern's parameters, by their names.
pub(crate) type Params = Vec<(String, String)>;

/// The routes, in the order in which they were added.
#[derive(Default)]
pub(crate) struct Table(Vec<Route>);

struct Route {
    method: &'static str,
    pattern: Pattern,
    handler: Handler,
}

/// What a table has for a request.
pub(crate) enum Found<'t> {
    Handler(&'t Handler, Params),
    /// The path is known, the method is not: the value of Allow.
    Methods(String),
    Nothing,
}

impl Table {
    pub(crate) fn add(&mut self, method: &'static str, pattern: &str, handler: Handler) {
        self.0.push(Route { method, pattern: Pattern::new(pattern), handler });
    }

    pub(crate) fn find(&self, method: &str, path: &str) -> Found<'_> {
        // HEAD is GET without the body, which the server leaves out.
        let answers = |known: &str| known == method || (method == "HEAD" && known == "GET");
        let mut allowed = Vec::new();
        for route in &self.0 {
            let Some(params) = route.pattern.fit(path) else { continue };
            if answers(route.method) {
                return Found::Handler(&route.handler, params);
            }
            allowed.push(route.method);
        }
        if allowed.is_empty() { Found::Nothing } else { Found::Methods(allow(allowed)) }
    }
}

/// The value of Allow: with HEAD beside GET, and OPTIONS, which this is the answer to.
fn allow(methods: Vec<&'static str>) -> String {
    let mut all: Vec<&str> = Vec::new();
    for method in methods {
        let more: &[&str] = if method == "GET" { &["GET", "HEAD"] } else { &[method] };
        all.extend(more.iter().filter(|method| !all.contains(method)).collect::<Vec<_>>());
    }
    if !all.contains(&"OPTIONS") {
        all.push("OPTIONS");
    }
    all.join(", ")
}

/// A path with holes: `/entries/{id}`.
struct Pattern(Vec<Segment>);

enum Segment {
    Literal(String),
    Param(String),
}

impl Pattern {
    fn new(pattern: &str) -> Self {
        assert!(pattern.starts_with('/'), "the pattern {pattern:?} does not begin with /");
        let hole = |segment: &str| Some(segment.strip_prefix('{')?.strip_suffix('}')?.to_owned());
        let segment =
            |segment: &str| hole(segment).map_or_else(|| Segment::Literal(segment.to_owned()), Segment::Param);
        Self(pattern.split('/').map(segment).collect())
    }

    /// The parameters, if the path is of this pattern. None is ever empty.
    fn fit(&self, path: &str) -> Option<Params> {
        let mut segments = path.split('/');
        let mut params = Vec::new();
        for expected in &self.0 {
            let segment = segments.next()?;
            match expected {
                Segment::Literal(literal) if literal == segment => {}
                Segment::Param(name) if !segment.is_empty() => params.push((name.clone(), segment.to_owned())),
                _ => return None,
            }
        }
        segments.next().is_none().then_some(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(pattern: &str, path: &str) -> Option<Vec<String>> {
        Some(Pattern::new(pattern).fit(path)?.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
    }

    #[test]
    fn a_pattern_fits_whole_segments() {
        assert_eq!(fit("/", "/"), Some(vec![]));
        assert_eq!(fit("/ctime", "/ctime"), Some(vec![]));
        assert_eq!(fit("/entries/{id}", "/entries/7"), Some(vec!["id=7".to_owned()]));
        assert_eq!(fit("/{a}/to/{b}", "/x/to/y"), Some(vec!["a=x".to_owned(), "b=y".to_owned()]));
        for path in ["/entries", "/entries/", "/entries/7/", "/entries/7/8", "entries/7", "/Entries/7", ""] {
            assert_eq!(fit("/entries/{id}", path), None, "{path}");
        }
    }

    #[test]
    fn allow_names_what_is_answered() {
        assert_eq!(allow(vec!["GET", "POST", "GET"]), "GET, HEAD, POST, OPTIONS");
        assert_eq!(allow(vec!["OPTIONS"]), "OPTIONS");
        assert_eq!(allow(vec!["HEAD", "GET"]), "HEAD, GET, OPTIONS");
    }
}
