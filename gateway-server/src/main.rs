//! `gateway-server MODULE:APP`

use std::process::ExitCode;

fn main() -> ExitCode {
    gateway_server::cli::main()
}
