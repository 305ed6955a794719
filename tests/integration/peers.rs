//! Programs that users have, on every engine: curl, a browser, Python's and
//! Node's own clients, load generators.

pub(crate) mod browser;
pub(crate) mod curl;
mod load;
mod scripts;

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// So many bytes go up and come down where size matters.
const LARGE: usize = 100 << 20;

/// They, and their hash as `/inspect` writes it.
static LARGE_BYTES: LazyLock<(Vec<u8>, String)> = LazyLock::new(|| {
    let bytes = bytes(LARGE);
    let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    (bytes, hash)
});

/// Bytes of which no piece is like another.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    let noise: Vec<u8> = (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut bytes = Vec::with_capacity(count + noise.len());
    while bytes.len() < count {
        let mark = (bytes.len() as u64).to_be_bytes();
        bytes.extend_from_slice(&mark);
        bytes.extend_from_slice(&noise[mark.len()..]);
    }
    bytes.truncate(count);
    bytes
}
