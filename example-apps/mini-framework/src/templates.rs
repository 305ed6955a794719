//! Pages by minijinja.

use gateway_spec::Error;
use minijinja::{Environment, UndefinedBehavior, Value};

/// Templates, parsed once. What goes into one whose name ends with `.html` is escaped.
pub(crate) struct Templates(Environment<'static>);

impl Templates {
    pub(crate) fn new() -> Self {
        let mut environment = Environment::new();
        // A name that nobody gave is a mistake, not an empty place on the page.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        Self(environment)
    }

    pub(crate) fn add(&mut self, name: &'static str, source: &'static str) {
        self.0.add_template(name, source).unwrap_or_else(|error| panic!("the template {name}: {error:#}"));
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.get_template(name).is_ok()
    }

    pub(crate) fn render(&self, name: &str, values: Value) -> Result<String, Error> {
        self.0.get_template(name).and_then(|template| template.render(values)).map_err(Error::app)
    }
}
