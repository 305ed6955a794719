//! Prints `docs/SPEC.md`: `cargo run -p gateway-spec --example render-spec > docs/SPEC.md`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(gateway_spec::lint::spec().as_bytes())
}
