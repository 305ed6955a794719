//! The variables of a request that name its client, where somebody speaks for it.

use gateway_spec::Header;

/// Lists what is known of a client, and answers how much that is. Its entries have
/// room for all: address, port and HTTPS.
pub(super) fn name_client<'t>(
    entries: &mut [Header<'t>],
    scheme: &mut Header<'t>,
    (addr, port): (&'t [u8], &'t [u8]),
    is_secure: bool,
) -> usize {
    let (https, name): (&[u8], &[u8]) = if is_secure { (b"on", b"https") } else { (b"", b"http") };
    *scheme = scheme.with_value(name);
    let all = [Header::new("REMOTE_ADDR", addr), Header::new("REMOTE_PORT", port), Header::new("HTTPS", https)];
    let mut count = 0;
    for (entry, known) in entries.iter_mut().zip(all.into_iter().filter(|entry| !entry.value().is_empty())) {
        *entry = known;
        count += 1;
    }
    count
}
