//! Lint placeholder
use crate::prelude::*;
/// Lint
#[derive(Debug)]
pub struct Lint<A>(A);
impl<A: App> Lint<A> {
    /// new
    pub fn new(app: A) -> Self {
        Self(app)
    }
    /// inner
    pub fn inner(&self) -> &A {
        &self.0
    }
}
impl<A: App> App for Lint<A> {
    fn call<'r>(&'r self, environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        self.0.call(environ, start_response)
    }
}
