//! How many descriptors this process may have: one for each connection.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as this user may, and says what it is then. The soft
/// one is mostly 1024, for the sake of programs that use select(2).
pub fn raise_descriptor_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let most = if raised.is_ok() { maximum } else { current };
    let most = most.map_or_else(|| "no limit".to_owned(), |most| most.to_string());
    tracing::info!("descriptors (nofile): {most}");
}
