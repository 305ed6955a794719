//! The measured apps behind the C ABI.

mod apps;

use apps::{empty, fixed, hello, owned, stream};

gateway_spec::export! {
    /// Nothing at all.
    empty => empty,
    /// Three headers and a static body.
    fixed => fixed,
    /// Three headers and an owned body.
    owned => owned,
    /// Three headers and four chunks.
    stream => stream,
    /// One header and a static body.
    hello => hello,
}
